//! Which contracts of others are indexed, and how that may change while the index goes on.

use crate::{rig::Rig, token};
use alloy_primitives::Address;
use db::Db;
use projections::{Source, Standard};

/// Logs of a contract that are kept, as [`token::truth`] has them.
async fn rows(db: &Db, contract: Address) -> Vec<(u64, u64, String)> {
    let logs = db::raw_logs::load_of(&mut db.acquire().await.unwrap(), contract).await.unwrap();
    let read = |log: db::raw_logs::RawLog| {
        (log.block_number, u64::from(log.log_index), log.block_hash.to_string())
    };
    logs.into_iter().map(read).collect()
}

/// By ranges and by single blocks, in either way of proving, its logs are kept and nothing else.
#[tokio::test]
async fn of_a_source_that_is_not_projected_only_logs_are_kept() {
    let mut rig = Rig::new().await;
    let (kept, made) = (token::deploy(&rig).await, token::deploy(&rig).await);
    for settled in [true, false] {
        for round in 0..12 {
            token::burst(&rig, [kept, made][round % 2], 5).await;
        }
        rig.node.mine(if settled { 70 } else { 1 }).await;
    }
    let source = |address| Source::new(address, Standard::Erc20, 1);
    rig.sources = vec![Source { projected: false, ..source(kept) }, source(made)];
    for proven in [true, false] {
        rig.options.prove_settled = proven;
        let test = testkit::database().await;
        let _running = rig.start(&test.db);
        rig.indexed(&test.db).await;
        for token in [kept, made] {
            let wanted = token::truth(&rig, &[token]).await;
            assert_eq!((rows(&test.db, token).await, wanted.len()), (wanted, 60));
        }
        let of = "select distinct encode(contract, 'hex') from balances";
        let found = db::raw::texts(&mut test.db.acquire().await.unwrap(), of).await.unwrap();
        assert_eq!(found, [alloy_primitives::hex::encode(made)]);
    }
}

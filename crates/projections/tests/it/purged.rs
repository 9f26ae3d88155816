//! What is left of contracts that were removed, deleted.

use crate::{
    rebuild::rebuild,
    removed::{add_again, remove, row},
    rig::{Rig, facts},
    sources::{add, events, factory, grown, made, rows, swaps, talk, transfer, with_factory},
    speaker, token,
};
use alloy_primitives::Address;
use db::{Db, index_purges};
use indexer::{PurgeError, RemoveError};
use projections::{Source, Standard, rebuild::RebuildError};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{collections::BTreeSet, time::Duration};
use tokio::time::timeout;
use vocab::topic;

async fn purge(rig: &Rig, db: &Db, contract: Address) -> Result<u64, PurgeError> {
    let projector = rig.projector();
    indexer::purge(db, rig.node.chain_id, contract, (projector.as_ref(), &[]), &mut |_| {}).await
}

/// Each table with each contract that it has rows of.
const TRACES: &str = "
     select 'raw_logs ' || encode(address, 'hex') from raw_logs
     union select 'orphaned_logs ' || encode(address, 'hex') from orphaned_logs
     union select 'index_sources ' || encode(address, 'hex') from index_sources
     union select 'index_children ' || encode(address, 'hex') from index_children
     union select 'index_children ' || encode(factory, 'hex') from index_children
     union select 'items ' || encode(contract, 'hex') from items
     union select 'transfers ' || encode(contract, 'hex') from transfers
     union select 'balances ' || encode(contract, 'hex') from balances
     union select 'allowances ' || encode(contract, 'hex') from allowances
     union select 'token_approvals ' || encode(contract, 'hex') from token_approvals
     union select 'operator_approvals ' || encode(contract, 'hex') from operator_approvals
     union select 'metadata_updates ' || encode(contract, 'hex') from metadata_updates
     union select 'decoded_logs ' || encode(contract, 'hex') from decoded_logs
     union select 'unread_logs ' || encode(contract, 'hex') from unread_logs
     union select 'undecoded_logs ' || encode(contract, 'hex') from undecoded_logs
     union select 'token_metadata ' || encode(contract, 'hex') from token_metadata
     union select 'token_traits ' || encode(contract, 'hex') from token_traits
     union select 'balance_readings ' || encode(contract, 'hex') from balance_readings";

/// Tables with rows of this contract, whatever they are.
async fn traces(db: &Db, contract: Address) -> BTreeSet<String> {
    let found = db::raw::texts(&mut db.acquire().await.unwrap(), TRACES).await.unwrap();
    let contract = alloy_primitives::hex::encode(contract);
    let named = found.iter().filter_map(|row| row.strip_suffix(&contract));
    named.map(|table| table.trim().to_owned()).collect()
}

/// Followed by itself: refused until that is settled; then nothing speaks of it, and it may come back.
#[tokio::test]
async fn of_a_contract_that_is_purged_nothing_is_left() {
    let mut rng = StdRng::seed_from_u64(61);
    let (mut rig, speakers) = grown(40, &mut rng).await;
    let all = rig.sources.clone();
    let late = rig.sources.split_off(1);
    let test = testkit::database().await;
    let _running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    let nowhere = purge(&rig, &test.db, late[0].address).await;
    assert!(matches!(nowhere, Err(PurgeError::NotIndexed)), "{nowhere:?}");
    for source in &late {
        add(&rig, &test.db, source).await;
    }
    for _ in 0..12 {
        talk(&rig, speakers, &mut rng).await;
    }
    rig.joined(&test.db).await;
    rig.reorg(5, &[]).await;
    rig.indexed(&test.db).await;
    let followed = purge(&rig, &test.db, late[0].address).await;
    assert!(matches!(followed, Err(PurgeError::Followed)), "{followed:?}");
    for source in &late {
        remove(&rig, &test.db, source.address).await.unwrap();
    }
    let open = purge(&rig, &test.db, late[0].address).await;
    assert!(matches!(open, Err(PurgeError::Unsettled { .. })), "{open:?}");
    rig.node.mine(70).await;
    rig.indexed(&test.db).await;
    let document = "insert into token_metadata (chain_id, contract, token_id)
                    select chain_id, contract, token_id from items";
    db::raw::execute(&mut test.db.acquire().await.unwrap(), document).await.unwrap();
    let standards: BTreeSet<String> = {
        let before = traces(&test.db, late[0].address).await;
        assert!(before.contains("raw_logs") && before.contains("index_sources"), "{before:?}");
        before.union(&traces(&test.db, late[1].address).await).cloned().collect()
    };
    assert!(standards.len() > 6, "{standards:?}");

    // Cut off anywhere, and called again.
    for source in &late {
        let mut cuts = 0u64;
        let logs = rows(&test.db, source.address).await.len();
        assert!(logs > 3);
        let deleted = loop {
            // Longer each time, so that a slow machine comes to the end, too.
            let patience = Duration::from_micros(rng.random_range(200..12_000) * (1 + cuts / 20));
            match timeout(patience, purge(&rig, &test.db, source.address)).await {
                Err(_) => cuts += 1,
                // Cut off when the last commit was sent already.
                Ok(Err(PurgeError::NotIndexed)) if cuts > 0 => break 0,
                Ok(done) => break done.unwrap(),
            };
            if let Some(left) = row(&rig, &test.db, source.address).await.filter(|row| row.purging)
            {
                assert_eq!(left.last_block, Some(0), "nothing of it is answered");
                let refused = rebuild(&test.db, "all").await;
                // A commit that was sent before the cut may come only now.
                let still = row(&rig, &test.db, source.address).await.is_some();
                let is_refused = matches!(refused, Err(RebuildError::Purging));
                assert!(is_refused || !still, "{refused:?}");
            }
            assert!(cuts < 500, "it comes to no end");
        };
        assert!(deleted <= logs as u64);
        println!("{cuts} cuts");
        assert_eq!(traces(&test.db, source.address).await, BTreeSet::new());
        let gone = purge(&rig, &test.db, source.address).await;
        assert!(matches!(gone, Err(PurgeError::NotIndexed)), "{gone:?}");
        talk(&rig, speakers, &mut rng).await;
    }
    rig.indexed(&test.db).await;
    let alone = rig.rebuilt().await;
    assert_eq!(rig.digest(&test.db).await, alone, "as if they had never been followed");
    rig.reorg(50, &[]).await;
    rig.indexed(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
    rebuild(&test.db, "all").await.unwrap();
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
    let told = facts(&test.db, topic::CHAIN).await;
    let purged = told.iter().filter(|fact| fact.kind == "source_purged").count();
    assert_eq!(purged, late.len(), "told once of each");

    for source in &late {
        add(&rig, &test.db, source).await;
    }
    rig.sources = all;
    rig.joined(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await, "from nothing");
}

/// What it made goes with it, but not what stands for itself, or would be another factory's.
#[tokio::test]
async fn a_factory_is_purged_with_what_it_made() {
    let (mut rig, factory_at, children) = with_factory(150).await;
    rig.options.range_max = 9;
    let own = Source::new(token::deploy(&rig).await, Standard::Erc20, 1);
    let kept = Source::new(children[1], Standard::Erc20, 1);
    rig.sources = vec![own, kept];
    let test = testkit::database().await;
    let _running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    add(&rig, &test.db, &factory(factory_at)).await;
    rig.joined(&test.db).await;
    let second = speaker::deploy(&rig).await;
    remove(&rig, &test.db, factory_at).await.unwrap();
    rig.node.mine(70).await;
    rig.indexed(&test.db).await;
    let part = purge(&rig, &test.db, children[2]).await;
    assert!(matches!(part, Err(PurgeError::MadeBy(by)) if by == factory_at), "{part:?}");
    assert!(rows(&test.db, children[2]).await.len() > 1);

    // Another one names what the first has made: that would be its own without the first.
    add(&rig, &test.db, &factory(second)).await;
    rig.joined(&test.db).await;
    speaker::say(&rig, second, &[made(children[2])]).await;
    rig.indexed(&test.db).await;
    let claimed = purge(&rig, &test.db, factory_at).await;
    let by_second = matches!(claimed, Err(PurgeError::Claimed { contract, by })
        if contract == children[2] && by == second);
    assert!(by_second, "{claimed:?}");
    remove(&rig, &test.db, second).await.unwrap();
    rig.node.mine(70).await;
    rig.indexed(&test.db).await;
    purge(&rig, &test.db, second).await.unwrap();
    purge(&rig, &test.db, factory_at).await.unwrap();
    for contract in [factory_at, second, children[0], children[2], children[4]] {
        assert_eq!(traces(&test.db, contract).await, BTreeSet::new(), "{contract}");
    }
    assert!(rows(&test.db, children[1]).await.len() > 4, "it stands for itself");
    for child in &children {
        speaker::say(&rig, *child, &[transfer(3)]).await;
    }
    rig.indexed(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
    add(&rig, &test.db, &factory(factory_at)).await;
    rig.joined(&test.db).await;
    assert!(rows(&test.db, children[2]).await.len() > 1, "from nothing");
}

/// An event of any contract, and a contract that tells of it, too: each has its own logs.
#[tokio::test]
async fn an_event_of_any_contract_is_purged_by_itself() {
    let mut rig = Rig::new().await;
    let (one, two) = (speaker::deploy(&rig).await, speaker::deploy(&rig).await);
    for _ in 0..2 {
        for log in swaps() {
            speaker::say(&rig, one, std::slice::from_ref(&log)).await;
            speaker::say(&rig, two, &[log, transfer(1)]).await;
        }
        rig.node.mine(70).await;
    }
    let asset = Source::new(two, Standard::Erc20, 1);
    let events = Source::anywhere(&events(), 1);
    rig.sources = Vec::new();
    let test = testkit::database().await;
    let _running = rig.start(&test.db);
    for source in events.iter().chain([&asset]) {
        rig.indexed(&test.db).await;
        add(&rig, &test.db, source).await;
    }
    rig.joined(&test.db).await;
    // The contract goes, the events stay; then one of the events goes.
    for (gone, left) in [(&asset, &events[..]), (&events[0], &events[1..])] {
        remove(&rig, &test.db, gone.address).await.unwrap();
        rig.node.mine(70).await;
        rig.indexed(&test.db).await;
        purge(&rig, &test.db, gone.address).await.unwrap();
        for log in swaps() {
            speaker::say(&rig, two, &[log, transfer(1)]).await;
        }
        rig.sources = left.to_vec();
        rig.indexed(&test.db).await;
        assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
    }
    let last = &events[events.len() - 1];
    remove(&rig, &test.db, last.address).await.unwrap();
    rig.node.mine(70).await;
    rig.indexed(&test.db).await;
    let chain = rig.node.chain_id;
    let mut connection = test.db.acquire().await.unwrap();
    assert!(index_purges::record_begun(&mut connection, chain, last.address).await.unwrap());
    drop(connection);
    // It can't be removed, or taken up, in the middle of it.
    let before = remove(&rig, &test.db, last.address).await;
    assert!(matches!(before, Err(RemoveError::Purging)), "{before:?}");
    add_again(&rig, &test.db, last.address).await;
    assert!(row(&rig, &test.db, last.address).await.unwrap().purging, "it stays so");
    purge(&rig, &test.db, last.address).await.unwrap();
    assert!(row(&rig, &test.db, last.address).await.is_none());
}

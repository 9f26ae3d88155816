//! Contracts that more than one source speaks of.

use crate::{
    removed::{add_again, remove, row},
    rig::Rig,
    sources::{add, factory, made, rows, transfer, with_factory},
    speaker, token,
};
use alloy_primitives::Address;
use db::{
    Db,
    digest::TableDigest,
    index_sources::{self, Beside},
};
use projections::{Source, Standard};
use serde_json::json;

/// The first block in which this factory named a contract.
async fn named(rig: &Rig, contract: Address, factory: Address) -> u64 {
    let filter = json!([{ "address": factory, "fromBlock": "0x0" }]);
    let logs = rig.node.call("eth_getLogs", filter).await;
    let contract = alloy_primitives::hex::encode(contract);
    let mut logs = logs.as_array().unwrap().iter();
    let found = logs.find(|log| log["data"].as_str().unwrap().contains(&contract)).unwrap();
    let number = found["blockNumber"].as_str().unwrap().trim_start_matches("0x");
    u64::from_str_radix(number, 16).unwrap()
}

async fn assert_from(rig: &Rig, db: &Db, contract: Address, first: u64) {
    let mut wanted = token::truth(rig, &[contract]).await;
    wanted.retain(|log| log.0 >= first);
    assert_eq!(rows(db, contract).await, wanted, "from {first}");
}

/// Which log named which contract is not told again of one that is followed already.
fn without_claims(mut digest: Vec<TableDigest>) -> Vec<TableDigest> {
    digest.retain(|table| table.table != "index_children");
    digest
}

/// One of them in the chain's history, if both are there from the beginning; else the one that was
/// there first. Its logs are there once, whoever claims it again.
#[tokio::test]
async fn a_contract_that_two_factories_claim_is_followed_once() {
    let (mut rig, first, children) = with_factory(2).await;
    rig.options.range_max = 9;
    let second = speaker::deploy(&rig).await;
    for child in [children[1], children[5]] {
        speaker::say(&rig, second, &[made(child)]).await;
        for child in &children {
            speaker::say(&rig, *child, &[transfer(6)]).await;
        }
    }
    rig.node.mine(70).await;
    let (one, two) = (factory(first), factory(second));
    let by_first = named(&rig, children[1], first).await;
    let by_second = named(&rig, children[1], second).await;
    assert!(by_first < by_second);

    rig.sources = vec![one.clone(), two.clone()];
    let both = testkit::database().await;
    let _both = rig.start(&both.db);
    rig.sources = vec![one.clone()];
    let early = testkit::database().await;
    let mut running = rig.start(&early.db);
    rig.indexed(&early.db).await;
    add(&rig, &early.db, &two).await;
    rig.sources = vec![two.clone()];
    let late = testkit::database().await;
    let _late = rig.start(&late.db);
    rig.indexed(&late.db).await;
    add(&rig, &late.db, &one).await;
    rig.sources = vec![one, two];
    for depth in [0, 2, 25] {
        if depth > 0 {
            rig.reorg(depth, &[]).await;
        }
        for by in [second, first] {
            // Both claim one that both have claimed, and one that is new.
            let new = Address::repeat_byte(depth as u8 + 1);
            speaker::say(&rig, by, &[made(children[1]), made(new)]).await;
            speaker::say(&rig, children[1], &[transfer(3)]).await;
        }
        let fresh = rig.rebuilt().await;
        for (test, from) in [(&both, by_first), (&early, by_first), (&late, by_second)] {
            rig.joined(&test.db).await;
            assert_from(&rig, &test.db, children[1], from).await;
            let since = named(&rig, children[5], second).await;
            assert_from(&rig, &test.db, children[5], since).await;
        }
        assert_eq!(rig.digest(&both.db).await, fresh, "depth {depth}");
        let early_digest = without_claims(rig.digest(&early.db).await);
        assert_eq!(early_digest, without_claims(fresh), "depth {depth}");
        // What was learnt is loaded again.
        running.kill().await;
        let own = std::mem::replace(&mut rig.sources, vec![factory(first)]);
        running = rig.start(&early.db);
        rig.sources = own;
    }
}

/// What was read of a factory beside the head is forgotten with what it made, and read anew; what
/// stands for itself, or goes with the head, is not touched.
#[tokio::test]
async fn what_was_read_beside_the_head_is_forgotten_and_read_anew() {
    let (mut rig, factory_at, children) = with_factory(2).await;
    rig.options.range_max = 9;
    let own = Source::new(children[2], Standard::Erc20, 1);
    rig.sources = vec![own.clone()];
    let alone = rig.rebuilt().await;
    rig.sources.push(factory(factory_at));
    let test = testkit::database().await;
    let running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    running.kill().await;
    let chain = rig.node.chain_id;
    let begun_anew = |contract: Address| {
        let db = test.db.clone();
        async move {
            let mut connection = db.acquire().await.unwrap();
            index_sources::record_begun_anew(&mut connection, chain, contract).await.unwrap()
        }
    };
    let whole = rig.digest(&test.db).await;
    assert!(!begun_anew(factory_at).await, "it goes with the head");
    assert!(!begun_anew(children[0]).await, "it is no source");
    assert_eq!(rig.digest(&test.db).await, whole);

    let mut connection = test.db.acquire().await.unwrap();
    db::raw::execute(&mut connection, "update index_sources set configured = false").await.unwrap();
    remove(&rig, &test.db, factory_at).await.unwrap();
    add_again(&rig, &test.db, factory_at).await;
    let ours = "insert into collections (chain_id, contract, creator, salt, created_block)
                select chain_id, address, address, sha256(''), 1 from index_sources";
    db::raw::execute(&mut connection, ours).await.unwrap();
    assert!(!begun_anew(factory_at).await, "its rows are not told from those of a collection");
    db::raw::execute(&mut connection, "delete from collections").await.unwrap();
    assert!(rows(&test.db, children[1]).await.len() > 2);
    assert!(begun_anew(factory_at).await);
    let found = row(&rig, &test.db, factory_at).await.unwrap();
    assert_eq!(found.beside, Some(Beside { height: 0, hash: None }));
    assert_eq!(rig.digest(&test.db).await, alone, "nothing but the other is there");

    let sources = std::mem::replace(&mut rig.sources, vec![own]);
    let _running = rig.start(&test.db);
    speaker::say(&rig, children[1], &[transfer(4)]).await;
    rig.sources = sources;
    rig.joined(&test.db).await;
    let (now, fresh) = (rig.digest(&test.db).await, rig.rebuilt().await);
    assert_eq!(without_claims(now), without_claims(fresh));
}

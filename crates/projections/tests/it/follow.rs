//! Following a well-behaved chain.

use crate::rig::{Rig, add_job, facts, height};
use alloy_primitives::{Address, U256};
use db::{collections, items};
use serde_json::json;
use std::time::Instant;
use testkit::{ACCOUNTS, NodeOptions, eventually};
use vocab::topic;

#[tokio::test]
async fn a_live_chain_is_followed() {
    let rig = Rig::new().await;
    let test = testkit::database().await;
    let _running = rig.start(&test.db);
    let mut collection = rig.create(1).await;
    let job = add_job(&test, &rig, collection.address, 1).await;
    let minted = rig.mint(&mut collection, 3).await;
    eventually("three items", || async {
        let told = facts(&test.db, topic::ITEMS).await;
        (told.iter().filter(|fact| fact.kind == "item_minted").count() == 3).then_some(())
    })
    .await;
    rig.transfer(&collection, 2, ACCOUNTS[1]).await;
    rig.burn(&collection, 3).await;
    let told = eventually("a transfer and a burn", || async {
        let told = facts(&test.db, topic::ITEMS).await;
        (told.len() == 5).then_some(told)
    })
    .await;
    let kinds: Vec<&str> = told.iter().map(|fact| fact.kind.as_str()).collect();
    assert_eq!(kinds[3..], ["item_transferred", "item_burned"]);
    assert_eq!(told[3].attributes["owner"], ACCOUNTS[1].to_string());
    assert!(told[0].data["uri"].as_str().unwrap().starts_with("ipfs://bafkrei"));

    let chain = rig.node.chain_id;
    let keys: Vec<_> = (1..=3).map(|id| (collection.address, U256::from(id))).collect();
    let mut connection = test.db.acquire().await.unwrap();
    let mut rows = items::load_many(&mut connection, chain, &keys).await.unwrap();
    rows.sort_by_key(|row| row.token_id);
    let owners: Vec<Option<Address>> = rows.iter().map(|row| row.owner).collect();
    assert_eq!(owners, [Some(ACCOUNTS[0]), Some(ACCOUNTS[1]), None]);
    assert!(rows.iter().all(|row| row.minted_tx == minted));
    let rows = collections::load_many(&mut connection, chain, &[collection.address]).await;
    let row = rows.unwrap().remove(0);
    assert_eq!((row.minted, row.burned, row.name.as_str()), (3, 1, "Pictures"));

    // The job of the second intent rises through the levels.
    rig.node.mine(40).await;
    let told = eventually("a final mint", || async {
        let told = facts(&test.db, topic::MINTS).await;
        (told.last().is_some_and(|fact| fact.data["status"] == "final")).then_some(told)
    })
    .await;
    assert_eq!(told[0].data["status"], "tentative");
    assert_eq!(told[0].data["token_id"], "2");
    for fact in &told {
        // Filters that matched the states before, by recipient or status, go on matching.
        let recipient = collection.address.to_string();
        let said = |name: &str| fact.attributes[name].as_str().unwrap_or_default();
        assert_eq!((said("mint_id"), said("to")), (&*job.to_string(), &*recipient));
        assert_eq!(fact.attributes["status"], fact.data["status"]);
        assert_eq!(fact.attributes["token_id"], fact.data["token_id"]);
        assert_eq!((&fact.data["to"], &fact.data["intent"]), (&json!(recipient), &json!("1")));
        assert_eq!(fact.data["reason"], json!(null));
    }
}

#[tokio::test]
async fn a_chain_is_caught_up_with_after_downtime() {
    catch_up(true).await;
}

#[tokio::test]
async fn a_chain_is_caught_up_with_by_ranges() {
    catch_up(false).await;
}

async fn catch_up(prove_settled: bool) {
    let mut rig = Rig::new().await;
    rig.options.prove_settled = prove_settled;
    // Several ranges.
    rig.options.range_max = 64;
    let test = testkit::database().await;
    let mut first = rig.create(1).await;
    rig.mint(&mut first, 5).await;
    let running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    running.kill().await;
    let job = add_job(&test, &rig, first.address, 5).await;
    rig.mint(&mut first, 4).await;
    rig.node.mine(150).await;
    let mut second = rig.create(2).await;
    rig.mint(&mut second, 7).await;
    rig.transfer(&second, 4, ACCOUNTS[2]).await;
    rig.node.mine(100).await;
    rig.burn(&first, 2).await;
    rig.node.mine(3).await;
    let _running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    // What was final when it was read is told as one range; only mint jobs are told one by one.
    let told = facts(&test.db, topic::CHAIN).await;
    assert!(told.iter().any(|fact| fact.kind == "range_indexed"));
    let told = facts(&test.db, topic::MINTS).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].data["status"], "final");
    assert_eq!(told[0].attributes["mint_id"], job.to_string());
    let digest = rig.digest(&test.db).await;
    assert_eq!(digest, rig.rebuilt().await);
    let rows: Vec<u64> = digest.iter().map(|table| table.rows).collect();
    assert_eq!(rows[1..4], [2, 16, 18], "collections, items, transfers");
}

#[tokio::test]
async fn one_block_of_a_collection_and_its_first_items_is_not_missed() {
    let rig = Rig::new().await;
    rig.node.call("evm_setAutomine", serde_json::json!([false])).await;
    let test = testkit::database().await;
    for (salt, settled) in [(1, 0), (2, 100)] {
        let mut collection = rig.create(salt).await;
        rig.mint(&mut collection, 3).await;
        rig.node.mine(1).await;
        rig.node.mine(settled).await;
        let running = rig.start(&test.db);
        rig.indexed(&test.db).await;
        running.kill().await;
        let key = (collection.address, U256::from(3));
        let mut connection = test.db.acquire().await.unwrap();
        let rows = items::load_many(&mut connection, rig.node.chain_id, &[key]).await.unwrap();
        assert_eq!(rows.len(), 1, "collection {salt}");
    }
}

/// Not a benchmark: it shows that a full block goes through in one commit, and prints how long it
/// took (unoptimised build).
#[tokio::test]
async fn a_block_of_a_thousand_items_is_one_commit() {
    let extra = vec!["--gas-limit".to_owned(), "300000000".to_owned()];
    let rig = Rig::with(NodeOptions { extra, ..NodeOptions::default() }).await;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    let _running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    for round in 1..=5 {
        rig.node.call("evm_setAutomine", serde_json::json!([false])).await;
        // 1,000 items in batches that each lie in one word of intents.
        for count in [250, 6, 250, 6, 250, 6, 232] {
            rig.mint(&mut collection, count).await;
        }
        collection.skip_to_next_word();
        let started = Instant::now();
        rig.node.mine(1).await;
        let head = rig.head().await;
        let mined = started.elapsed();
        eventually("the block", || async {
            (height(&test.db, &rig).await == Some(head)).then_some(())
        })
        .await;
        println!(
            "1,000 items: mined in {mined:?}, indexed {:?} after the start",
            started.elapsed()
        );
        assert_eq!(rig.digest(&test.db).await[2].rows, round * 1_000);
    }
    let told = facts(&test.db, topic::CHAIN).await;
    assert_eq!(told.iter().filter(|fact| fact.data["logs"] == "1007").count(), 5);

    // The same from nothing, by ranges.
    rig.node.call("evm_setAutomine", serde_json::json!([true])).await;
    rig.node.mine(100).await;
    let fresh = testkit::database().await;
    let started = Instant::now();
    let _running = rig.start(&fresh.db);
    rig.indexed(&fresh.db).await;
    println!("5,035 logs caught up in {:?}", started.elapsed());
    assert_eq!(rig.digest(&fresh.db).await, rig.digest(&test.db).await);
}

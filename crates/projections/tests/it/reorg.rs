//! Chains that change their mind.

use crate::{
    followed::text,
    rig::{Rig, add_job, call_of, checkpoint, facts},
};
use alloy_primitives::{Bytes, U256, aliases::U96, hex};
use alloy_sol_types::SolCall;
use contracts::StoaCollection;
use db::{checkpoints, reconciliations};
use serde_json::json;
use testkit::{ACCOUNTS, eventually};
use vocab::topic;

/// Depths at which the index is compared with one made from nothing; all are gone through.
const COMPARED: [u64; 9] = [1, 2, 11, 12, 13, 31, 32, 33, 40];

#[tokio::test]
async fn reorgs_of_depth_1_to_40_across_a_mint_leave_what_a_rebuild_finds() {
    let rig = Rig::new().await;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    rig.mint(&mut collection, 2).await;
    rig.node.mine(70).await;
    let _running = rig.start(&test.db);
    for depth in 1..=40u64 {
        let job = {
            let data = collection.mint_data(1);
            let intent = depth + 1;
            let job = if depth == 1 || depth == 40 {
                Some(add_job(&test, &rig, collection.address, intent).await)
            } else {
                None
            };
            rig.send(collection.address, data.clone()).await;
            if job.is_some() {
                // Seen for the first time in a deeper block, it would begin with a later level.
                rig.indexed(&test.db).await;
            }
            rig.transfer(&collection, intent + 1, ACCOUNTS[1]).await;
            rig.node.mine(depth.saturating_sub(2)).await;
            rig.indexed(&test.db).await;
            // The mint comes back in the last block of the new branch.
            rig.reorg(depth, &[(call_of(collection.address, data), depth - 1)]).await;
            job
        };
        rig.indexed(&test.db).await;
        if let Some(job) = job {
            check_job(&test.db, &job.to_string(), depth).await;
        }
        if COMPARED.contains(&depth) {
            let digest = rig.digest(&test.db).await;
            assert_eq!(digest, rig.rebuilt().await, "after a reorg of depth {depth}");
            println!("depth {depth}: index and rebuild agree on {digest:?}");
        }
    }
    let mut connection = test.db.acquire().await.unwrap();
    let reorgs = reconciliations::load(&mut connection, rig.node.chain_id, 100).await.unwrap();
    let depths: Vec<u64> = reorgs.iter().map(reconciliations::Reconciliation::depth).collect();
    assert_eq!(depths, (1..=40).collect::<Vec<_>>());
}

/// The job was mined, taken back if the reorg reached it, and is mined once in the end.
async fn check_job(db: &db::Db, job: &str, depth: u64) {
    let told = facts(db, topic::MINTS).await;
    let told: Vec<_> = told.iter().filter(|fact| fact.attributes["mint_id"] == job).collect();
    let states: Vec<_> =
        told.iter().map(|fact| (fact.reverting, fact.data["status"].as_str().unwrap())).collect();
    assert_eq!(states[0], (false, "tentative"), "depth {depth}: {states:?}");
    if depth >= 2 {
        let back = states.iter().position(|state| *state == (true, "submitted")).unwrap();
        assert!(states[..back].contains(&(false, "final")) == (depth > 32), "{states:?}");
        assert_eq!(states[back + 1..], [(false, "tentative")], "depth {depth}: {states:?}");
        // It names where it goes and all that it takes back: followers of either state hear of it.
        let mut named = told[back].attributes.clone();
        let before = named.as_object_mut().unwrap().remove("previous_status").unwrap();
        assert_eq!(std::mem::replace(&mut named["status"], before), "submitted");
        assert_eq!(named, told[back - 1].attributes);
        assert_eq!(told[back].data["token_id"], json!(null));
    }
}

#[tokio::test]
async fn reverting_facts_take_back_what_was_told_newest_first() {
    let rig = Rig::new().await;
    let test = testkit::database().await;
    let _running = rig.start(&test.db);
    let mut collection = rig.create(1).await;
    rig.node.mine(5).await;
    rig.indexed(&test.db).await;
    let before = facts(&test.db, topic::ITEMS).await.len();
    rig.mint(&mut collection, 3).await;
    rig.transfer(&collection, 1, ACCOUNTS[1]).await;
    rig.burn(&collection, 2).await;
    rig.indexed(&test.db).await;
    let told = facts(&test.db, topic::ITEMS).await.split_off(before);
    let ends = async || {
        let (mut db, after) = (test.db.acquire().await.unwrap(), before as i64);
        let facts = journal::load_with_ends(&mut db, topic::ITEMS, after, 100).await.unwrap();
        facts.iter().map(|(fact, gone)| (fact.reverting, *gone)).collect::<Vec<_>>()
    };
    assert_eq!(ends().await, [(false, false); 5]);
    rig.reorg(3, &[]).await;
    rig.indexed(&test.db).await;
    assert_eq!(ends().await, [(false, true); 5], "what takes them back has no number yet");
    let back = facts(&test.db, topic::ITEMS).await.split_off(before + told.len());
    let gone = [[(false, true); 5], [(true, false); 5]].concat();
    assert_eq!(ends().await, gone);
    assert_eq!(told.len(), 5);
    assert_eq!(back.len(), 5);
    for (fact, back) in told.iter().rev().zip(&back) {
        assert!(back.reverting && !fact.reverting);
        assert_eq!(back.kind, fact.kind);
        assert_eq!(back.attributes, fact.attributes);
        assert_eq!(back.data, fact.data);
        assert_eq!(back.block_hash, fact.block_hash);
    }
    let told = facts(&test.db, topic::CHAIN).await;
    let reorg = told.iter().find(|fact| fact.kind == "reorg").unwrap();
    assert_eq!(reorg.data["depth"], "3");
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

#[tokio::test]
async fn a_collection_that_a_reorg_took_away_may_come_back() {
    let rig = Rig::new().await;
    let test = testkit::database().await;
    let _running = rig.start(&test.db);
    rig.node.mine(5).await;
    let mut collection = rig.create(1).await;
    rig.mint(&mut collection, 2).await;
    rig.indexed(&test.db).await;
    for _ in 0..5 {
        rig.reorg(2, &[]).await;
        rig.indexed(&test.db).await;
        assert_eq!(rig.digest(&test.db).await[1].rows, 0, "no collection");
        let mut again = rig.create(1).await;
        assert_eq!(again.address, collection.address);
        rig.mint(&mut again, 2).await;
        rig.indexed(&test.db).await;
    }
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

#[tokio::test]
async fn a_reorg_below_the_window_stops_the_chain_in_a_clear_state() {
    let mut rig = Rig::new().await;
    rig.options.window = 32;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    rig.mint(&mut collection, 2).await;
    rig.node.mine(100).await;
    let _running = rig.start(&test.db);
    let before = rig.indexed(&test.db).await;
    rig.reorg(40, &[]).await;
    let stopped = eventually("a stopped chain", || async {
        checkpoint(&test.db, &rig).await.unwrap().stopped
    })
    .await;
    assert!(stopped.contains("deeper than the window"), "{stopped}");
    assert_eq!(checkpoint(&test.db, &rig).await.unwrap().block, before);
    let told = facts(&test.db, topic::CHAIN).await;
    assert_eq!(told.last().unwrap().kind, "chain_stopped");
    // Nobody can write any more, not even by the right triple.
    let mut tx = test.db.begin().await.unwrap();
    let now = checkpoint(&test.db, &rig).await.unwrap();
    let chain = rig.node.chain_id;
    let to = checkpoints::Advance { block: before, levels: now.levels, finalized: None };
    assert!(!checkpoints::record_advance(&mut tx, chain, &now, to).await.unwrap());
}

/// A node that showed another chain for a while stops the index. Once it is mended, the index goes
/// on from where it stopped; before that, it stops again and nothing is lost.
#[tokio::test]
async fn a_stopped_chain_goes_on_when_its_node_is_mended() {
    let mut rig = Rig::new().await;
    rig.options.window = 32;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    rig.mint(&mut collection, 3).await;
    rig.node.mine(100).await;
    let running = rig.start(&test.db);
    let before = rig.indexed(&test.db).await;
    running.kill().await;
    let other = testkit::anvil(testkit::NodeOptions::default()).await;
    other.mine(200).await;
    let wrong = rig.start_at(&test.db, rig.chain_at(vec![other.endpoint.clone()]));
    stopped(&test.db, &rig).await;
    let mut connection = test.db.acquire().await.unwrap();
    let chain = rig.node.chain_id;
    let resumed = checkpoints::record_resumed(&mut connection, chain).await.unwrap();
    assert_eq!(resumed.unwrap().block, before);
    stopped(&test.db, &rig).await;
    wrong.kill().await;
    let _mended = rig.start(&test.db);
    rig.mint(&mut collection, 2).await;
    let resumed = checkpoints::record_resumed(&mut connection, chain).await.unwrap();
    assert!(resumed.is_some());
    let again = checkpoints::record_resumed(&mut connection, chain).await.unwrap();
    assert!(again.is_none(), "a chain that is not stopped is left alone");
    rig.indexed(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

async fn stopped(db: &db::Db, rig: &Rig) {
    eventually("the chain is stopped", || async {
        checkpoint(db, rig).await.unwrap().stopped.map(drop)
    })
    .await;
}

/// What a sale owes is what the collection itself says, from its making on and over reorgs.
#[tokio::test]
async fn royalties_are_what_collections_say() {
    let rig = Rig::new().await;
    let test = testkit::database().await;
    let collection = rig.create(1).await;
    let _running = rig.start(&test.db);
    let said = async || {
        rig.indexed(&test.db).await;
        let ask = StoaCollection::royaltyInfoCall {
            tokenId: U256::from(1),
            salePrice: U256::from(10_000),
        };
        let call = json!([call_of(collection.address, ask.abi_encode()), "latest"]);
        let answer: Bytes = rig.node.endpoint.call("eth_call", call).await.unwrap();
        let (receiver, owed) = answer.split_at(32);
        let shown = "select coalesce(encode(royalty_receiver, 'hex'), repeat('0', 40)) || ' ' ||
                            royalty_bps from collections";
        let shown = text(&test.db, shown).await;
        let told = format!("{} {}", hex::encode(&receiver[12..]), U256::from_be_slice(owed));
        assert_eq!(shown.join(","), told);
        told
    };
    let none = said().await;
    for (bps, receiver) in [(300, ACCOUNTS[1]), (1_000, ACCOUNTS[2]), (0, ACCOUNTS[2])] {
        let call = StoaCollection::setRoyaltyCall { receiver, bps: U96::from(bps) };
        rig.send(collection.address, call.abi_encode()).await;
        assert!(said().await.ends_with(&format!(" {bps}")));
    }
    let told = facts(&test.db, topic::COLLECTIONS).await;
    let of_kind = |facts: &[journal::Fact]| {
        let kind = "collection_royalty_updated";
        facts.iter().filter(|fact| fact.kind == kind).cloned().collect::<Vec<_>>()
    };
    assert_eq!(of_kind(&told).len(), 3, "that of its making is told with it");
    rig.reorg(2, &[]).await;
    assert!(said().await.ends_with(" 300"));
    rig.reorg(3, &[]).await;
    assert_eq!(said().await, none);
    let back = facts(&test.db, topic::COLLECTIONS).await;
    let reverting = of_kind(&back).iter().filter(|fact| fact.reverting).count();
    assert_eq!(reverting, 3);
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

//! A window that reaches down to the block that the node calls finalized.

use crate::{
    followed::text,
    proxy::Proxy,
    rig::{Rig, add_job, call_of, checkpoint, height},
};
use db::{Db, blocks};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{ACCOUNTS, NodeOptions, eventually};

/// anvil calls the block finalized that is two epochs below its head.
async fn rig(slots: u64) -> Rig {
    let extra = vec!["--slots-in-an-epoch".to_owned(), slots.to_string()];
    let mut rig = Rig::with(NodeOptions { extra, ..NodeOptions::default() }).await;
    rig.options.window_finalized = true;
    rig.options.back_off_max = Duration::from_millis(100);
    rig
}

async fn oldest(rig: &Rig, db: &Db) -> u64 {
    let mut connection = db.acquire().await.unwrap();
    blocks::load_oldest(&mut connection, rig.node.chain_id).await.unwrap().unwrap()
}

/// As deep as the node says, no less than what counts as final, and no more than the window may be.
#[tokio::test]
async fn the_window_is_as_deep_as_the_node_says_within_bounds() {
    for (slots, depth, reorg) in [(1, 32, 1), (20, 40, 39), (50, 64, 63)] {
        let rig = rig(slots).await;
        let mut collection = rig.create(1).await;
        rig.mint(&mut collection, 2).await;
        rig.node.mine(150).await;
        let test = testkit::database().await;
        let _running = rig.start(&test.db);
        for blocks in [0, 1, 30] {
            rig.node.mine(blocks).await;
            rig.mint(&mut collection, 1).await;
            let head = rig.indexed(&test.db).await.number;
            assert_eq!(oldest(&rig, &test.db).await, head - depth, "{slots} slots");
            if slots == 20 {
                let finalized = rig.node.endpoint.finalized().await.unwrap().unwrap();
                assert_eq!(finalized.number.to::<u64>(), head - depth);
            }
        }
        // Blocks that hold what they held would be the same ones.
        let other = (call_of(ACCOUNTS[1], Vec::new()), 0);
        rig.reorg(reorg, std::slice::from_ref(&other)).await;
        rig.indexed(&test.db).await;
        assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
        // With 50 slots finality is further behind than the window may reach.
        let other = (call_of(ACCOUNTS[2], Vec::new()), 0);
        rig.reorg(depth + 2, &[other]).await;
        eventually("a chain that is stopped", || async {
            checkpoint(&test.db, &rig).await?.stopped
        })
        .await;
    }
}

/// Enough confirmations are not enough.
#[tokio::test]
async fn mints_are_final_no_earlier_than_their_block() {
    let rig = rig(20).await;
    let mut collection = rig.create(1).await;
    rig.node.mine(100).await;
    let test = testkit::database().await;
    let _running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    add_job(&test, &rig, collection.address, 0).await;
    rig.mint(&mut collection, 1).await;
    for (blocks, status) in [(0, "tentative"), (33, "auditable"), (7, "final")] {
        if blocks > 0 {
            rig.node.mine(blocks).await;
        }
        rig.indexed(&test.db).await;
        assert_eq!(text(&test.db, "select status from mint_jobs").await, [status]);
    }
}

/// Without the tag, and when it goes back, nothing is committed.
#[tokio::test]
async fn a_node_that_does_not_say_or_takes_it_back_is_not_followed() {
    let rig = rig(20).await;
    rig.node.mine(150).await;
    let proxy = Proxy::before(&rig.node.endpoint).await;
    let test = testkit::database().await;
    let _running = rig.start_at(&test.db, rig.chain_at(vec![proxy.endpoint.clone()]));
    let of_tag =
        |method: &str, params: &Value| method == "eth_getBlockByNumber" && params[0] == "finalized";
    let genesis = rig.node.call("eth_getBlockByNumber", json!(["0x0", false])).await;
    for lie in [Value::Null, genesis] {
        rig.indexed(&test.db).await;
        let (asked, asking) = (std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0)), lie);
        let count = std::sync::Arc::clone(&asked);
        proxy.lie(move |method, params, truth| {
            if of_tag(method, params) {
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                return asking.clone();
            }
            truth
        });
        let before = height(&test.db, &rig).await;
        rig.node.mine(3).await;
        eventually("some vain attempts", || async {
            (asked.load(std::sync::atomic::Ordering::Relaxed) > 3).then_some(())
        })
        .await;
        assert_eq!(height(&test.db, &rig).await, before);
        proxy.be_honest();
    }
    rig.indexed(&test.db).await;
}

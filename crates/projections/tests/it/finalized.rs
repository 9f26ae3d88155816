//! A window that reaches down to the block that the node calls finalized.

use crate::{
    followed::text,
    proxy::Proxy,
    rig::{Rig, add_job, call_of, checkpoint, height},
};
use db::{Db, blocks, checkpoints};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use testkit::{ACCOUNTS, NodeOptions, eventually};
use vocab::LevelHeights;

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
        let finalized = rig.node.endpoint.finalized().await.unwrap().unwrap().block();
        let told = checkpoint(&test.db, &rig).await.unwrap();
        assert_eq!(told.finalized, Some(finalized));
        assert_eq!(told.levels.final_, Some(finalized.number), "what readers go by");
    }
}

/// A level is taken back with its block, and by nothing else.
#[tokio::test]
async fn levels_outlive_a_reorg_above_them_and_a_stricter_configuration() {
    let mut rig = rig(1).await;
    rig.options.window_finalized = false;
    rig.node.mine(150).await;
    let test = testkit::database().await;
    let mut connection = test.db.acquire().await.unwrap();
    for sql in KEPT {
        db::raw::execute(&mut connection, sql).await.unwrap();
    }
    let running = rig.start(&test.db);
    let head = rig.indexed(&test.db).await.number;
    let chain = rig.node.chain_id;
    let levels = async || {
        let mut connection = test.db.acquire().await.unwrap();
        checkpoints::load(&mut connection, chain).await.unwrap().unwrap().levels
    };
    let of = |auditable, final_| LevelHeights { auditable: Some(auditable), final_: Some(final_) };
    assert_eq!(levels().await, of(head - 11, head - 31));
    for (depth, account) in [(10, ACCOUNTS[1]), (40, ACCOUNTS[2])] {
        rig.reorg(depth, &[(call_of(account, Vec::new()), 0)]).await;
        rig.indexed(&test.db).await;
    }
    let now = rig.indexed(&test.db).await.number;
    assert_eq!(levels().await, of(now - 11, now - 31));
    running.kill().await;
    let told =
        text(&test.db, "select concat_ws(' ', height, auditable, final) from kept order by n");
    let told: Vec<Vec<u64>> = told.await.iter().map(|row| numbers(row)).collect();
    let mut cut = Vec::new();
    for pair in told.windows(2) {
        let [before, after] = pair else { unreachable!() };
        for level in [1, 2] {
            let kept = before[level].min(after[0]);
            assert!(after[level] >= kept, "{before:?}, {after:?}");
            if after[0] < before[0] {
                assert_eq!(after[level], kept, "a reorg: {before:?}, {after:?}");
                cut.push(before[level] - kept);
            }
        }
    }
    assert_eq!(cut, [0, 0, 29, 9], "the second one went below both");
    // Now the node's word is wanted, and it says less.
    rig.options.window_finalized = true;
    let proxy = Proxy::before(&rig.node.endpoint).await;
    let low = rig.node.call("eth_getBlockByNumber", json!([format!("{:#x}", now - 50), false]));
    let low = low.await;
    proxy.lie(move |method, params, truth| match of_tag(method, params) {
        true => low.clone(),
        false => truth,
    });
    let _running = rig.start_at(&test.db, rig.chain_at(vec![proxy.endpoint.clone()]));
    rig.node.mine(3).await;
    rig.indexed(&test.db).await;
    assert_eq!(levels().await, of(now - 8, now - 31), "no block is final that was not before");
}

/// Whoever takes over knows what was finalized.
#[tokio::test]
async fn what_was_finalized_is_not_taken_back_over_a_restart() {
    let rig = rig(20).await;
    rig.node.mine(150).await;
    let proxy = Proxy::before(&rig.node.endpoint).await;
    let chain = || rig.chain_at(vec![proxy.endpoint.clone()]);
    let test = testkit::database().await;
    let running = rig.start_at(&test.db, chain());
    let head = rig.indexed(&test.db).await;
    running.kill().await;
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let genesis = rig.node.call("eth_getBlockByNumber", json!(["0x0", false])).await;
    proxy.lie(move |method, params, truth| {
        if of_tag(method, params) {
            count.fetch_add(1, Ordering::Relaxed);
            return genesis.clone();
        }
        truth
    });
    rig.node.mine(3).await;
    let _running = rig.start_at(&test.db, chain());
    eventually("some vain attempts", || async {
        (asked.load(Ordering::Relaxed) > 3).then_some(())
    })
    .await;
    assert_eq!(height(&test.db, &rig).await, Some(head));
    proxy.be_honest();
    rig.indexed(&test.db).await;
}

/// Each place of the checkpoint, with its levels.
const KEPT: [&str; 3] = [
    "create table kept (n serial, height bigint, auditable bigint, final bigint)",
    "create function keep() returns trigger language plpgsql as $$ begin
         insert into kept (height, auditable, final)
         values (new.height, coalesce(new.auditable_height, 0), coalesce(new.final_height, 0));
         return null;
     end $$",
    "create trigger keep after update on checkpoints for each row execute function keep()",
];

fn numbers(row: &str) -> Vec<u64> {
    row.split(' ').map(|number| number.parse().unwrap()).collect()
}

fn of_tag(method: &str, params: &Value) -> bool {
    method == "eth_getBlockByNumber" && params[0] == "finalized"
}

/// Without the tag, and when it goes back, nothing is committed.
#[tokio::test]
async fn a_node_that_does_not_say_or_takes_it_back_is_not_followed() {
    let rig = rig(20).await;
    rig.node.mine(150).await;
    let proxy = Proxy::before(&rig.node.endpoint).await;
    let test = testkit::database().await;
    let _running = rig.start_at(&test.db, rig.chain_at(vec![proxy.endpoint.clone()]));
    let genesis = rig.node.call("eth_getBlockByNumber", json!(["0x0", false])).await;
    for lie in [Value::Null, genesis] {
        rig.indexed(&test.db).await;
        let (asked, asking) = (Arc::new(AtomicU64::new(0)), lie);
        let count = Arc::clone(&asked);
        proxy.lie(move |method, params, truth| {
            if of_tag(method, params) {
                count.fetch_add(1, Ordering::Relaxed);
                return asking.clone();
            }
            truth
        });
        let before = height(&test.db, &rig).await;
        rig.node.mine(3).await;
        eventually("some vain attempts", || async {
            (asked.load(Ordering::Relaxed) > 3).then_some(())
        })
        .await;
        assert_eq!(height(&test.db, &rig).await, before);
        proxy.be_honest();
    }
    rig.indexed(&test.db).await;
}

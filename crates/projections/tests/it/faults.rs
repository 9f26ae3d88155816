//! Processes that die, rivals, and endpoints that lag or lie.

use crate::{
    proxy::Proxy,
    rig::{Rig, checkpoint, height},
};
use db::{checkpoints, reconciliations};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use testkit::{TcpProxy, TestDatabase, eventually};
use tokio::time::timeout;

/// Cut off at random moments while items are minted and blocks replaced, it ends with what a
/// rebuild finds.
#[tokio::test]
async fn being_killed_between_any_two_steps_does_no_harm() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let rig = Rig::new().await;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    rig.node.mine(80).await;
    for _ in 0..40 {
        for _ in 0..rng.random_range(1..4) {
            rig.mint(&mut collection, 1).await;
        }
        if rng.random_bool(0.4) {
            // Items of replaced blocks are gone for good: their intents are not sent again.
            rig.reorg(rng.random_range(1..12), &[]).await;
        }
        let (db, chain, projector) = (test.db.clone(), rig.chain(), rig.projector());
        let run = indexer::run(db, chain, projector, rig.options, std::future::pending());
        let _ = timeout(Duration::from_millis(rng.random_range(1..60)), run).await;
    }
    let _running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await, "seed {seed}");
}

#[tokio::test]
async fn of_two_indexers_one_stands_by_and_takes_over() {
    let rig = Rig::new().await;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    let first = rig.start(&test.db);
    rig.indexed(&test.db).await;
    let second = rig.start(&test.db);
    rig.mint(&mut collection, 2).await;
    rig.indexed(&test.db).await;
    assert_eq!(checkpoint(&test.db, &rig).await.unwrap().epoch, 1, "the second stands by");
    first.kill().await;
    rig.mint(&mut collection, 2).await;
    rig.indexed(&test.db).await;
    assert_eq!(checkpoint(&test.db, &rig).await.unwrap().epoch, 2, "the second has taken over");
    drop(second);
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

/// The lock is not what protects the data: a writer that still believes in its right, but whose
/// epoch has passed, cannot commit.
#[tokio::test]
async fn a_writer_of_an_earlier_epoch_cannot_commit() {
    let rig = Rig::new().await;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    let _running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    let before = checkpoint(&test.db, &rig).await.unwrap();
    let raised = {
        let mut connection = test.db.acquire().await.unwrap();
        checkpoints::raise_epoch(&mut connection, rig.node.chain_id).await.unwrap().unwrap()
    };
    let mut tx = test.db.begin().await.unwrap();
    let chain = rig.node.chain_id;
    let (block, levels) = (before.block, before.levels);
    let to = checkpoints::Advance { block, levels, finalized: None };
    assert!(!checkpoints::record_advance(&mut tx, chain, &before, to).await.unwrap());
    tx.rollback().await.unwrap();
    rig.mint(&mut collection, 1).await;
    rig.indexed(&test.db).await;
    let after = checkpoint(&test.db, &rig).await.unwrap();
    assert_eq!(after.epoch, raised.epoch + 1, "it stood for election again");
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

#[tokio::test]
async fn a_lagging_head_is_no_reorg() {
    let rig = Rig::new().await;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    rig.mint(&mut collection, 2).await;
    rig.node.mine(20).await;
    let proxy = Proxy::before(&rig.node.endpoint).await;
    let _running = rig.start_at(&test.db, rig.chain_at(vec![proxy.endpoint.clone()]));
    let indexed = rig.indexed(&test.db).await;
    let old: Value = rig
        .node
        .call(
            "eth_getBlockByNumber",
            serde_json::json!([format!("{:#x}", indexed.number - 5), false]),
        )
        .await;
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    proxy.lie(move |method, params, truth| {
        if method == "eth_getBlockByNumber" && params[0] == "latest" {
            count.fetch_add(1, Ordering::Relaxed);
            return old.clone();
        }
        truth
    });
    eventually("ten looks at a stale head", || async {
        (asked.load(Ordering::Relaxed) >= 10).then_some(())
    })
    .await;
    assert_eq!(height(&test.db, &rig).await, Some(indexed));
    proxy.be_honest();
    rig.mint(&mut collection, 2).await;
    rig.indexed(&test.db).await;
    let mut connection = test.db.acquire().await.unwrap();
    let reorgs = reconciliations::load(&mut connection, rig.node.chain_id, 10).await.unwrap();
    assert_eq!(reorgs, []);
}

/// An endpoint that keeps logs back, live and in ranges, holds the index up but never makes it
/// wrong.
#[tokio::test]
async fn logs_that_are_kept_back_are_never_committed_without() {
    for settled in [0, 100] {
        let rig = Rig::new().await;
        let test = testkit::database().await;
        let mut collection = rig.create(1).await;
        let proxy = Proxy::before(&rig.node.endpoint).await;
        let asked = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&asked);
        proxy.lie(move |method, _, truth| {
            if method == "eth_getBlockReceipts" {
                return Value::Null;
            }
            let Some(logs) = truth.as_array().filter(|_| method == "eth_getLogs") else {
                return truth;
            };
            count.fetch_add(1, Ordering::Relaxed);
            let ours = collection_log(logs);
            ours.map_or(truth.clone(), |place| {
                let mut logs = logs.clone();
                logs.remove(place);
                Value::Array(logs)
            })
        });
        let before = rig.head().await;
        rig.mint(&mut collection, 1).await;
        rig.node.mine(settled).await;
        let _running = rig.start_at(&test.db, rig.chain_at(vec![proxy.endpoint.clone()]));
        eventually("five attempts", || async {
            (asked.load(Ordering::Relaxed) >= 5).then_some(())
        })
        .await;
        let reached = height(&test.db, &rig).await.map_or(0, |block| block.number);
        assert!(reached <= before.number, "{reached} is beyond {before:?}");
        proxy.be_honest();
        rig.indexed(&test.db).await;
        assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
        assert_eq!(rig.digest(&test.db).await[2].rows, 1);
    }
}

/// The place of the first log that is a transfer.
fn collection_log(logs: &[Value]) -> Option<usize> {
    let transfer = alloy_primitives::keccak256("Transfer(address,address,uint256)").to_string();
    logs.iter().position(|log| log["topics"][0] == transfer)
}

/// A way to a test's database that can be cut, and the database's address along it.
async fn way_to(test: &TestDatabase, directory: &Path) -> (TcpProxy, String) {
    let (_, host) = test.url.split_once("host=").unwrap();
    let encoded = host.split('&').next().unwrap();
    let name = ".s.PGSQL.5432";
    let target = Path::new(&encoded.replace("%2F", "/")).join(name);
    let way = TcpProxy::unix(&directory.join(name), &target).await;
    (way, test.url.replace(encoded, &directory.display().to_string().replace('/', "%2F")))
}

/// The way to Postgres is cut at random moments, also when a COMMIT was sent and its answer was not
/// heard: what was committed is found out, not done again.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_way_to_the_database_loses_and_doubles_nothing() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut rig = Rig::new().await;
    rig.options.back_off_max = Duration::from_millis(100);
    let test = testkit::database().await;
    let directory = tempfile::tempdir().unwrap();
    let (way, url) = way_to(&test, directory.path()).await;
    let mut collection = rig.create(1).await;
    rig.node.mine(80).await;
    let db = db::connect(&url, 8).await.unwrap();
    let _running = rig.start(&db);
    for _ in 0..25 {
        let before = height(&test.db, &rig).await;
        rig.mint(&mut collection, 2).await;
        let mut witness = db.acquire().await.unwrap();
        // Any moment from the first look at the new block until after its commit.
        let _ = timeout(Duration::from_millis(rng.random_range(0..40)), async {
            while height(&test.db, &rig).await == before {}
        })
        .await;
        way.cut();
        let dead = async { while db::raw::execute(&mut witness, "select 1").await.is_ok() {} };
        timeout(Duration::from_secs(10), dead).await.expect("the way is cut");
        if rng.random_bool(0.3) {
            rig.reorg(rng.random_range(1..6), &[]).await;
        }
        way.restore();
    }
    rig.indexed(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await, "seed {seed}");
}

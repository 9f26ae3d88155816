//! What nodes get wrong about blocks at the head: nothing of it is committed, and who is proven
//! wrong is kept out.

use crate::{
    proxy::Proxy,
    rig::{Rig, facts, height},
};
use chain::{Chain, Endpoint, EndpointOptions, State};
use db::reconciliations;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use testkit::{Fault, FaultProxy, Rule, WsFault, eventually};
use tokio::task::JoinHandle;
use vocab::topic;

const OTHER: &str = "0x7777777777777777777777777777777777777777777777777777777777777777";

type Bend = fn(&mut Vec<Value>);

/// Lies about the logs of a block, and whether they do any harm.
const ABOUT_LOGS: [(&str, bool, Bend); 9] = [
    ("missing", true, |logs| drop(logs.pop())),
    ("none", true, Vec::clear),
    ("extra", true, |logs| {
        let mut more = logs[0].clone();
        more["logIndex"] = json!(format!("{:#x}", logs.len()));
        more["topics"][3] = json!(OTHER);
        logs.push(more);
    }),
    ("removed", true, |logs| logs.iter_mut().for_each(|log| log["removed"] = json!(true))),
    ("of another block", true, |logs| logs[0]["blockHash"] = json!(OTHER)),
    ("of another height", true, |logs| logs[0]["blockNumber"] = json!("0xfffff")),
    ("two at one place", true, |logs| logs[1]["logIndex"] = logs[0]["logIndex"].clone()),
    ("twice", false, |logs| logs.extend(logs.clone())),
    ("out of order", false, |logs| logs.reverse()),
];

fn bend_logs(proxy: &Proxy, with_receipts: bool, bend: Bend) -> Arc<AtomicU64> {
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    proxy.lie(move |method, _, mut truth| match method {
        "eth_getLogs" => {
            count.fetch_add(1, Ordering::Relaxed);
            if let Some(logs) = truth.as_array_mut().filter(|logs| !logs.is_empty()) {
                bend(logs);
            }
            truth
        }
        "eth_getBlockReceipts" if !with_receipts => Value::Null,
        _ => truth,
    });
    asked
}

async fn three(what: &str, asked: &AtomicU64) {
    eventually(&format!("three attempts: {what}"), || async {
        (asked.load(Ordering::Relaxed) >= 3).then_some(())
    })
    .await;
}

async fn lonely(rig: &mut Rig) -> Proxy {
    rig.options.back_off_max = Duration::from_millis(100);
    Proxy::before(&rig.node.endpoint).await
}

#[tokio::test]
async fn lies_about_logs_are_not_committed() {
    let mut rig = Rig::new().await;
    let proxy = lonely(&mut rig).await;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    let _running = rig.start_at(&test.db, rig.chain_at(vec![proxy.endpoint.clone()]));
    for (what, harmful, bend) in ABOUT_LOGS {
        let before = rig.indexed(&test.db).await;
        let asked = bend_logs(&proxy, false, bend);
        rig.mint(&mut collection, 2).await;
        if harmful {
            three(what, &asked).await;
            assert_eq!(height(&test.db, &rig).await, Some(before), "{what}");
        } else {
            rig.indexed(&test.db).await;
        }
        proxy.be_honest();
    }
    rig.indexed(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

#[tokio::test]
async fn lies_about_headers_are_neither_followed_nor_a_reorg() {
    let mut rig = Rig::new().await;
    let proxy = lonely(&mut rig).await;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    rig.node.mine(10).await;
    let _running = rig.start_at(&test.db, rig.chain_at(vec![proxy.endpoint.clone()]));
    let lies: [(&str, u64, Bend); 3] = [
        ("the first block has another parent", 1, |h| h[0]["parentHash"] = json!(OTHER)),
        ("a block has another parent", 2, |h| h[0]["parentHash"] = json!(OTHER)),
        ("a block is another one", 2, |h| h[0]["number"] = json!("0x1")),
    ];
    for (what, above, bend) in lies {
        let before = rig.indexed(&test.db).await;
        let asked = Arc::new(AtomicU64::new(0));
        let (count, wanted) = (Arc::clone(&asked), format!("{:#x}", before.number + above));
        proxy.lie(move |method, _, truth| {
            // Also when it is asked for as the head.
            if method != "eth_getBlockByNumber" || truth["number"] != *wanted {
                return truth;
            }
            count.fetch_add(1, Ordering::Relaxed);
            let mut header = vec![truth];
            bend(&mut header);
            header.remove(0)
        });
        rig.mint(&mut collection, 1).await;
        rig.node.mine(2).await;
        three(what, &asked).await;
        // Blocks below the one that is lied about may have been seen without it.
        let reached = height(&test.db, &rig).await.unwrap().number;
        assert!(reached < before.number + above, "{what}: {reached} after {before:?}");
        proxy.be_honest();
    }
    rig.indexed(&test.db).await;
    let mut connection = test.db.acquire().await.unwrap();
    let reorgs = reconciliations::load(&mut connection, rig.node.chain_id, 10).await.unwrap();
    assert_eq!(reorgs, []);
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

/// A node whose logs are broken, but whose receipts are those that the header commits to.
#[tokio::test]
async fn logs_that_the_only_endpoint_keeps_back_are_taken_from_its_receipts() {
    let mut rig = Rig::new().await;
    let proxy = lonely(&mut rig).await;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    let _running = rig.start_at(&test.db, rig.chain_at(vec![proxy.endpoint.clone()]));
    for bend in [Vec::clear as Bend, |logs| drop(logs.remove(0))] {
        rig.indexed(&test.db).await;
        bend_logs(&proxy, true, bend);
        rig.mint(&mut collection, 2).await;
        rig.transfer(&collection, 1, testkit::ACCOUNTS[1]).await;
        rig.indexed(&test.db).await;
    }
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

struct Watching(JoinHandle<()>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn watch(chain: &Chain) -> Watching {
    let chain = chain.clone();
    Watching(tokio::spawn(async move { match chain.watch_endpoints().await {} }))
}

/// What was told of endpoints: place and how it stands.
async fn told(db: &db::Db) -> Vec<(String, String)> {
    let facts = facts(db, topic::CHAIN).await;
    let endpoints = facts.into_iter().filter(|fact| fact.kind == "endpoint_state");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    endpoints.map(|fact| (text(&fact.data["endpoint"]), text(&fact.data["state"]))).collect()
}

/// A log is changed where no filter shows it: another endpoint's receipts do.
#[tokio::test]
async fn who_lies_about_logs_is_kept_out_and_that_is_told() {
    let bends: [Bend; 2] = [
        |logs| drop(logs.pop()),
        |logs| {
            let data = logs.last().unwrap()["data"].as_str().unwrap().to_owned();
            let changed = format!("{}ff", &data[..data.len() - 2]);
            logs.last_mut().unwrap()["data"] = json!(changed);
        },
    ];
    for bend in bends {
        let mut rig = Rig::new().await;
        rig.options.spot_check_every = 1;
        let liar = lonely(&mut rig).await;
        let test = testkit::database().await;
        let mut collection = rig.create(1).await;
        let chain = rig.chain_at(vec![liar.endpoint.clone(), rig.node.endpoint.clone()]);
        let _watching = watch(&chain);
        let _running = rig.start_at(&test.db, chain.clone());
        rig.indexed(&test.db).await;
        assert_eq!(told(&test.db).await, []);
        bend_logs(&liar, true, bend);
        rig.mint(&mut collection, 2).await;
        rig.indexed(&test.db).await;
        assert_eq!(chain.endpoints.states()[0], State::Quarantined);
        eventually("it is told", || async {
            (told(&test.db).await == [("1".into(), "quarantined".into())]).then_some(())
        })
        .await;
        assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
    }
}

/// An endpoint that turns out to be of another chain is asked nothing more, and that is told.
#[tokio::test]
async fn a_node_of_another_chain_is_not_read() {
    let rig = Rig::new().await;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    let other = FaultProxy::start(&rig.node.anvil.http_url()).await;
    other.add(Rule::new(Fault::ChainId(5)));
    let endpoint = Endpoint::new(&other.http_url(), EndpointOptions::default()).unwrap();
    let chain = rig.chain_at(vec![endpoint, rig.node.endpoint.clone()]);
    let _watching = watch(&chain);
    let _running = rig.start_at(&test.db, chain);
    rig.mint(&mut collection, 2).await;
    rig.indexed(&test.db).await;
    assert_eq!((other.count("eth_getLogs"), other.count("eth_getBlockByNumber")), (0, 0));
    eventually("it is told", || async {
        (told(&test.db).await == [("1".into(), "wrong_chain".into())]).then_some(())
    })
    .await;
    other.heal();
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

/// The WebSocket stays open and says nothing: polling is enough.
#[tokio::test]
async fn a_silent_websocket_costs_a_poll_and_no_block() {
    let rig = Rig::new().await;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    let proxy = FaultProxy::start(&rig.node.anvil.http_url()).await;
    let chain = Chain { ws_urls: vec![proxy.ws_url()], ..rig.chain() };
    let _running = rig.start_at(&test.db, chain);
    for fault in [WsFault::None, WsFault::Silent, WsFault::Cut, WsFault::Silent] {
        proxy.set_ws(fault);
        for _ in 0..3 {
            rig.mint(&mut collection, 1).await;
            rig.indexed(&test.db).await;
        }
    }
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

/// An endpoint, or what stands before it, refuses long requests: shorter ones follow, for the
/// window as for a reorg.
#[tokio::test]
async fn batches_that_are_too_large_become_smaller() {
    let mut rig = Rig::new().await;
    rig.options.back_off_max = Duration::from_millis(100);
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    for _ in 0..30 {
        rig.mint(&mut collection, 1).await;
    }
    rig.node.mine(40).await;
    let proxy = FaultProxy::start(&rig.node.anvil.http_url()).await;
    proxy.add(Rule::new(Fault::BatchMax(9)));
    let endpoint = Endpoint::new(&proxy.http_url(), EndpointOptions::default()).unwrap();
    let _running = rig.start_at(&test.db, rig.chain_at(vec![endpoint]));
    rig.indexed(&test.db).await;
    rig.reorg(20, &[]).await;
    rig.indexed(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

//! Reading what lies below the window: complete, whatever the endpoint bears, and however often it
//! dies.

use crate::{
    proxy::Proxy,
    rig::{Rig, checkpoint, facts, height},
    token,
};
use alloy_primitives::Address;
use chain::{Endpoint, EndpointOptions};
use db::{Db, checkpoints, index_progress};
use projections::{Source, Standard};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use testkit::{Fault, FaultProxy, Rule, eventually};
use vocab::topic;

/// A chain with a token and a collection whose logs lie far below the window.
async fn settled() -> (Rig, Address) {
    let mut rig = Rig::new().await;
    rig.options.prove_settled = false;
    let token = token::deploy(&rig).await;
    let mut collection = rig.create(1).await;
    for round in 0..40u64 {
        token::burst(&rig, token, round % 7 * 3).await;
        rig.node.mine(round % 5).await;
        if round % 10 == 3 {
            rig.mint(&mut collection, 3).await;
        }
    }
    let mut late = rig.create(2).await;
    rig.mint(&mut late, 2).await;
    token::burst(&rig, token, 50).await;
    rig.node.mine(70).await;
    rig.sources = vec![Source::new(token, Standard::Erc20, 1)];
    (rig, token)
}

/// Rows of a contract, as [`token::truth`] has them.
async fn rows(db: &Db, contract: Address) -> Vec<(u64, u64, String)> {
    let logs = db::raw_logs::load_of(&mut db.acquire().await.unwrap(), contract).await.unwrap();
    let read = |log: db::raw_logs::RawLog| {
        assert!(log.mined_at.is_some(), "{log:?}");
        (log.block_number, u64::from(log.log_index), log.block_hash.to_string())
    };
    logs.into_iter().map(read).collect()
}

/// All there, once, and nothing that only live blocks have.
async fn assert_whole(rig: &Rig, db: &Db, token: Address) {
    let wanted = token::truth(rig, &[token]).await;
    assert!(wanted.len() > 300);
    assert_eq!(rows(db, token).await, wanted);
    let items = rig.digest(db).await[2].rows;
    assert_eq!(items, 14, "items of two collections");
}

#[tokio::test]
async fn settled_blocks_are_read_whole_in_either_way() {
    let (mut rig, token) = settled().await;
    let mut digests = Vec::new();
    for (proven, range_max, logs) in [(false, 10_000, 16_000), (false, 7, 20), (true, 30, 50)] {
        rig.options.prove_settled = proven;
        (rig.options.range_max, rig.options.range_logs) = (range_max, logs);
        let test = testkit::database().await;
        let running = rig.start(&test.db);
        rig.indexed(&test.db).await;
        running.kill().await;
        assert_whole(&rig, &test.db, token).await;
        digests.push(rig.digest(&test.db).await);
        let told = facts(&test.db, topic::CHAIN).await;
        let ranges = told.iter().filter(|fact| fact.kind == "range_indexed").count();
        assert!(ranges >= 1 && (range_max > 100 || ranges > 5), "{ranges}");
        assert!(facts(&test.db, topic::ITEMS).await.is_empty(), "settled items are not told");
        let mut connection = test.db.acquire().await.unwrap();
        let index = index_progress::load(&mut connection).await.unwrap().remove(0);
        let run = index.progress.unwrap();
        assert_eq!(run.target, rig.head().await.number - rig.options.window);
        assert!(run.logs > 300 && run.percent(index.block.number) == 100.0, "{run:?}");
        let built = db::index_builds::missing(&mut connection).await.unwrap();
        assert!(!built, "secondary indexes are there when it is caught up");
    }
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{digests:#?}");
}

/// What providers say and do when they are asked too much, and what nobody has heard before.
#[tokio::test]
async fn any_error_makes_ranges_smaller_and_none_ends_it() {
    let (mut rig, token) = settled().await;
    let refuse = |code, message: &str| Fault::Refuse { code, message: message.to_owned() };
    let cases = [
        vec![Rule::new(Fault::LogsMax(60)).on("eth_getLogs")],
        vec![Rule::new(refuse(-32_005, "query returned more than 10000 results")).times(3)],
        vec![Rule::new(refuse(-32_000, "something never heard")).times(6)],
        vec![Rule::new(Fault::Status(413)).on("eth_getLogs").times(3)],
        vec![Rule::new(Fault::Truncate).on("eth_getLogs").times(3)],
        vec![Rule::new(Fault::Drop).on("eth_getLogs").times(3)],
        vec![Rule::new(Fault::Null).on("eth_getLogs").times(2)],
        vec![Rule::new(refuse(-32_000, "now and then")).on("eth_getLogs").with_probability(0.3)],
        vec![Rule::new(Fault::Limited(0)).on("eth_getLogs").times(3)],
    ];
    rig.options.back_off_max = std::time::Duration::from_millis(100);
    for (place, rules) in cases.into_iter().enumerate() {
        let proxy = FaultProxy::start(&rig.node.anvil.http_url()).await;
        let endless = place == 7;
        rules.into_iter().for_each(|rule| proxy.add(rule));
        let test = testkit::database().await;
        let endpoint = Endpoint::new(&proxy.http_url(), EndpointOptions::default()).unwrap();
        let _running = rig.start_at(&test.db, rig.chain_at(vec![endpoint]));
        rig.indexed(&test.db).await;
        if !endless {
            assert!(proxy.count("eth_getLogs") > 2, "case {place}");
        }
        assert_whole(&rig, &test.db, token).await;
    }
}

/// What an endpoint allows is small: headers of a whole window at once, or logs of all its blocks,
/// would have to wait longer for their turn than a call may take.
#[tokio::test]
async fn a_small_rate_holds_up_neither_the_window_nor_proven_ranges() {
    let (mut rig, token) = settled().await;
    for _ in 0..30 {
        token::burst(&rig, token, 2).await;
    }
    rig.options.prove_settled = true;
    rig.options.back_off_max = std::time::Duration::from_millis(100);
    let proxy = FaultProxy::start(&rig.node.anvil.http_url()).await;
    let options = EndpointOptions {
        timeout: std::time::Duration::from_secs(1),
        rate: Some(chain::Rate { per_second: 50.0, burst: 10.0 }),
        ..EndpointOptions::default()
    };
    let endpoint = Endpoint::new(&proxy.http_url(), options).unwrap();
    let test = testkit::database().await;
    let started = std::time::Instant::now();
    let _running = rig.start_at(&test.db, rig.chain_at(vec![endpoint]));
    rig.indexed(&test.db).await;
    assert_whole(&rig, &test.db, token).await;
    let asked: u64 = proxy.counts().into_values().sum();
    println!("{asked} calls in {:?}", started.elapsed());
    let seconds = started.elapsed().as_secs_f64();
    assert!(asked as f64 <= 10.0 + 50.0 * seconds + 50.0, "{asked} in {seconds}");
}

/// Some nodes do not say in logs when they were mined.
#[tokio::test]
async fn times_come_from_headers_where_logs_have_none() {
    let (rig, token) = settled().await;
    let proxy = Proxy::before(&rig.node.endpoint).await;
    proxy.lie(|method, _, mut truth| {
        if method == "eth_getLogs" {
            for log in truth.as_array_mut().into_iter().flatten() {
                log.as_object_mut().unwrap().remove("blockTimestamp");
            }
        }
        truth
    });
    let test = testkit::database().await;
    let _running = rig.start_at(&test.db, rig.chain_at(vec![proxy.endpoint.clone()]));
    rig.indexed(&test.db).await;
    assert_whole(&rig, &test.db, token).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

/// Logs twice, in another order, of blocks not asked for, taken back: the first two do no harm, the
/// others are not believed.
#[tokio::test]
async fn logs_that_can_not_be_are_not_believed() {
    let (rig, token) = settled().await;
    let proxy = Proxy::before(&rig.node.endpoint).await;
    let test = testkit::database().await;
    let asked = Arc::new(AtomicU64::new(0));
    let bend = |bend: fn(&mut Vec<Value>)| {
        let count = Arc::clone(&asked);
        count.store(0, Ordering::Relaxed);
        proxy.lie(move |method, _, mut truth| {
            if method == "eth_getLogs" {
                count.fetch_add(1, Ordering::Relaxed);
            }
            if let Some(logs) = truth.as_array_mut().filter(|_| method == "eth_getLogs") {
                bend(logs);
            }
            truth
        });
    };
    let impossible: [fn(&mut Vec<Value>); 3] = [
        |logs| logs.iter_mut().for_each(|log| log["removed"] = json!(true)),
        |logs| logs.iter_mut().for_each(|log| log["blockNumber"] = json!("0xfffff")),
        |logs| {
            let other = json!(format!("0x{}", "7".repeat(64)));
            logs.iter_mut().skip(1).for_each(|log| log["blockHash"] = other.clone());
        },
    ];
    for lie in impossible {
        bend(lie);
        let running = rig.start_at(&test.db, rig.chain_at(vec![proxy.endpoint.clone()]));
        eventually("some attempts", || async {
            (asked.load(Ordering::Relaxed) >= 3).then_some(())
        })
        .await;
        running.kill().await;
        assert!(rows(&test.db, token).await.is_empty());
    }
    bend(|logs| {
        logs.reverse();
        let again = logs.first().cloned();
        logs.extend(again);
    });
    let _running = rig.start_at(&test.db, rig.chain_at(vec![proxy.endpoint.clone()]));
    rig.indexed(&test.db).await;
    assert_whole(&rig, &test.db, token).await;
}

#[tokio::test]
async fn a_paused_chain_commits_nothing_until_it_is_resumed() {
    let (mut rig, token) = settled().await;
    (rig.options.range_max, rig.options.ranges_in_flight) = (3, 2);
    let test = testkit::database().await;
    let chain = rig.node.chain_id;
    let _running = rig.start(&test.db);
    eventually("a beginning", || async {
        height(&test.db, &rig).await.filter(|block| block.number > 3)
    })
    .await;
    let mut connection = test.db.acquire().await.unwrap();
    let paused = checkpoints::record_paused(&mut connection, chain).await.unwrap();
    let paused = paused.expect("it was live");
    assert!(checkpoints::record_paused(&mut connection, chain).await.unwrap().is_none());
    rig.node.mine(1).await;
    // A second one finds it paused, too, and changes nothing.
    let other = rig.start(&test.db);
    let mut looks = 0;
    eventually("some looks", || {
        looks += 1;
        let enough = looks > 20;
        async move { enough.then_some(()) }
    })
    .await;
    assert_eq!(height(&test.db, &rig).await, Some(paused.block));
    assert_eq!(checkpoint(&test.db, &rig).await.unwrap().epoch, paused.epoch);
    other.kill().await;
    checkpoints::record_unpaused(&mut connection, chain).await.unwrap().expect("it was paused");
    rig.indexed(&test.db).await;
    assert_whole(&rig, &test.db, token).await;
}

/// What an index has can't be changed or removed under it: rows would be wrong.
#[tokio::test]
async fn sources_that_were_changed_are_refused() {
    let (mut rig, token) = settled().await;
    let test = testkit::database().await;
    let running = rig.start(&test.db);
    let before = rig.indexed(&test.db).await;
    running.kill().await;
    let epoch = checkpoint(&test.db, &rig).await.unwrap().epoch;
    let began = std::mem::take(&mut rig.sources);
    let moved = vec![Source { start_block: 9, ..began[0].clone() }];
    let other = vec![Source { standard: Standard::Erc721, ..began[0].clone() }];
    let kept = vec![Source { projected: false, ..began[0].clone() }];
    for other in [moved, other, kept] {
        rig.sources = other;
        let running = rig.start(&test.db);
        let mut looks = 0;
        eventually("some looks", || {
            looks += 1;
            let enough = looks > 10;
            async move { enough.then_some(()) }
        })
        .await;
        running.kill().await;
        let after = checkpoint(&test.db, &rig).await.unwrap();
        assert_eq!((after.block, after.epoch), (before, epoch));
    }
    rig.sources = began;
    token::burst(&rig, token, 4).await;
    let _running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    assert_whole(&rig, &test.db, token).await;
}

/// An endpoint that keeps back logs of a range's last block is noticed by that block's header.
#[tokio::test]
async fn the_ends_of_ranges_are_proven() {
    let (mut rig, token) = settled().await;
    // A block with logs of the token is the end of the only range.
    let head = rig.head().await.number;
    let last = token::truth(&rig, &[token]).await.last().unwrap().0;
    rig.options.window = head - last;
    let proxy = Proxy::before(&rig.node.endpoint).await;
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let end = format!("{last:#x}");
    proxy.lie(move |method, params, mut truth| {
        if method == "eth_getLogs" && params[0]["toBlock"] == json!(end) {
            count.fetch_add(1, Ordering::Relaxed);
            let logs = truth.as_array_mut().unwrap();
            logs.retain(|log| log["blockNumber"] != json!(format!("{last:#x}")));
        }
        truth
    });
    let test = testkit::database().await;
    let _running = rig.start_at(&test.db, rig.chain_at(vec![proxy.endpoint.clone()]));
    eventually("three attempts", || async { (asked.load(Ordering::Relaxed) >= 3).then_some(()) })
        .await;
    assert!(height(&test.db, &rig).await.is_some_and(|block| block.number < last));
    assert!(rows(&test.db, token).await.iter().all(|row| row.0 < last));
    proxy.be_honest();
    rig.indexed(&test.db).await;
    assert_whole(&rig, &test.db, token).await;
}

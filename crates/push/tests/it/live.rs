//! What a well-behaved client sees.

use crate::rig::{Client, WAIT, item_fact, mint_fact, node, rig, serve};
use journal::NewFact;
use proptest::{prelude::*, test_runner::TestRunner};
use push::HubOptions;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::eventually;

#[tokio::test]
async fn facts_arrive_live_and_chained() {
    let rig = rig(HubOptions::default()).await;
    let mut client = rig.connect().await;
    let (answer, snapshot) = client.subscribe("items", json!({})).await;
    assert_eq!((&answer["seq"], &answer["epoch"]), (&json!(0), &json!(1)));
    assert_eq!((&snapshot["seq"], &snapshot["prev_seq"]), (&json!(0), &json!(0)));
    for n in 1..=5 {
        rig.record(&[item_fact("ann", n)]).await;
        let message = client.message().await;
        assert_eq!(message["type"], "delta");
        assert_eq!((&message["seq"], &message["prev_seq"]), (&json!(n), &json!(n - 1)));
        assert_eq!((&message["data"]["n"], &message["subscription"]), (&json!(n), &json!("s")));
    }
}

#[tokio::test]
async fn filters_let_through_what_matches() {
    let rig = rig(HubOptions::default()).await;
    let mut client = rig.connect().await;
    client.subscribe("items", json!({"owner": "bob"})).await;
    let owners = ["ann", "bob", "cid", "bob", "bob"];
    let facts: Vec<_> = owners.iter().zip(1..).map(|(owner, n)| item_fact(owner, n)).collect();
    rig.record(&facts).await;
    let mut chain = Vec::new();
    for _ in 0..3 {
        let message = client.message().await;
        chain.push((message["prev_seq"].as_i64().unwrap(), message["seq"].as_i64().unwrap()));
    }
    assert_eq!(chain, [(0, 2), (2, 4), (4, 5)]);
}

#[tokio::test]
async fn several_subscriptions_share_a_connection() {
    let rig = rig(HubOptions::default()).await;
    let mut client = rig.connect().await;
    for owner in ["ann", "bob"] {
        client
            .send(json!({"op": "subscribe", "id": owner, "topic": "items",
                         "filter": {"owner": owner}}))
            .await;
        assert_eq!(client.message().await["op"], "subscribed");
        assert_eq!(client.message().await["type"], "snapshot");
    }
    rig.record(&[item_fact("ann", 1), item_fact("bob", 2)]).await;
    let mut got = [client.message().await, client.message().await];
    got.sort_by_key(|m| m["seq"].as_i64());
    assert_eq!((&got[0]["subscription"], &got[1]["subscription"]), (&json!("ann"), &json!("bob")));
    client.send(json!({"op": "unsubscribe", "id": "ann"})).await;
    assert_eq!(client.message().await["op"], "unsubscribed");
    rig.record(&[item_fact("ann", 3), item_fact("bob", 4)]).await;
    assert_eq!(client.message().await["seq"], 4);
}

#[tokio::test]
async fn private_topics_need_a_credential_and_show_only_ones_own() {
    let rig = rig(HubOptions::default()).await;
    let mut client = rig.connect().await;
    let wanted = json!({"op": "subscribe", "id": "s", "topic": "mints"});
    client.send(wanted.clone()).await;
    assert_eq!(client.message().await["code"], "unauthenticated");
    client.send(json!({"op": "auth", "key": "key-ann"})).await;
    let answer = client.message().await;
    assert_eq!((&answer["op"], &answer["principal"]), (&json!("authenticated"), &json!("ann")));
    let mut other = wanted.clone();
    other["filter"] = json!({"principal_id": "bob"});
    client.send(other).await;
    assert_eq!(client.message().await["code"], "denied");
    client.send(wanted).await;
    assert_eq!(client.message().await["filter"], json!({"principal_id": "ann"}));
    assert_eq!(client.message().await["type"], "snapshot");
    rig.record(&[mint_fact("bob", 1), mint_fact("ann", 2)]).await;
    assert_eq!(client.message().await["data"]["n"], 2);
    // The same by header; and a wrong one is refused before the upgrade.
    let mut header = Client::connect(rig.address, Some("key-ann")).await;
    header.subscribe("mints", json!({"mint_id": "m2"})).await;
    assert_eq!(Client::try_connect(rig.address, Some("nonsense")).await.err(), Some(401));
}

#[tokio::test]
async fn a_place_that_does_not_exist_starts_over() {
    let rig = rig(HubOptions::default()).await;
    rig.record(&[item_fact("ann", 1)]).await;
    eventually("the fact is known", || async {
        let mut client = rig.connect().await;
        (client.subscribe("items", json!({})).await.1["seq"] == 1).then_some(())
    })
    .await;
    for (from_seq, epoch) in [(7, 1), (0, 2), (-1, 1)] {
        let mut client = rig.connect().await;
        client
            .send(json!({"op": "subscribe", "id": "s", "topic": "items",
                         "from_seq": from_seq, "epoch": epoch}))
            .await;
        let refused = client.message().await;
        assert_eq!(
            (&refused["op"], &refused["code"]),
            (&json!("error"), &json!("resume_impossible"))
        );
        assert_eq!(client.message().await["op"], "subscribed");
        let snapshot = client.message().await;
        assert_eq!((&snapshot["type"], &snapshot["seq"]), (&json!("snapshot"), &json!(1)));
    }
}

#[tokio::test]
async fn a_heartbeat_tells_heads_and_positions() {
    let options = HubOptions { heartbeat: Duration::from_millis(50), ..HubOptions::default() };
    let rig = rig(options).await;
    let mut client = rig.connect().await;
    client.subscribe("items", json!({"owner": "nobody"})).await;
    rig.record(&[item_fact("ann", 1), item_fact("ann", 2)]).await;
    let end = Instant::now() + WAIT * 2;
    loop {
        let beat = client.next().await;
        assert_eq!(beat["type"], "heartbeat");
        if beat["data"]["heads"]["items"]["seq"] == 2 {
            let position = &beat["data"]["subscriptions"][0];
            if position["seq"] == 2 {
                assert_eq!((&position["id"], &position["prev_seq"]), (&json!("s"), &json!(0)));
                assert!(beat["data"]["heads"].get("mints").is_none(), "a private head was told");
                return;
            }
        }
        assert!(Instant::now() < end, "no heartbeat told the position");
    }
}

/// One client whose connection is cut at random moments, on two nodes in turn with rings so small
/// that it often falls behind them: it must get every matching fact once, on an unbroken chain.
#[test]
fn random_cuts_lose_and_double_nothing() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(4));
    let input = (
        proptest::collection::vec(1usize..40, 6..14),
        proptest::collection::vec(1usize..60, 6..14),
        any::<bool>(),
    );
    runner
        .run(&input, |(batches, cuts, filtered)| {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(one_run(batches, cuts, filtered));
            Ok(())
        })
        .unwrap();
}

async fn one_run(batches: Vec<usize>, cuts: Vec<usize>, filtered: bool) {
    let options = HubOptions { ring_facts: 16, ..HubOptions::default() };
    let rig = rig(options).await;
    let (hub, feed) = node(&rig.database.db, options).await;
    let feed = tokio::spawn(feed.run(std::future::pending()));
    let (second, server) = serve(hub).await;
    let total: usize = batches.iter().sum();
    let wanted: Vec<i64> = (1..=total as i64).filter(|n| !filtered || n % 2 == 0).collect();
    let filter = if filtered { json!({"owner": "even"}) } else { json!({}) };
    let write = async {
        let mut n = 0;
        for batch in batches {
            let facts: Vec<_> = (0..batch)
                .map(|_| {
                    n += 1;
                    item_fact(if n % 2 == 0 { "even" } else { "odd" }, n)
                })
                .collect();
            rig.record(&facts).await;
        }
    };
    let read = async {
        let (mut got, mut cuts) = (Vec::new(), cuts.into_iter().cycle());
        for address in [rig.address, second].into_iter().cycle() {
            let mut client = Client::connect(address, None).await;
            let mut last = got.last().copied().unwrap_or(0);
            let answer = client.resume("items", filter.clone(), last).await;
            assert_eq!(answer["op"], "subscribed", "{answer}");
            for _ in 0..cuts.next().unwrap_or(1) {
                let message: Value = client.message().await;
                assert_eq!(message["prev_seq"], last, "a gap");
                last = message["seq"].as_i64().unwrap();
                assert_eq!(message["data"]["n"], last);
                got.push(last);
                if got.len() == wanted.len() {
                    return got;
                }
            }
        }
        got
    };
    let ((), got) = tokio::join!(write, read);
    assert_eq!(got, wanted);
    feed.abort();
    server.abort();
}

/// Each fact comes without another behind it that would push it on. How long that takes is printed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latency_from_commit_to_client() {
    const FACTS: i64 = 300;
    let rig = rig(HubOptions::default()).await;
    let mut client = rig.connect().await;
    client.subscribe("items", json!({})).await;
    let mut took = Vec::new();
    for n in 1..=FACTS {
        rig.record(&[item_fact("ann", n)]).await;
        let committed = Instant::now();
        let message = client.message().await;
        took.push(committed.elapsed().as_secs_f64() * 1e3);
        assert_eq!((&message["seq"], &message["data"]["n"]), (&json!(n), &json!(n)));
    }
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    eprintln!(
        "commit to client: p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

/// From memory and from the database alike.
#[tokio::test]
async fn who_follows_a_state_hears_of_the_way_back() {
    for ring_facts in [HubOptions::default().ring_facts, 1] {
        follow_both_states(HubOptions { ring_facts, ..HubOptions::default() }).await;
    }
}

async fn follow_both_states(options: HubOptions) {
    let rig = rig(options).await;
    let back = NewFact {
        reverting: true,
        attributes: json!({"owner": "ann", "previous_owner": "bob"}),
        ..item_fact("", 3)
    };
    // The same attributes on a fact that takes nothing back speak of its own state only.
    let forth = NewFact { reverting: false, ..back.clone() };
    let wanted = [("ann", vec![1, 3, 4]), ("bob", vec![2, 3]), ("cid", vec![])];
    let mut listening = Vec::new();
    for (owner, seqs) in &wanted {
        let mut client = rig.connect().await;
        client.subscribe("items", json!({"owner": owner})).await;
        listening.push((client, seqs.clone()));
    }
    for fact in [item_fact("ann", 1), item_fact("bob", 2), back, forth] {
        rig.record(&[fact]).await;
    }
    for (owner, seqs) in &wanted {
        let mut client = rig.connect().await;
        client.resume("items", json!({"owner": owner}), 0).await;
        listening.push((client, seqs.clone()));
    }
    for (mut client, seqs) in listening {
        for seq in seqs {
            let message = client.message().await;
            assert_eq!(message["seq"], seq);
            assert_eq!(message["type"], if seq == 3 { "reorg" } else { "delta" });
        }
    }
}

#[tokio::test]
async fn a_snapshot_may_be_ahead_of_the_process_that_gives_it() {
    let rig = rig(HubOptions::default()).await;
    let (late, feed) = node(&rig.database.db, HubOptions::default()).await;
    let (address, server) = serve(late).await;
    rig.record(&[item_fact("ann", 1), item_fact("bob", 2), item_fact("ann", 3)]).await;
    eventually("three are numbered", || async {
        let heads = journal::load_heads(&mut rig.database.db.acquire().await.unwrap()).await;
        heads.unwrap().iter().any(|head| head.topic == "items" && head.seq == 3).then_some(())
    })
    .await;
    let mut client = Client::connect(address, None).await;
    let (answer, snapshot) = client.subscribe("items", json!({"owner": "ann"})).await;
    assert_eq!((&answer["seq"], &snapshot["seq"]), (&json!(3), &json!(3)));
    assert_eq!(snapshot["data"], json!({"count": 2}));
    let feed = tokio::spawn(feed.run(std::future::pending()));
    rig.record(&[item_fact("ann", 4)]).await;
    let message = client.message().await;
    assert_eq!((&message["prev_seq"], &message["seq"]), (&json!(3), &json!(4)));
    feed.abort();
    server.abort();
}

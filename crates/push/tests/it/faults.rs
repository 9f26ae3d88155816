//! Clients that break rules, floods, and the end of the server.

use crate::rig::{Client, item_fact, rig};
use futures_util::SinkExt;
use push::HubOptions;
use serde_json::json;
use std::time::Duration;
use testkit::eventually;
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// It subscribes and then never reads: it is cut with 4008, while memory stays flat and another
/// client gets everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_reads_is_cut() {
    const FACTS: i64 = 3_000;
    let options = HubOptions {
        stall_max: Duration::from_millis(500),
        linger: Duration::from_secs(20),
        ring_facts: 500,
        ..HubOptions::default()
    };
    let rig = rig(options).await;
    let mut deaf: Vec<Client> = Vec::new();
    for _ in 0..20 {
        let mut client = rig.connect().await;
        client.subscribe("items", json!({})).await;
        deaf.push(client);
    }
    let mut reader = rig.connect().await;
    reader.subscribe("items", json!({})).await;
    let big = "x".repeat(8_000);
    let mut before = 0;
    for chunk in 0..FACTS / 100 {
        let facts: Vec<_> = (0..100)
            .map(|n| {
                let mut fact = item_fact("ann", chunk * 100 + n + 1);
                fact.data["big"] = big.clone().into();
                fact
            })
            .collect();
        rig.record(&facts).await;
        for n in 0..100 {
            assert_eq!(reader.message().await["seq"], chunk * 100 + n + 1);
        }
        // Rings and socket buffers are full by now.
        if chunk == 9 {
            before = resident();
        }
    }
    let grown = resident().saturating_sub(before);
    eprintln!("20 deaf clients, 16 MB more each waiting: resident memory grew by {grown} bytes");
    assert!(grown < 60 << 20, "memory grew by {grown} bytes");
    // Each is told once it reads again, after what its socket still holds.
    for client in &mut deaf {
        assert_eq!(client.ended().await, Some(4008));
    }
    drop(deaf);
    eventually("only the reader is left", || async { (rig.hub.connections() == 1).then_some(()) })
        .await;
}

#[tokio::test]
async fn rules_have_their_close_codes() {
    let options = HubOptions { frames_per_second: 20, ..HubOptions::default() };
    let rig = rig(options).await;
    let cases: [(&str, Message, u16); 6] = [
        ("no JSON", Message::text("{"), 4400),
        ("unknown op", Message::text(r#"{"op":"dance"}"#), 4400),
        ("unknown field", Message::text(r#"{"op":"ping","x":1}"#), 4400),
        ("binary", Message::Binary(Bytes::from_static(b"{}")), 4400),
        (
            "too big",
            Message::text(format!(r#"{{"op":"ping","id":"{}"}}"#, "x".repeat(5_000))),
            1009,
        ),
        ("wrong key", Message::text(r#"{"op":"auth","key":"nonsense"}"#), 4401),
    ];
    for (name, frame, code) in cases {
        let mut client = rig.connect().await;
        client.socket.send(frame).await.unwrap();
        assert_eq!(client.ended().await, Some(code), "{name}");
    }
    let mut flood = rig.connect().await;
    // However slowly they are taken in.
    for _ in 0..5_000 {
        // It may be cut while it still sends.
        if flood.socket.send(Message::text(r#"{"op":"ping"}"#)).await.is_err() {
            break;
        }
    }
    assert_eq!(flood.ended().await, Some(4429));
    let mut brief = rig.connect().await;
    brief.send(json!({"op": "auth", "key": "key-brief"})).await;
    assert_eq!(brief.ended().await, Some(4401), "an expired credential");
}

#[tokio::test]
async fn refusals_keep_the_connection() {
    let options = HubOptions { subscriptions_max: 2, ..HubOptions::default() };
    let rig = rig(options).await;
    let mut client = rig.connect().await;
    client.subscribe("items", json!({})).await;
    let long = "i".repeat(65);
    let cases = [
        (json!({"op": "subscribe", "id": "t", "topic": "weather"}), "unknown_topic"),
        (json!({"op": "subscribe", "id": "s", "topic": "items"}), "duplicate_id"),
        (json!({"op": "subscribe", "id": long, "topic": "items"}), "invalid_id"),
        (
            json!({"op": "subscribe", "id": "t", "topic": "items", "filter": {"shoe_size": "9"}}),
            "filter_not_allowed",
        ),
        (json!({"op": "unsubscribe", "id": "t"}), "unknown_id"),
    ];
    for (frame, code) in cases {
        client.send(frame).await;
        assert_eq!(client.message().await["code"], code);
    }
    client.send(json!({"op": "subscribe", "id": "t", "topic": "items"})).await;
    assert_eq!(client.message().await["op"], "subscribed");
    assert_eq!(client.message().await["type"], "snapshot");
    client.send(json!({"op": "subscribe", "id": "u", "topic": "items"})).await;
    assert_eq!(client.message().await["code"], "too_many_subscriptions");
    client.send(json!({"op": "ping", "id": "p"})).await;
    assert_eq!(client.message().await, json!({"op": "pong", "id": "p"}));
}

#[tokio::test]
async fn silence_is_cut() {
    let options = HubOptions { silence_max: Duration::from_millis(200), ..HubOptions::default() };
    let rig = rig(options).await;
    let mut client = rig.connect().await;
    assert_eq!(client.ended().await, Some(4408));
}

#[tokio::test]
async fn connections_are_capped() {
    let rig = rig(HubOptions { connections_max: 2, ..HubOptions::default() }).await;
    let first = rig.connect().await;
    let _second = rig.connect().await;
    assert_eq!(Client::try_connect(rig.address, None).await.err(), Some(503));
    drop(first);
    eventually("a place is free", || async { Client::try_connect(rig.address, None).await.ok() })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_clients_all_hear_one_fact_and_the_shutdown() {
    // Those who came first say nothing while the others come.
    let options = HubOptions { silence_max: Duration::from_secs(600), ..HubOptions::default() };
    let rig = rig(options).await;
    let before = resident();
    let mut clients = Vec::new();
    for _ in 0..1_000 {
        let mut client = rig.connect().await;
        client.subscribe("items", json!({"owner": "ann"})).await;
        clients.push(client);
    }
    let each = resident().saturating_sub(before) / 1_000;
    eprintln!("one idle client, both ends: {each} bytes");
    rig.record(&[item_fact("bob", 1), item_fact("ann", 2)]).await;
    for client in &mut clients {
        assert_eq!(client.message().await["seq"], 2);
    }
    rig.stop();
    for client in &mut clients {
        assert_eq!(client.ended().await, Some(1001));
    }
    drop(clients);
    assert!(rig.hub.close(Duration::from_secs(20)).await, "connections are left");
}

//! The stream by server-sent events.

use crate::rig::{Rig, WAIT, item_fact, mint_fact, rig};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use push::HubOptions;
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use std::{collections::VecDeque, sync::Once, time::Duration};
use testkit::eventually;
use tokio::time::timeout;

/// One event: its id, if it has one, and its data.
type Event = (Option<String>, Value);

struct Reader {
    response: Response,
    text: String,
    ready: VecDeque<Event>,
}

impl Reader {
    async fn open(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new(), ready: VecDeque::new() }
    }

    /// The next event; none at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let chunk = timeout(WAIT, self.response.chunk()).await.expect("nothing came");
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                self.ready.extend(parse(event));
                self.text = rest.to_owned();
            }
        }
    }

    /// The next delta, and the id that leads on from it.
    async fn delta(&mut self) -> (String, Value) {
        loop {
            let (id, data) = self.next().await.expect("the end");
            if data["type"] == "delta" {
                return (id.expect("a delta has an id"), data);
            }
        }
    }
}

fn parse(event: &str) -> Option<Event> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
    let data = field("data: ")?;
    Some((field("id: ").map(str::to_owned), serde_json::from_str(data).unwrap()))
}

fn get(rig: &Rig, query: &str) -> RequestBuilder {
    static TLS: Once = Once::new();
    TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    reqwest::Client::new().get(format!("http://{}/api/v1/events?{query}", rig.address))
}

#[tokio::test]
async fn facts_come_in_the_envelope_of_the_stream() {
    let rig = rig(HubOptions::default()).await;
    rig.record(&[item_fact("ann", 1)]).await;
    eventually("one fact", || async { rig.head("items").await.filter(|seq| *seq == 1) }).await;
    let mut reader = Reader::open(get(&rig, "topic=items&owner=ann")).await;
    let (id, answer) = reader.next().await.unwrap();
    assert_eq!((id, &answer["op"]), (None, &"subscribed".into()));
    let (id, snapshot) = reader.next().await.unwrap();
    assert_eq!((id.as_deref(), &snapshot["type"]), (Some("items=1.1"), &"snapshot".into()));
    assert_eq!(snapshot["data"]["count"], 1);
    rig.record(&[item_fact("bob", 2), item_fact("ann", 3)]).await;
    let (id, delta) = reader.delta().await;
    assert_eq!(id, "items=1.3");
    assert_eq!((&delta["subscription"], &delta["prev_seq"]), (&"items".into(), &1.into()));
    assert_eq!(delta["data"]["n"], 3);
}

#[tokio::test]
async fn heartbeats_lead_on_where_no_fact_matched() {
    let options = HubOptions { heartbeat: Duration::from_millis(50), ..HubOptions::default() };
    let rig = rig(options).await;
    let mut reader = Reader::open(get(&rig, "topic=items&owner=nobody&from_seq=0")).await;
    rig.record(&[item_fact("ann", 1), item_fact("ann", 2)]).await;
    loop {
        let (id, data) = reader.next().await.unwrap();
        if data["type"] == "heartbeat" && id.as_deref() == Some("items=1.2") {
            return;
        }
    }
}

#[tokio::test]
async fn what_cannot_be_followed_is_refused_before_anything_is_sent() {
    let rig = rig(HubOptions::default()).await;
    let cases = [
        ("", 400),
        ("topic=", 400),
        ("topic=nonsense", 400),
        ("topic=items,items", 400),
        ("topic=items,chain&from_seq=1", 400),
        ("topic=items&from_seq=x", 400),
        ("topic=items&colour=red", 400),
        ("topic=items&owner=a&owner=b", 400),
        ("topic=mints", 401),
    ];
    for (query, status) in cases {
        let answer = get(&rig, query).send().await.unwrap();
        assert_eq!(answer.status(), status, "{query}");
    }
    let wrong = get(&rig, "topic=items").bearer_auth("nonsense");
    assert_eq!(wrong.send().await.unwrap().status(), 401);
    let lost = get(&rig, "topic=items").header("last-event-id", "items=1");
    assert_eq!(lost.send().await.unwrap().status(), 400);
    let another = get(&rig, "topic=mints&principal_id=bob").bearer_auth("key-ann");
    assert_eq!(another.send().await.unwrap().status(), 403);
    eventually("all places are free", || async { (rig.hub.connections() == 0).then_some(()) })
        .await;
}

#[tokio::test]
async fn an_end_is_told_and_its_place_is_free_again() {
    let options = HubOptions { connections_max: 1, ..HubOptions::default() };
    let rig = rig(options).await;
    let mut brief = Reader::open(get(&rig, "topic=mints").bearer_auth("key-brief")).await;
    let full = get(&rig, "topic=items").send().await.unwrap();
    assert_eq!(full.status(), 503);
    let mut last = Value::Null;
    while let Some((_, data)) = brief.next().await {
        last = data;
    }
    assert_eq!((&last["op"], &last["code"]), (&"closed".into(), &4401.into()));
    drop(brief);
    let free = || async { (rig.hub.connections() == 0).then_some(()) };
    eventually("the place is free", free).await;
    let reader = Reader::open(get(&rig, "topic=items")).await;
    drop(reader);
    eventually("it is free when the client goes", free).await;
    let mut told = Reader::open(get(&rig, "topic=items")).await;
    rig.stop();
    while let Some((_, data)) = told.next().await {
        last = data;
    }
    assert_eq!((&last["op"], &last["code"]), (&"closed".into(), &1001.into()));
}

/// Two topics, cut at random and resumed by the id of the last event: no gap, no double.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_and_resumed_nothing_is_lost_or_doubled() {
    let mut runner = TestRunner::new(Config::default());
    let cuts = prop::collection::vec(1usize..40, 12).new_tree(&mut runner).unwrap().current();
    eprintln!("cuts after {cuts:?} events");
    const FACTS: i64 = 300;
    let rig = rig(HubOptions { ring_facts: 50, ..HubOptions::default() }).await;
    let (mut items, mut mints, mut last) = (Vec::new(), Vec::new(), None::<String>);
    let mut cuts = cuts.into_iter();
    let mut told = 0;
    while items.len() + mints.len() < 2 * FACTS as usize {
        let mut request = get(&rig, "topic=items,mints").bearer_auth("key-ann");
        if let Some(id) = &last {
            request = request.header("last-event-id", id);
        }
        let mut reader = Reader::open(request).await;
        if last.is_none() {
            // Two answers and two snapshots; then both places are known.
            while last.as_deref() != Some("items=1.0;mints=1.0") {
                last = reader.next().await.unwrap().0;
            }
        }
        let mut left = cuts.next().unwrap_or(usize::MAX);
        while left > 0 && items.len() + mints.len() < 2 * FACTS as usize {
            if told < FACTS && items.len() as i64 >= told - 20 {
                let next: Vec<_> = (told..(told + 30).min(FACTS)).collect();
                told += next.len() as i64;
                let of_items = next.iter().map(|n| item_fact("ann", *n));
                let facts = of_items.chain(next.iter().map(|n| mint_fact("ann", *n)));
                rig.record(&facts.collect::<Vec<_>>()).await;
            }
            let (id, delta) = reader.delta().await;
            let seen = if delta["topic"] == "items" { &mut items } else { &mut mints };
            seen.push(delta["seq"].as_i64().unwrap());
            (last, left) = (Some(id), left - 1);
        }
    }
    let all: Vec<i64> = (1..=FACTS).collect();
    assert_eq!((items, mints), (all.clone(), all));
}

//! Answers about one item: they outlive what does not touch it, and are given before routing.

use crate::{
    harness::{Api, CHAIN, DIGEST, Setup, problem, start_as},
    hot::item,
    stream::Listener,
};
use limits::{Limiter, Options, Quota};
use reqwest::{Method, Response, StatusCode};
use runtime::Metrics;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use vocab::{BlockRef, ChainId, topic};

async fn start() -> Api {
    start_as(Setup { hot: true, stream: true, ..Setup::default() }).await
}

fn path(token: usize) -> String {
    format!("/api/v1/items/{CHAIN}/{DIGEST}/{token}")
}

async fn ask(api: &Api, token: usize) -> Response {
    api.request(Method::GET, &path(token)).send().await.unwrap()
}

/// As the index does, but without a word to anybody.
async fn run(api: &Api, statement: &str) {
    let statement = sqlx::query(sqlx::AssertSqlSafe(statement.to_owned()));
    statement.execute(&api.database.db).await.unwrap();
}

async fn listen(api: &Api) -> Listener {
    let mut stream = Listener::connect(api, None).await;
    stream.subscribe("items", topic::ITEMS, json!({})).await;
    stream.subscribe("chain", topic::CHAIN, json!({})).await;
    stream
}

/// Tell them; after that the log has them, as the stream does.
async fn tell<const N: usize>(api: &Api, stream: &mut Listener, mut facts: [journal::NewFact; N]) {
    let mark = |place: usize| json!(format!("{place} {}", uuid::Uuid::now_v7()));
    let marks: [Value; N] = std::array::from_fn(mark);
    for (fact, mark) in facts.iter_mut().zip(&marks) {
        fact.data["mark"] = mark.clone();
    }
    let mut transaction = db::begin(&api.database.db).await.unwrap();
    journal::record(&mut transaction, &facts).await.unwrap();
    transaction.commit().await.unwrap();
    let mut left = N;
    while left > 0 {
        stream.find(|message| marks.contains(&message["data"]["mark"])).await;
        left -= 1;
    }
}

fn fact(
    topic: &'static str,
    kind: &'static str,
    attributes: Value,
    data: Value,
) -> journal::NewFact {
    journal::NewFact {
        topic,
        kind,
        reverting: false,
        attributes,
        chain_id: Some(ChainId(CHAIN)),
        block: Some(BlockRef { number: 9, hash: [9; 32].into() }),
        data,
    }
}

fn head(auditable: u64) -> journal::NewFact {
    let data = json!({ "auditable": auditable, "final": null });
    fact(topic::CHAIN, "head", json!({ "chain_id": CHAIN.to_string() }), data)
}

fn moved(token: usize) -> journal::NewFact {
    let about = json!({ "contract": DIGEST, "token_id": token.to_string() });
    fact(topic::ITEMS, "item_transferred", about, json!({}))
}

/// What is changed behind its back shows nowhere, until a fact tells of this item.
#[tokio::test]
async fn an_item_outlives_blocks_that_do_not_touch_it() {
    let api = start().await;
    let mut stream = listen(&api).await;
    let mut outlived = false;
    for round in 0..20 {
        let (token, other) = (100 + round, round);
        run(&api, &item(token)).await;
        assert_eq!(ask(&api, token).await.status(), 200);
        run(&api, &format!("delete from items where token_id = {token}")).await;
        tell(&api, &mut stream, [head(3), moved(other)]).await;
        // A second may pass on a busy machine, but not every time.
        outlived |= ask(&api, token).await.status() == 200;
        tell(&api, &mut stream, [moved(token)]).await;
        assert_eq!(ask(&api, token).await.status(), 404, "it was told of");
        if outlived {
            return;
        }
    }
    panic!("no item outlives a block");
}

#[tokio::test]
async fn an_item_does_not_outlive_its_level() {
    let api = start().await;
    let mut stream = listen(&api).await;
    run(&api, &item(1)).await;
    for round in 0..5 {
        let set = format!(
            "insert into checkpoints (chain_id, height, hash, epoch)
             values ({CHAIN}, {}, decode(repeat('55', 32), 'hex'), 0)
             on conflict (chain_id) do update set height = excluded.height",
            20 + round
        );
        run(&api, &set).await;
        assert_eq!(ask(&api, 1).await.status(), 200);
        run(&api, "delete from items where token_id = 1").await;
        // Item 1 is of block 5.
        tell(&api, &mut stream, [head(5)]).await;
        assert_eq!(ask(&api, 1).await.status(), 404, "its level may be another");
        run(&api, &item(1)).await;
        tell(&api, &mut stream, [fact(topic::CHAIN, "reorg", json!({}), json!({}))]).await;
    }
}

fn shown(response: &Response) -> BTreeMap<String, Vec<u8>> {
    let headers = response.headers().iter();
    headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}

/// Whatever the way, the answer is the same but for what differs with each request.
#[tokio::test]
async fn an_answer_before_routing_is_what_it_is_behind_it() {
    let metrics = runtime::install_metrics().unwrap();
    let api = limited(1_000).await;
    run(&api, &item(1)).await;
    let with = |name: &'static str, value: &str| {
        let request = api.request(Method::GET, &path(1)).header(name, value);
        async move { request.send().await.unwrap() }
    };
    for _ in 0..20 {
        let before = counts(&metrics);
        let quick = with("x-request-id", "mine").await;
        let tag = quick.headers()["etag"].to_str().unwrap().to_owned();
        let quick = [with("x-request-id", "mine").await, with("if-none-match", &tag).await];
        let counted = counts(&metrics);
        if counted["quick"] < before.get("quick").unwrap_or(&0) + 2 {
            continue;
        }
        let usual = api.request(Method::GET, &path(1)).header("cookie", "a=b");
        let usual = [usual.try_clone().unwrap(), usual.header("if-none-match", &tag)];
        for (quick, usual) in quick.into_iter().zip(usual) {
            let usual = usual.send().await.unwrap();
            assert_eq!(quick.status(), usual.status());
            let (mut one, mut other) = (shown(&quick), shown(&usual));
            for name in ["x-request-id", "ratelimit", "date"] {
                assert!(one.remove(name).is_some() && other.remove(name).is_some(), "{name}");
            }
            assert_eq!(one, other);
            assert_eq!(quick.bytes().await.unwrap(), usual.bytes().await.unwrap());
        }
        assert_eq!(with("x-request-id", "mine").await.headers()["x-request-id"], "mine");
        return;
    }
    panic!("nothing is given before routing");
}

/// How many public answers came which way.
fn counts(metrics: &Metrics) -> BTreeMap<String, u64> {
    let text = metrics.render();
    let lines = text.lines().filter_map(|line| line.strip_prefix("http_hot_answers_total{how=\""));
    let counts = lines.filter_map(|line| {
        let (how, count) = line.split_once("\"} ")?;
        Some((how.to_owned(), count.parse().ok()?))
    });
    counts.collect()
}

async fn limited(units: u32) -> Api {
    let quota = Quota { units, window: Duration::from_secs(1_000_000) };
    let limiter = Limiter::new(Options { ip: quota, ..Options::unlimited() }, None);
    start_as(Setup { hot: true, limiter: Some(limiter), ..Setup::default() }).await
}

fn left(response: &Response) -> u32 {
    let text = response.headers()["ratelimit"].to_str().unwrap();
    let left = text.split(';').find_map(|part| part.strip_prefix("r="));
    left.unwrap().parse().unwrap()
}

#[tokio::test]
async fn each_answer_is_charged_once_whichever_way_it_comes() {
    let metrics = runtime::install_metrics().unwrap();
    let api = limited(60).await;
    run(&api, &item(1)).await;
    let mut before = left(&ask(&api, 1).await);
    while before > 20 {
        let response = match before % 3 {
            0 => {
                let bad = api.request(Method::GET, &path(1)).bearer_auth("stoa_live_nonsense");
                let response = bad.send().await.unwrap();
                let now = left(&response);
                problem(response, "get_item", "key_invalid").await;
                assert_eq!(before - now, 11, "a guess costs more");
                before = now;
                continue;
            }
            1 => api.request(Method::GET, &path(1)).header("cookie", "a=b").send().await.unwrap(),
            _ => ask(&api, 1).await,
        };
        assert_eq!((response.status(), before - left(&response)), (StatusCode::OK, 1));
        before = left(&response);
    }
    for _ in 0..before {
        assert_eq!(ask(&api, 1).await.status(), 200);
    }
    assert!(counts(&metrics)["quick"] > 0);
    let refused = ask(&api, 1).await;
    assert!(refused.headers().contains_key("retry-after"));
    problem(refused, "get_item", "rate_limited").await;
}

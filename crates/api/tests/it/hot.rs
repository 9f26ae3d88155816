//! Answers that are kept: given again, and never after what they show has changed for who asks.

use crate::{
    harness::{ALICE, Api, CHAIN, DIGEST, Setup, URI, body, problem, start_as},
    stream::Listener,
};
use limits::{Limiter, Options, Quota};
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use vocab::{BlockRef, ChainId, topic};

const ITEMS: &str = "/api/v1/items";

async fn start() -> Api {
    start_as(Setup { hot: true, stream: true, ..Setup::default() }).await
}

pub fn item(token: usize) -> String {
    format!(
        "insert into items (chain_id, contract, token_id, owner, uri, minted_block, minted_tx,
                            updated_block)
         values ({CHAIN}, decode('{}', 'hex'), {token}, decode('{}', 'hex'), 'x', 5,
                 decode(repeat('33', 32), 'hex'), 5)",
        &DIGEST[2..],
        &ALICE[2..],
    )
}

/// As the index does, but without a word to anybody.
async fn run(api: &Api, statement: &str) {
    let statement = sqlx::query(sqlx::AssertSqlSafe(statement.to_owned()));
    statement.execute(&api.database.db).await.unwrap();
}

pub async fn tokens(api: &Api) -> usize {
    let page = body(api.request(Method::GET, ITEMS).send().await.unwrap(), 200).await;
    page["items"].as_array().unwrap().len()
}

/// Another item, as the index tells of it.
pub async fn change(api: &Api, token: usize) {
    let fact = journal::NewFact {
        topic: topic::ITEMS,
        kind: "item_minted",
        reverting: false,
        attributes: json!({ "token_id": token.to_string() }),
        chain_id: Some(ChainId(CHAIN)),
        block: Some(BlockRef { number: 5, hash: [3; 32].into() }),
        data: json!({}),
    };
    let mut transaction = db::begin(&api.database.db).await.unwrap();
    let row = sqlx::query(sqlx::AssertSqlSafe(item(token)));
    row.execute(&mut *transaction).await.unwrap();
    journal::record(&mut transaction, &[fact]).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn a_page_is_read_once_for_those_who_ask_within_a_moment() {
    let api = start().await;
    // A moment may pass on a busy machine, but not every time.
    for token in 0..50 {
        assert_eq!(tokens(&api).await, token);
        run(&api, &item(token)).await;
        if tokens(&api).await == token {
            let fresh = api.request(Method::GET, ITEMS).header("cache-control", "no-cache");
            let page = body(fresh.send().await.unwrap(), 200).await;
            assert_eq!(page["items"].as_array().unwrap().len(), token + 1, "who insists is heard");
            return;
        }
    }
    panic!("nothing is ever kept");
}

/// One page after another is asked for often; then something changes, and only one of them is asked
/// for. The others are read at the same time: what changes behind their back shows nowhere yet.
#[tokio::test]
async fn what_many_ask_for_is_made_anew_with_what_one_misses() {
    let api = start().await;
    let page = async |limit: usize| {
        let path = format!("{ITEMS}?limit={limit}");
        let page = body(api.request(Method::GET, &path).send().await.unwrap(), 200).await;
        page["items"].as_array().unwrap().len()
    };
    // A moment may pass on a busy machine, but not every time.
    for token in 0..20 {
        for _ in 0..10 {
            page(50).await;
            page(60).await;
        }
        change(&api, token).await;
        testkit::eventually("the change is heard of", || async {
            (page(50).await == token + 1).then_some(())
        })
        .await;
        run(&api, "delete from items").await;
        if page(60).await == token + 1 {
            return;
        }
        for token in 0..=token {
            run(&api, &item(token)).await;
        }
    }
    panic!("nobody's page was made anew unasked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hears_of_a_change_sees_it() {
    let api = start().await;
    let mut stream = Listener::connect(&api, None).await;
    stream.subscribe("s", topic::ITEMS, json!({})).await;
    for token in 0..50_usize {
        assert_eq!(tokens(&api).await, token, "filled");
        change(&api, token).await;
        stream.find(|m| m["type"] == "delta" && m["data"]["kind"] == "item_minted").await;
        assert_eq!(tokens(&api).await, token + 1);
    }
}

#[tokio::test]
async fn who_sees_a_mint_on_chain_sees_its_item() {
    let api = start().await;
    let job = body(api.mint("k", &json!({ "to": ALICE, "uri": URI })).await, 202).await;
    let job = format!("/api/v1/mints/{}", job["id"].as_str().unwrap());
    for token in 0..50 {
        assert_eq!(tokens(&api).await, token, "filled");
        let mined = format!(
            "update mint_jobs set status = 'tentative', block_number = {},
                    block_hash = decode(repeat('44', 32), 'hex')",
            token + 5
        );
        run(&api, &format!("with mined as ({mined}) {}", item(token))).await;
        let path = if token % 2 == 0 { job.as_str() } else { "/api/v1/mints" };
        body(api.get(path).send().await.unwrap(), 200).await;
        assert_eq!(tokens(&api).await, token + 1, "{path}");
    }
}

#[tokio::test]
async fn who_asks_for_a_collection_sees_it() {
    let api = start().await;
    let mut known = BTreeSet::new();
    for n in 0..5 {
        let spec = json!({ "name": format!("C{n}"), "symbol": "C", "content_mode": "free_uri" });
        let made = api.post("/api/v1/collections", &format!("k{n}")).json(&spec).send().await;
        let made = body(made.unwrap(), 202).await;
        known.insert(made["contract"].as_str().unwrap().to_owned());
        let page = api.request(Method::GET, "/api/v1/collections").send().await.unwrap();
        let page: Value = body(page, 200).await;
        let listed = page["items"].as_array().unwrap();
        let listed: BTreeSet<String> =
            listed.iter().map(|row| row["contract"].as_str().unwrap().to_owned()).collect();
        assert!(listed.is_superset(&known), "{known:?} in {listed:?}");
    }
}

#[tokio::test]
async fn a_kept_answer_costs_what_others_cost_and_opens_nothing() {
    let quota = Quota { units: 20, window: Duration::from_secs(1_000_000) };
    let limiter = Limiter::new(Options { ip: quota, ..Options::unlimited() }, None);
    let api = start_as(Setup { hot: true, limiter: Some(limiter), ..Setup::default() }).await;
    tokens(&api).await;
    let bad = api.request(Method::GET, ITEMS).bearer_auth("stoa_live_nonsense");
    problem(bad.send().await.unwrap(), "list_items", "key_invalid").await;
    for _ in 0..20 {
        let response = api.request(Method::GET, ITEMS).send().await.unwrap();
        if response.status() == 429 {
            return;
        }
    }
    panic!("what is kept is free");
}

#[tokio::test]
async fn a_block_that_is_waited_for_is_never_answered_from_before_it() {
    let api = start().await;
    let checkpoint = |height: u64| {
        format!(
            "insert into checkpoints (chain_id, height, hash, epoch)
             values ({CHAIN}, {height}, decode(repeat('55', 32), 'hex'), 0)
             on conflict (chain_id) do update set height = {height}"
        )
    };
    for token in 0..5 {
        run(&api, &format!("with at as ({}) {}", checkpoint(token as u64 + 1), item(token))).await;
        let path = format!("{ITEMS}?wait_for_block={}", token + 1);
        let page = body(api.request(Method::GET, &path).send().await.unwrap(), 200).await;
        assert_eq!(page["items"].as_array().unwrap().len(), token + 1);
    }
}

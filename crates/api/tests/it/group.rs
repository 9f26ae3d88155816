//! Mint requests that share a commit: what befalls one does not befall the others.

use crate::harness::{ALICE, Api, BOB, URI, body, problem, start};
use db::PgTransaction;
use futures_util::future::join_all;
use reqwest::Response;
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};
use tokio::task::JoinHandle;

/// Nobody can write mints until the transaction ends: so requests gather to groups.
async fn hold(api: &Api) -> PgTransaction<'static> {
    let mut held = api.database.db.begin().await.unwrap();
    db::raw::execute(&mut held, "lock table mint_jobs in share mode").await.unwrap();
    held
}

fn ask(api: &Arc<Api>, key: &str, to: &str) -> JoinHandle<Response> {
    let (api, key, request) = (api.clone(), key.to_owned(), json!({ "to": to, "uri": URI }));
    tokio::spawn(async move { api.mint(&key, &request).await })
}

/// Wait until so many requests are at the server, `writing` of them or their groups in Postgres.
async fn arrived(api: &Api, writing: i64) {
    testkit::eventually("requests wait in the database", || async {
        let row = sqlx::query_scalar::<_, i64>(
            "select count(*) from pg_stat_activity where datname = current_database()
                and wait_event_type = 'Lock' and query like '%pg_try_advisory_xact_lock%'",
        );
        (row.fetch_one(&api.database.db).await.unwrap() >= writing).then_some(())
    })
    .await;
}

async fn listed(api: &Api) -> Vec<Value> {
    let list = body(api.get("/api/v1/mints?limit=200").send().await.unwrap(), 200).await;
    list["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_request_that_the_database_refuses_fails_alone() {
    let api = Arc::new(start().await);
    // Something that no check of ours foresaw.
    let bob = BOB.trim_start_matches("0x");
    let poison = format!("alter table mint_jobs add check (recipient <> decode('{bob}', 'hex'))");
    sqlx::query(sqlx::AssertSqlSafe(poison)).execute(&api.database.db).await.unwrap();
    let held = hold(&api).await;
    let first: Vec<_> = (0..2).map(|i| ask(&api, &format!("first-{i}"), ALICE)).collect();
    arrived(&api, 1).await;
    let poisoned = |i: usize| i % 10 == 3;
    let asked: Vec<_> = (0..40)
        .map(|i| ask(&api, &format!("key-{i}"), if poisoned(i) { BOB } else { ALICE }))
        .collect();
    arrived(&api, 2).await;
    held.rollback().await.unwrap();
    join_all(first).await;
    for (i, answer) in join_all(asked).await.into_iter().enumerate() {
        let answer = answer.unwrap();
        if poisoned(i) {
            problem(answer, "", "internal").await;
        } else {
            body(answer, 202).await;
        }
    }
    assert_eq!(listed(&api).await.len(), 2 + 36, "each good one once, no bad one");
}

#[tokio::test]
async fn a_cancelled_request_takes_nobody_along_and_its_retry_gets_its_answer() {
    let api = Arc::new(start().await);
    let held = hold(&api).await;
    // One waits in Postgres before the others come: else all thirty may make one group.
    let mut asked = vec![ask(&api, "key-0", ALICE)];
    arrived(&api, 1).await;
    asked.extend((1..30).map(|i| ask(&api, &format!("key-{i}"), ALICE)));
    arrived(&api, 2).await;
    // Also those whose commit is on its way: what was to answer them is gone when it is done.
    let (mut gone, mut left) = (Vec::new(), Vec::new());
    for (i, task) in asked.into_iter().enumerate() {
        if i % 2 == 0 { gone.push(task) } else { left.push(task) }
    }
    for task in &gone {
        task.abort();
    }
    join_all(gone).await;
    held.rollback().await.unwrap();
    let mut ids = BTreeSet::new();
    for answer in join_all(left).await {
        ids.insert(body(answer.unwrap(), 202).await["id"].to_string());
    }
    assert_eq!(ids.len(), 15);
    let before = listed(&api).await.len();
    assert!((15..=30).contains(&before), "{before}");
    for round in 0..2 {
        for i in 0..30 {
            let answer = api.mint(&format!("key-{i}"), &json!({ "to": ALICE, "uri": URI })).await;
            let again = answer.headers().contains_key("idempotent-replayed");
            assert!(again || (round == 0 && i % 2 == 0), "key-{i} was answered before");
            ids.insert(body(answer, 202).await["id"].to_string());
        }
        assert_eq!((ids.len(), listed(&api).await.len()), (30, 30), "one job for each key");
    }
}

#[tokio::test]
async fn a_commit_that_nobody_heard_of_is_told_to_the_retry() {
    let api = Arc::new(start().await);
    let held = hold(&api).await;
    let asked = ask(&api, "k", ALICE);
    arrived(&api, 1).await;
    asked.abort();
    let _ = asked.await;
    held.rollback().await.unwrap();
    testkit::eventually("the commit is done", || async {
        (listed(&api).await.len() == 1).then_some(())
    })
    .await;
    let retried = api.mint("k", &json!({ "to": ALICE, "uri": URI })).await;
    assert_eq!(retried.headers()["idempotent-replayed"], "true");
    let retried = body(retried, 202).await;
    assert_eq!(retried["id"], listed(&api).await[0]["id"]);
    assert_eq!(retried["status"], "queued");
}

#[tokio::test]
async fn a_key_of_a_mint_serves_nothing_else() {
    let api = start().await;
    body(api.mint("k", &json!({ "to": ALICE, "uri": URI })).await, 202).await;
    let metadata = json!({ "name": "x", "image": URI });
    let refused = api.post("/api/v1/metadata", "k").json(&metadata).send().await.unwrap();
    problem(refused, "store_metadata", "idempotency_key_reused").await;
    let stored = api.post("/api/v1/metadata", "m").json(&metadata).send().await.unwrap();
    body(stored, 201).await;
    let refused = api.mint("m", &json!({ "to": ALICE, "uri": URI })).await;
    problem(refused, "request_mint", "idempotency_key_reused").await;
}

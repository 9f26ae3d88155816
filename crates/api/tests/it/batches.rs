//! `POST /api/v1/mints/batch`: all of them, or none.

use crate::harness::{ALICE, Api, BOB, NOWHERE, URI, body, problem, start};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use time::Duration;

const PATH: &str = "/api/v1/mints/batch";

fn item(id: &str, to: &str) -> Value {
    json!({ "id": id, "to": to, "uri": URI })
}

async fn ask(api: &Api, key: &str, items: &[Value]) -> reqwest::Response {
    api.post(PATH, key).json(&json!({ "items": items })).send().await.unwrap()
}

async fn jobs(api: &Api) -> Vec<Value> {
    let list = body(api.get("/api/v1/mints?limit=200").send().await.unwrap(), 200).await;
    list["items"].as_array().unwrap().clone()
}

fn ids(batch: &Value) -> Vec<String> {
    batch["items"].as_array().unwrap().iter().map(|i| i["mint"]["id"].to_string()).collect()
}

#[tokio::test]
async fn fifty_at_once_become_fifty_jobs_in_one_commit() {
    let api = start().await;
    let items: Vec<Value> = (0..50)
        .map(|i| match i % 3 {
            0 => json!({ "id": format!("i{i}"), "to": ALICE,
                         "metadata": { "name": format!("Item {i}"), "image": URI } }),
            _ => item(&format!("i{i}"), BOB),
        })
        .collect();
    let answer = body(ask(&api, "whole", &items).await, 202).await;
    let shown = answer["items"].as_array().unwrap();
    assert_eq!(shown.len(), 50);
    for (asked, shown) in items.iter().zip(shown) {
        assert_eq!(asked["id"], shown["id"], "in the order asked for");
        assert_eq!(asked["to"], shown["mint"]["to"]);
        assert_eq!(shown["mint"]["status"], "queued");
    }
    assert_ne!(shown[0]["mint"]["uri"], shown[3]["mint"]["uri"], "each its own document");
    assert_eq!(ids(&answer).into_iter().collect::<BTreeSet<_>>().len(), 50);
    assert_eq!(jobs(&api).await.len(), 50);
    let commits = "select count(distinct xmin::text) from mint_jobs";
    let commits = sqlx::query_scalar::<_, i64>(commits).fetch_one(&api.database.db).await.unwrap();
    assert_eq!(commits, 1);
    let told = "select count(*) from outbox where kind = 'mint_requested'";
    let numbered = "select count(*) from facts where kind = 'mint_requested'";
    testkit::eventually("each has its fact", || async {
        let count = |sql| sqlx::query_scalar::<_, i64>(sql).fetch_one(&api.database.db);
        (count(told).await.unwrap() + count(numbered).await.unwrap() == 50).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_same_batch_is_answered_once_and_replayed() {
    let api = start().await;
    let items: Vec<Value> = (0..20).map(|i| item(&format!("i{i}"), ALICE)).collect();
    let answers = join_all((0..20).map(|_| ask(&api, "whole", &items))).await;
    let (mut seen, mut fresh) = (BTreeSet::new(), 0);
    for answer in answers {
        if answer.status() == 202 {
            fresh += usize::from(!answer.headers().contains_key("idempotent-replayed"));
            seen.insert(body(answer, 202).await.to_string());
        } else {
            problem(answer, "request_mints", "idempotency_in_progress").await;
        }
    }
    assert_eq!((seen.len(), fresh, jobs(&api).await.len()), (1, 1, 20));
    // Another body under the key of the whole.
    let refused = ask(&api, "whole", &items[..19]).await;
    problem(refused, "request_mints", "idempotency_key_reused").await;
    // The key of the whole is forgotten after a day; its items never are.
    api.clock.advance(Duration::hours(25));
    let late = body(ask(&api, "whole", &items).await, 202).await;
    let first: Value = serde_json::from_str(seen.first().unwrap()).unwrap();
    assert_eq!(ids(&late), ids(&first));
    assert_eq!(jobs(&api).await.len(), 20);
}

#[tokio::test]
async fn an_item_is_the_same_mint_alone_and_in_any_batch() {
    let api = start().await;
    let alone = json!({ "to": ALICE, "uri": URI });
    let single = body(api.mint("a", &alone).await, 202).await;
    let first = ask(&api, "one", &[item("a", ALICE), item("b", ALICE)]).await;
    let first = body(first, 202).await;
    assert_eq!(ids(&first)[0], single["id"].to_string());
    let second = body(ask(&api, "two", &[item("b", ALICE), item("c", ALICE)]).await, 202).await;
    assert_eq!(ids(&second)[0], ids(&first)[1]);
    let replay = api.mint("c", &alone).await;
    assert_eq!(replay.headers()["idempotent-replayed"], "true");
    assert_eq!(body(replay, 202).await["id"].to_string(), ids(&second)[1]);
    assert_eq!(jobs(&api).await.len(), 3);
    // With another content it is refused, with all that came along.
    let refused = ask(&api, "three", &[item("d", ALICE), item("b", BOB)]).await;
    let told = problem(refused, "request_mints", "mints_invalid").await;
    assert_eq!(told["errors"][0]["pointer"], "/items/1/id");
    assert_eq!(told["errors"][0]["code"], "idempotency_key_reused");
    assert_eq!(jobs(&api).await.len(), 3, "nothing of it stays");
    body(ask(&api, "three", &[item("d", ALICE)]).await, 202).await;
}

#[tokio::test]
async fn one_bad_item_refuses_all_and_every_fault_is_told() {
    let api = start().await;
    let items = [
        item("good", ALICE),
        item("zero", "0x0000000000000000000000000000000000000000"),
        json!({ "id": "nowhere", "to": ALICE, "uri": URI, "collection": NOWHERE }),
        item("good", ALICE),
        json!({ "id": "bare", "to": ALICE, "metadata": { "name": "x" } }),
        item("whole", ALICE),
        item("", "me"),
        json!({ "id": "both", "to": ALICE, "uri": URI, "metadata": {} }),
        json!({ "id": "web", "to": ALICE, "uri": "https://example.org/1" }),
    ];
    let told = problem(ask(&api, "whole", &items).await, "request_mints", "mints_invalid").await;
    let faults: Vec<(&str, &str)> = told["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap()))
        .collect();
    let expected = [
        ("/items/1/to", "recipient_zero"),
        ("/items/2", "collection_unknown"),
        ("/items/3/id", "body_invalid"),
        ("/items/4/metadata/image", "metadata_invalid"),
        ("/items/5/id", "body_invalid"),
        ("/items/6/id", "body_invalid"),
        ("/items/6/to", "address_invalid"),
        ("/items/7", "uri_and_metadata"),
        ("/items/8/uri", "uri_not_representable"),
    ];
    assert_eq!(faults, expected, "{told}");
    assert_eq!(jobs(&api).await, Vec::<Value>::new());
    // The key is free, and the good one goes.
    body(ask(&api, "whole", &items[..1]).await, 202).await;
}

#[tokio::test]
async fn what_the_database_refuses_leaves_nothing() {
    let api = start().await;
    let bob = BOB.trim_start_matches("0x");
    let poison = format!("alter table mint_jobs add check (recipient <> decode('{bob}', 'hex'))");
    sqlx::query(sqlx::AssertSqlSafe(poison)).execute(&api.database.db).await.unwrap();
    let refused = ask(&api, "whole", &[item("a", ALICE), item("b", BOB)]).await;
    problem(refused, "request_mints", "internal").await;
    assert_eq!(jobs(&api).await, Vec::<Value>::new());
    body(ask(&api, "whole", &[item("a", ALICE)]).await, 202).await;
}

#[tokio::test]
async fn a_batch_has_its_limits() {
    let api = start().await;
    let many = |n: usize| (0..n).map(|i| item(&format!("i{i}"), ALICE)).collect::<Vec<_>>();
    for items in [many(0), many(257)] {
        let told = problem(ask(&api, "k", &items).await, "request_mints", "body_invalid").await;
        assert_eq!(told["errors"][0]["pointer"], "/items", "{told}");
    }
    let unknown = json!([{ "id": "a", "to": ALICE, "uri": URI, "gas": 1 }]);
    let told = ask(&api, "k", unknown.as_array().unwrap()).await;
    let told = problem(told, "request_mints", "body_invalid").await;
    assert_eq!(told["errors"][0]["pointer"], "/items/0/gas", "{told}");
    let long = json!([{ "id": "a", "to": "x".repeat(2 << 20), "uri": URI }]);
    let told = ask(&api, "k", long.as_array().unwrap()).await;
    problem(told, "request_mints", "body_too_large").await;
    let key = crate::harness::issue(
        &api.database.db,
        crate::harness::principal(&api.database.db).await,
        &[auth::Scope::MintsRead],
    )
    .await;
    let request = json!({ "items": many(1) });
    let told = api.post_as(&key, PATH, "k").json(&request).send().await.unwrap();
    problem(told, "request_mints", "scope_missing").await;
    assert_eq!(jobs(&api).await, Vec::<Value>::new());
    let all = body(ask(&api, "k", &many(256)).await, 202).await;
    assert_eq!(ids(&all).len(), 256);
}

use crate::harness::{ALICE, Api, BOB, PEPPER, URI, body, operator, problem, start};
use auth::{Authenticator, Pepper, Scope};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use time::Duration;

async fn jobs(api: &Api) -> usize {
    let list = body(api.get("/api/v1/mints?limit=200").send().await.unwrap(), 200).await;
    list["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn fifty_at_once_make_one_job() {
    let api = start().await;
    let request = json!({ "to": ALICE, "uri": URI });
    for round in 0..4 {
        let key = format!("same-{round}");
        let answers = join_all((0..50).map(|_| api.mint(&key, &request))).await;
        let mut ids = BTreeSet::new();
        let mut fresh = 0;
        for answer in answers {
            if answer.status() == 202 {
                fresh += usize::from(!answer.headers().contains_key("idempotent-replayed"));
                ids.insert(body(answer, 202).await["id"].to_string());
            } else {
                problem(answer, "request_mint", "idempotency_in_progress").await;
            }
        }
        assert_eq!((ids.len(), fresh), (1, 1), "one job, first answered to one");
        assert_eq!(jobs(&api).await, round + 1);
    }
}

#[tokio::test]
async fn the_same_answer_comes_back() {
    let api = start().await;
    let request = json!({ "to": ALICE, "uri": URI });
    let first = body(api.mint("k", &request).await, 202).await;
    // Another layout of the same body is the same request.
    let layout = format!("{{ \"uri\" : \"{URI}\",\n \"to\":\"{ALICE}\" }}");
    let again = api.post("/api/v1/mints", "\"k\"").header("content-type", "application/json");
    let again = again.body(layout).send().await.unwrap();
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.headers()["location"].to_str().unwrap().len(), "/api/v1/mints/".len() + 36);
    assert_eq!(body(again, 202).await, first);
    assert_eq!(jobs(&api).await, 1);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_refused_for_ever() {
    let api = start().await;
    body(api.mint("k", &json!({ "to": ALICE, "uri": URI })).await, 202).await;
    let other = json!({ "to": BOB, "uri": URI });
    let refused = api.mint("k", &other).await;
    problem(refused, "request_mint", "idempotency_key_reused").await;
    api.clock.advance(Duration::days(400));
    let refused = api.mint("k", &other).await;
    problem(refused, "request_mint", "idempotency_key_reused").await;
    assert_eq!(jobs(&api).await, 1);
}

#[tokio::test]
async fn a_day_later_the_key_still_finds_its_job() {
    let api = start().await;
    let request = json!({ "to": ALICE, "uri": URI });
    let first = body(api.mint("k", &request).await, 202).await;
    move_on(&api).await;
    let replay = body(api.mint("k", &request).await, 202).await;
    assert_eq!(replay, first, "within the day: the answer as it was");
    api.clock.advance(Duration::hours(25));
    let late = api.mint("k", &request).await;
    assert_eq!(late.headers()["idempotent-replayed"], "true");
    let late = body(late, 202).await;
    assert_eq!(late["id"], first["id"]);
    assert_eq!(late["status"], "failed", "after it: the job as it is");
    assert_eq!(jobs(&api).await, 1);
}

async fn move_on(api: &Api) {
    let mut connection = api.database.db.acquire().await.unwrap();
    db::raw::execute(&mut connection, "update mint_jobs set status = 'failed'").await.unwrap();
}

#[tokio::test]
async fn keys_belong_to_their_principal() {
    let api = start().await;
    let request = json!({ "to": ALICE, "uri": URI });
    let mine = body(api.mint("k", &request).await, 202).await;
    let other = crate::harness::principal(&api.database.db).await;
    let key = crate::harness::issue(&api.database.db, other, &[auth::Scope::MintsWrite]).await;
    let theirs = api.request(reqwest::Method::POST, "/api/v1/mints").bearer_auth(key);
    let theirs = theirs.header("idempotency-key", "k").json(&request).send().await.unwrap();
    assert_ne!(body(theirs, 202).await["id"], mine["id"]);
}

#[tokio::test]
async fn what_makes_something_needs_a_key() {
    let api = start().await;
    let posts: [(&str, &str, Value); 3] = [
        ("/api/v1/mints", "request_mint", json!({ "to": ALICE, "uri": URI })),
        ("/api/v1/metadata", "store_metadata", json!({ "name": "x", "image": URI })),
        ("/api/v1/collections", "request_collection", json!({})),
    ];
    for (path, operation, request) in &posts {
        let post = || api.request(reqwest::Method::POST, path).bearer_auth(&api.key).json(request);
        let response = post().send().await.unwrap();
        problem(response, operation, "idempotency_key_required").await;
        for bad in ["", "\"\"", &"k".repeat(256)] {
            let response = post().header("idempotency-key", bad).send().await.unwrap();
            problem(response, operation, "idempotency_key_invalid").await;
        }
    }
    let upload = api.request(reqwest::Method::POST, "/api/v1/uploads").bearer_auth(&api.key);
    let response = upload.send().await.unwrap();
    problem(response, "upload_picture", "idempotency_key_required").await;
}

/// The key is free when the answer is out, whatever the answer is: a caller that goes on at once is
/// no rival of its own earlier request.
#[tokio::test]
async fn an_answer_leaves_its_key_free() {
    let api = start().await;
    let key = operator(&api.database.db, &[Scope::ContentWrite, Scope::TransactionsWrite]).await;
    let authenticator =
        Authenticator::new(api.database.db.clone(), Pepper::new(PEPPER), api.clock.clone());
    let actor = authenticator.authenticate(&key, None).await.unwrap();
    let caller = app::Caller { actor: &actor, request_id: "r", from: None };
    let document = |name: &str| json!({ "name": name, "image": URI }).to_string().into_bytes();
    let (one, other) = (document("one"), document("other"));
    let store = |document| api.app.store_metadata(caller, "k", document, |_| json!({}));
    assert!(!store(&one).await.unwrap().replayed);
    assert_eq!(held(&api), 0);
    assert!(store(&one).await.unwrap().replayed);
    assert_eq!(held(&api), 0, "after a replay");
    assert!(store(&other).await.is_err());
    assert_eq!(held(&api), 0, "after a refusal by the key");

    let abi = json!([]);
    let spec = app::AbiSpec { chain_id: None, address: BOB, name: "Taken", abi: &abi };
    for (name, good) in [("a", true), ("b", false)] {
        let once = app::Once { key: name, fingerprint: app::Fingerprint([7; 32]) };
        let stored = api.app.store_abi(caller, once, spec, |_| json!({})).await;
        assert_eq!((stored.is_ok(), held(&api)), (good, 0), "after a refusal by the rules");
    }
}

/// Locks of keys that are held this moment. It blocks this thread: nothing that was left for later
/// happens meanwhile.
fn held(api: &Api) -> i64 {
    let url = api.database.url.clone();
    let ask = async move {
        let db = db::connect(&url, 1).await.unwrap();
        let locks = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
                      where d.datname = current_database() and l.locktype = 'advisory'";
        sqlx::query_scalar::<_, i64>(locks).fetch_one(&db).await.unwrap()
    };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::spawn(move || runtime().block_on(ask)).join().unwrap()
}

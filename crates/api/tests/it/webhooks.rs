use crate::harness::{
    ALICE, Api, BOB, CHAIN, WEBHOOK_KEY, body, issue, operator, principal, problem, start,
};
use auth::Scope;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use vocab::PrincipalId;

const WEBHOOKS: &str = "/api/v1/webhooks";

struct Rig {
    api: Api,
    principal: PrincipalId,
    /// A machine's.
    who: String,
}

async fn rig() -> Rig {
    let api = start().await;
    let principal = principal(&api.database.db).await;
    let scopes = [Scope::WebhooksWrite, Scope::MintsRead];
    let who = issue(&api.database.db, principal, &scopes).await;
    Rig { api, principal, who }
}

fn request(url: &str) -> Value {
    json!({ "url": url, "topics": ["items"] })
}

impl Rig {
    async fn create(&self, key: &str, request: &Value) -> Response {
        self.api.post_as(&self.who, WEBHOOKS, key).json(request).send().await.unwrap()
    }

    async fn made(&self, key: &str, request: &Value) -> Value {
        body(self.create(key, request).await, 201).await
    }

    async fn send(&self, method: Method, path: &str, request: &Value) -> Response {
        let path = format!("{WEBHOOKS}/{path}");
        let builder = self.api.request(method, &path).bearer_auth(&self.who);
        builder.json(request).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        self.api.get_as(&self.who, &format!("{WEBHOOKS}{path}")).send().await.unwrap()
    }

    async fn rotate(&self, id: &str, key: &str) -> Response {
        let path = format!("{WEBHOOKS}/{id}/rotate-secret");
        self.api.post_as(&self.who, &path, key).json(&json!({})).send().await.unwrap()
    }

    async fn execute(&self, sql: &str) {
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(&self.api.database.db)
            .await
            .unwrap();
    }

    async fn text(&self, sql: &str) -> String {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned()))
            .fetch_one(&self.api.database.db)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_webhook_is_made_changed_listed_and_taken_away() {
    let rig = rig().await;
    let wanted = json!({ "url": "https://a.example/hooks?k=1", "description": "orders",
        "topics": ["mints", "items"], "events": ["item_*", "mint_status_changed"],
        "chain_ids": [CHAIN], "contracts": [ALICE], "addresses": [BOB] });
    let response = rig.create("a", &wanted).await;
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let mut made = body(response, 201).await;
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(location, format!("{WEBHOOKS}/{id}"));
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    assert_eq!((&made["state"], &made["signature"]), (&json!("active"), &json!("hmac")));
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(rig.made("a", &wanted).await, made, "the same answer to the same request");

    made["secret"] = Value::Null;
    assert_eq!(body(rig.get(&format!("/{id}")).await, 200).await, made, "and nowhere else");
    assert_eq!(body(rig.get("").await, 200).await["items"], json!([made]));
    let change = json!({ "state": "paused", "topics": ["items"], "events": [],
        "url": "https://b.example/" });
    let changed = body(rig.send(Method::PATCH, &id, &change).await, 200).await;
    assert_eq!((&changed["state"], &changed["url"]), (&change["state"], &change["url"]));
    assert_eq!(
        (&changed["topics"], &changed["contracts"]),
        (&change["topics"], &made["contracts"])
    );
    assert_eq!(changed["positions"].as_array().unwrap().len(), 1);

    let other = rig.made("b", &json!({ "url": "https://c.example", "topics": ["chain"] })).await;
    let page = body(rig.get("?limit=1").await, 200).await;
    assert_eq!(page["items"][0]["id"], other["id"]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let page = body(rig.get(&format!("?limit=1&cursor={cursor}")).await, 200).await;
    assert_eq!((&page["items"][0]["id"], &page["next_cursor"]), (&made["id"], &Value::Null));

    let gone = rig.send(Method::DELETE, &id, &json!({})).await;
    assert_eq!(gone.status(), 204);
    problem(rig.get(&format!("/{id}")).await, "get_webhook", "webhook_unknown").await;
    assert_eq!(body(rig.get("").await, 200).await["items"].as_array().unwrap().len(), 1);
    // Each decision is a fact, and none tells what may be secret of an address.
    let told = rig.text("select string_agg(attributes::text || data::text, ' ') from outbox").await;
    for act in ["created", "changed", "deleted"] {
        assert!(told.contains(&format!("\"act\": \"{act}\"")), "{told}");
    }
    assert!(told.contains("a.example") && !told.contains("k=1") && !told.contains("whsec_"));
}

#[tokio::test]
async fn what_a_webhook_cannot_be() {
    let rig = rig().await;
    let cases = [
        (json!({ "url": "" }), "/url"),
        (json!({ "url": "https://" }), "/url"),
        (json!({ "url": "a.example" }), "/url"),
        (json!({ "url": "ftp://a.example/" }), "/url"),
        (json!({ "url": "http://a.example/" }), "/url"),
        (json!({ "url": "https://u:p@a.example/" }), "/url"),
        (json!({ "url": "https://a.example:25/" }), "/url"),
        (json!({ "url": "https://a.example/#x" }), "/url"),
        (json!({ "url": "https://10.0.0.1/" }), "/url"),
        (json!({ "url": "https://[::ffff:10.0.0.1]/" }), "/url"),
        (json!({ "url": "https://0xa.1/" }), "/url"),
        (json!({ "url": "https://169.254.169.254/latest/" }), "/url"),
        (json!({ "url": format!("https://a.example/{}", "x".repeat(2_048)) }), "/url"),
        (json!({ "description": "a\u{0}" }), "/description"),
        (json!({ "topics": [] }), "/topics"),
        (json!({ "topics": ["items", "items"] }), "/topics/1"),
        (json!({ "topics": ["gossip"] }), "/topics/0"),
        (json!({ "events": ["item_minted", "a b"] }), "/events/1"),
        (json!({ "events": vec!["a"; 51] }), "/events"),
        (json!({ "chain_ids": [7] }), "/chain_ids/0"),
        (json!({ "contracts": ["0x12"] }), "/contracts/0"),
        (json!({ "addresses": [ALICE.to_lowercase(), ALICE.replace("70", "71")] }), "/addresses/1"),
    ];
    for (part, pointer) in cases {
        let mut wanted = request("https://a.example/");
        for (name, value) in part.as_object().unwrap() {
            wanted[name] = value.clone();
        }
        let refused = rig.create("k", &wanted).await;
        let said = problem(refused, "create_webhook", "webhook_invalid").await;
        assert_eq!(said["errors"][0]["pointer"], pointer, "{part}");
    }
    let odd = json!({ "url": "https://a.example/", "topics": ["items"], "secret": "x" });
    problem(rig.create("k", &odd).await, "create_webhook", "body_invalid").await;
    assert_eq!(body(rig.get("").await, 200).await["items"], json!([]));
    for n in 0..5 {
        rig.made(&format!("n{n}"), &request("https://a.example/")).await;
    }
    let refused = rig.create("n5", &request("https://a.example/")).await;
    problem(refused, "create_webhook", "webhook_limit_reached").await;
}

/// Who may not be told of a topic can't ask for it, and nobody sees what is another's.
#[tokio::test]
async fn what_is_anothers_is_not_there() {
    let rig = rig().await;
    let db = &rig.api.database.db;
    let wanted = json!({ "url": "https://a.example/", "topics": ["transactions"] });
    problem(rig.create("k", &wanted).await, "create_webhook", "operator_only").await;
    let reader = issue(db, rig.principal, &[Scope::WebhooksRead]).await;
    let refused = rig.api.post_as(&reader, WEBHOOKS, "k").json(&request("https://a.example/"));
    problem(refused.send().await.unwrap(), "create_webhook", "scope_missing").await;
    let blind = issue(db, rig.principal, &[Scope::WebhooksWrite]).await;
    let mints = json!({ "url": "https://a.example/", "topics": ["mints"] });
    let refused = rig.api.post_as(&blind, WEBHOOKS, "k").json(&mints).send().await.unwrap();
    problem(refused, "create_webhook", "scope_missing").await;
    let anybody = rig.api.request(Method::GET, WEBHOOKS).send().await.unwrap();
    problem(anybody, "list_webhooks", "key_missing").await;

    let made = rig.made("a", &mints).await;
    let id = made["id"].as_str().unwrap();
    let stranger = issue(db, principal(db).await, &[Scope::WebhooksWrite]).await;
    let delivery = uuid::Uuid::now_v7();
    let paths = [
        (Method::GET, String::new(), "get_webhook", json!({})),
        (Method::PATCH, String::new(), "change_webhook", json!({ "state": "paused" })),
        (Method::DELETE, String::new(), "delete_webhook", json!({})),
        (Method::POST, "/rotate-secret".to_owned(), "rotate_webhook_secret", json!({})),
        (Method::POST, "/test".to_owned(), "try_webhook", json!({})),
        (Method::POST, "/replay".to_owned(), "replay_webhook", json!({ "from_seq": 0 })),
        (Method::GET, "/deliveries".to_owned(), "list_deliveries", json!({})),
        (Method::POST, format!("/deliveries/{delivery}/retry"), "retry_delivery", json!({})),
    ];
    for (method, path, operation, request) in paths {
        let path = format!("{WEBHOOKS}/{id}{path}");
        let builder = rig.api.request(method, &path).header("idempotency-key", operation);
        let refused = builder.bearer_auth(&stranger).json(&request).send().await.unwrap();
        problem(refused, operation, "webhook_unknown").await;
    }
    let list = rig.api.get_as(&stranger, WEBHOOKS).send().await.unwrap();
    assert_eq!(body(list, 200).await["items"], json!([]));
    let admin = operator(db, &[Scope::Admin]).await;
    let list = rig.api.get_as(&admin, WEBHOOKS).send().await.unwrap();
    assert_eq!(body(list, 200).await["items"][0]["id"], made["id"]);
}

#[tokio::test]
async fn a_secret_is_told_once_and_stored_nowhere() {
    let rig = rig().await;
    let made = rig.made("a", &request("https://a.example/")).await;
    let (id, first) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let rotated = body(rig.rotate(id, "r").await, 201).await;
    let second = rotated["secret"].as_str().unwrap();
    assert!(second != first && second.starts_with("whsec_"));
    assert_eq!(rotated["secret_version"], 2);
    assert!(rotated["previous_secret_until"].is_string());
    let again = rig.rotate(id, "r").await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(body(again, 201).await["secret"], second);
    let late = rig.made("a", &request("https://a.example/")).await;
    assert_eq!(late["secret"], Value::Null, "what is no more is not told");
    // Neither the secrets nor anything that leads to them without the server's key.
    let key = app::WebhookKey::new(WEBHOOK_KEY);
    let stored = rig
        .text(
            "select (select string_agg(e::text, ' ') from webhook_endpoints e) ||
                    (select string_agg(encode(body, 'escape'), ' ') from idempotency_keys) ||
                    (select string_agg(data::text, ' ') from outbox)",
        )
        .await;
    for secret in [first, second] {
        let bare = secret.trim_start_matches("whsec_");
        assert!(!stored.contains(bare), "{stored}");
    }
    let mut connection = rig.api.database.db.acquire().await.unwrap();
    let row = db::webhook_endpoints::load(&mut connection, id.parse().unwrap()).await.unwrap();
    assert_eq!(*key.reveal(&row.unwrap()), second);

    let wanted = json!({ "url": "https://a.example/", "topics": ["items"],
        "signature": "ed25519" });
    let made = rig.made("e", &wanted).await;
    assert_eq!(made["secret"], Value::Null);
    assert!(made["public_key"].as_str().unwrap().starts_with("whpk_"));
}

/// A receiver that keeps what it was sent, and answers all the same.
async fn receiver(answer: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeping = kept.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"}}") && stream.read_buf(&mut bytes).await.is_ok_and(|n| n > 0)
            {
            }
            keeping.lock().unwrap().push(String::from_utf8(bytes).unwrap());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, kept)
}

#[tokio::test]
async fn an_endpoint_is_tried_with_a_signed_event() {
    let rig = rig().await;
    let answer = "HTTP/1.1 202 Accepted\r\ncontent-length: 6\r\nconnection: close\r\n\r\nthanks";
    let (url, kept) = receiver(answer).await;
    let made = rig.made("a", &request(&url)).await;
    let id = made["id"].as_str().unwrap();
    let tried = body(rig.send(Method::POST, &format!("{id}/test"), &json!({})).await, 200).await;
    assert_eq!((&tried["outcome"], &tried["status"]), (&json!("delivered"), &json!(202)));
    assert_eq!(tried["response"], "thanks");
    let sent = kept.lock().unwrap().remove(0);
    let (head, event) = sent.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
    };
    assert_eq!(header("webhook-id"), tried["id"].as_str().unwrap());
    let key = app::WebhookKey::new(WEBHOOK_KEY);
    let mut connection = rig.api.database.db.acquire().await.unwrap();
    let row = db::webhook_endpoints::load(&mut connection, id.parse().unwrap()).await.unwrap();
    let at = time::OffsetDateTime::now_utc();
    let timestamp: i64 = header("webhook-timestamp").parse().unwrap();
    let signature = key.signers(&row.unwrap(), at).sign(&header("webhook-id"), timestamp, event);
    assert_eq!(header("webhook-signature"), signature);
    let event: Value = serde_json::from_str(event).unwrap();
    assert_eq!((&event["type"], &event["data"]["endpoint_id"]), (&json!("test"), &made["id"]));

    // What it passes us on to is not asked.
    let (inside, asked) = receiver(answer).await;
    let to = format!(
        "HTTP/1.1 307 X\r\nlocation: {inside}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    let (url, _) = receiver(Box::leak(to.into_boxed_str())).await;
    body(rig.send(Method::PATCH, id, &json!({ "url": url })).await, 200).await;
    let tried = body(rig.send(Method::POST, &format!("{id}/test"), &json!({})).await, 200).await;
    assert_eq!((&tried["outcome"], &tried["status"]), (&json!("redirected"), &json!(307)));
    assert!(asked.lock().unwrap().is_empty());
    // What was fit when it was stored is looked at again when it is asked.
    rig.execute("update webhook_endpoints set url = 'https://10.0.0.1:4433/'").await;
    let tried = body(rig.send(Method::POST, &format!("{id}/test"), &json!({})).await, 200).await;
    assert_eq!((&tried["outcome"], &tried["status"]), (&json!("address_refused"), &Value::Null));
}

#[tokio::test]
async fn deliveries_are_listed_and_sent_again() {
    let rig = rig().await;
    let wanted = json!({ "url": "https://a.example/", "topics": ["items", "chain"] });
    let made = rig.made("a", &wanted).await;
    let id = made["id"].as_str().unwrap();
    rig.execute(&format!(
        "insert into webhook_deliveries
             (id, endpoint_id, topic, epoch, seq, kind, ordering_key, state, attempts, ended_at)
         select gen_random_uuid(), '{id}', 'items', 1, n, 'item_minted', 'k',
                case when n % 2 = 0 then 'failed' else 'delivered' end, 1, now()
           from generate_series(1, 5) n"
    ))
    .await;
    rig.execute(
        "insert into webhook_attempts (delivery_id, attempt, at, outcome, status, latency_ms,
                                       response)
         select id, 1, now(), 'status', 500, 12, 'no' from webhook_deliveries where state = 'failed'",
    )
    .await;
    let path = format!("/{id}/deliveries");
    let all = body(rig.get(&path).await, 200).await;
    let seqs = |list: &Value| -> Vec<i64> {
        list["items"].as_array().unwrap().iter().map(|one| one["seq"].as_i64().unwrap()).collect()
    };
    assert_eq!(seqs(&all), [5, 4, 3, 2, 1]);
    let failed = body(rig.get(&format!("{path}?state=failed&limit=1")).await, 200).await;
    assert_eq!(seqs(&failed), [4]);
    let log = &failed["items"][0]["log"][0];
    assert_eq!((&log["status"], &log["response"]), (&json!(500), &json!("no")));
    let cursor = failed["next_cursor"].as_str().unwrap();
    let next = rig.get(&format!("{path}?state=failed&limit=1&cursor={cursor}")).await;
    assert_eq!(seqs(&body(next, 200).await), [2]);
    let elsewhere = rig.get(&format!("{path}?cursor={cursor}")).await;
    problem(elsewhere, "list_deliveries", "cursor_invalid").await;
    problem(rig.get(&format!("{path}?state=x")).await, "list_deliveries", "query_invalid").await;

    let delivery = failed["items"][0]["id"].as_str().unwrap();
    let retry = format!("{id}/deliveries/{delivery}/retry");
    let again = body(rig.send(Method::POST, &retry, &json!({})).await, 202).await;
    assert_eq!((&again["state"], &again["id"]), (&json!("ready"), &json!(delivery)));
    let unknown = format!("{id}/deliveries/{}/retry", uuid::Uuid::now_v7());
    let refused = rig.send(Method::POST, &unknown, &json!({})).await;
    problem(refused, "retry_delivery", "delivery_unknown").await;
    body(rig.send(Method::PATCH, id, &json!({ "state": "paused" })).await, 200).await;
    let refused = rig.send(Method::POST, &retry, &json!({})).await;
    problem(refused, "retry_delivery", "webhook_state").await;

    let replay = |request: Value| {
        let path = format!("{id}/replay");
        let rig = &rig;
        async move { rig.send(Method::POST, &path, &request).await }
    };
    let begun = body(replay(json!({ "topic": "items", "from_seq": 0 })).await, 202).await;
    assert_eq!(begun, json!({ "topic": "items", "from_seq": 0, "head": 0 }));
    for (request, pointer) in [
        (json!({ "from_seq": 0 }), "/topic"),
        (json!({ "topic": "mints", "from_seq": 0 }), "/topic"),
        (json!({ "topic": "items", "from_seq": 1 }), "/from_seq"),
        (json!({ "topic": "items", "from_seq": -1 }), "/from_seq"),
    ] {
        let said = problem(replay(request).await, "replay_webhook", "webhook_invalid").await;
        assert_eq!(said["errors"][0]["pointer"], pointer);
    }
    problem(replay(json!({})).await, "replay_webhook", "body_invalid").await;
}

#[tokio::test]
async fn what_is_old_or_too_much_is_forgotten() {
    let rig = rig().await;
    let made = rig.made("a", &request("https://a.example/")).await;
    let gone = rig.made("b", &request("https://a.example/")).await;
    let (id, gone) = (made["id"].as_str().unwrap(), gone["id"].as_str().unwrap());
    for (endpoint, from) in [(id, 1), (gone, 100)] {
        rig.execute(&format!(
            "insert into webhook_deliveries (id, endpoint_id, topic, epoch, seq, kind,
                                             ordering_key, state, ended_at)
             select gen_random_uuid(), '{endpoint}', 'items', 1, n, 'k', 'k', 'delivered',
                    now() - make_interval(days => case when n = {from} then 31 else 0 end)
               from generate_series({from}, {from} + 2) n"
        ))
        .await;
    }
    let left = || rig.text("select count(*)::text from webhook_deliveries");
    rig.api.app.forget_deliveries(uuid::Uuid::nil()).await.unwrap();
    assert_eq!(left().await, "4", "those of a month ago are gone");
    rig.send(Method::DELETE, gone, &json!({})).await;
    rig.execute("update webhook_endpoints set updated_at = now() - interval '1 hour'").await;
    rig.api.app.forget_deliveries(uuid::Uuid::nil()).await.unwrap();
    rig.api.app.forget_deliveries(uuid::Uuid::nil()).await.unwrap();
    assert_eq!(left().await, "2");
    assert_eq!(rig.text("select count(*)::text from webhook_endpoints").await, "1");
    let mut connection = rig.api.database.db.acquire().await.unwrap();
    let id = id.parse().unwrap();
    let beyond = db::webhook_deliveries::delete_beyond(&mut connection, id, 1, 10).await.unwrap();
    assert_eq!((beyond, left().await.as_str()), (1, "1"));
}

//! The audit trail: each privileged operation of the document leaves one record, whoever is refused
//! one leaves one, and nothing secret is in any.

use crate::{
    abis::{TREASURY, treasury_abi},
    harness::{ALICE, Api, BOB, Setup, body, issue, operator, principal, problem, start_as},
    principals::admin,
    transaction_changes::{Operator, set_status, want_approval},
    wallets::start_signer,
};
use auth::{Action, Scope};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::{NodeOptions, TestNode, eventually};
use uuid::Uuid;
use vocab::{Address, ChainId};

const AUDIT: &str = "/api/v1/audit";

struct Operation {
    id: String,
    method: Method,
    /// With `{…}`.
    path: String,
    action: Action,
    /// It takes an Idempotency-Key.
    once: bool,
}

/// Those of the document that change something privileged.
fn privileged() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&api::openapi_json()).unwrap();
    let mut all = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let declared = operation["x-stoa-action"].as_str().unwrap();
            let action = Action::ALL.into_iter().find(|action| action.name() == declared);
            let Some(action) = action.filter(|action| action.is_privileged()) else { continue };
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            all.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                action,
                once: parameters.into_iter().any(|one| one["name"] == "Idempotency-Key"),
            });
        }
    }
    all
}

struct Rig {
    api: Api,
    /// A key of an admin.
    who: String,
    _node: TestNode,
    consenting: Operator,
}

/// What is to be sent: the path, and the body if there is one.
type Sent = (String, Option<Value>);

impl Rig {
    async fn new() -> Self {
        let node = testkit::anvil(NodeOptions::default()).await;
        let url = node.anvil.http_url();
        let endpoint = chain::Endpoint::new(&url, chain::EndpointOptions::default()).unwrap();
        let setup = Setup { nodes: vec![endpoint], stream: true, ..Setup::default() };
        let api = start_as(setup).await;
        start_signer(&api);
        let who = admin(&api).await;
        Self { api, who, _node: node, consenting: Operator::new(1) }
    }

    async fn send(&self, operation: &Operation, key: &str, sent: &Sent) -> Response {
        let request = self.api.request(operation.method.clone(), &sent.0).bearer_auth(&self.who);
        let request = request.header("idempotency-key", key);
        let request = sent.1.iter().fold(request, |request, content| request.json(content));
        request.send().await.unwrap()
    }

    async fn make(&self, path: &str, content: Value) -> Value {
        let key = Uuid::now_v7().to_string();
        let made = self.api.post_as(&self.who, path, &key).json(&content).send().await.unwrap();
        assert!(made.status().is_success(), "{path}: {}", made.text().await.unwrap());
        made.json().await.unwrap()
    }

    async fn wallet(&self, byte: u8, state: &str) -> String {
        let address = Address::repeat_byte(byte);
        let wallet = db::wallets::Wallet {
            address,
            role: "operator".to_owned(),
            in_flight_max: 16,
            draining: false,
            paused_reason: None,
        };
        let mut connection = self.api.database.db.acquire().await.unwrap();
        db::wallets::record(&mut connection, ChainId(31337), &wallet).await.unwrap();
        sqlx::query("update wallets set state = $1 where address = $2")
            .bind(state)
            .bind(address.as_slice())
            .execute(&mut *connection)
            .await
            .unwrap();
        let balance = json!([address, "0xde0b6b3a7640000"]);
        self._node.call("anvil_setBalance", balance).await;
        format!("/api/v1/wallets/31337/{}", address.to_checksum(None))
    }

    async fn transaction(&self, status: &str) -> String {
        let job = self.make("/api/v1/transactions", json!({ "to": ALICE, "value": 1 })).await;
        let path = format!("/api/v1/transactions/{}", job["id"].as_str().unwrap());
        set_status(&self.api, &path, status).await;
        path
    }

    async fn key(&self) -> String {
        let db = &self.api.database.db;
        let key = issue(db, principal(db).await, &[Scope::MintsRead]).await;
        format!("/api/v1/api-keys/{}", auth::KeyText::parse(&key).unwrap().id())
    }

    async fn webhook(&self) -> String {
        // There may be few at a time.
        sqlx::query("update webhook_endpoints set state = 'deleted'")
            .execute(&self.api.database.db)
            .await
            .unwrap();
        let content = json!({ "url": "https://hooks.invalid/canary-path", "topics": ["items"] });
        let made = self.make("/api/v1/webhooks", content).await;
        format!("/api/v1/webhooks/{}", made["id"].as_str().unwrap())
    }

    async fn delivery(&self, webhook: &str) -> String {
        let id = Uuid::now_v7();
        let endpoint: Uuid = webhook.rsplit('/').next().unwrap().parse().unwrap();
        sqlx::query(
            "insert into webhook_deliveries (id, endpoint_id, topic, epoch, seq, kind,
                                             ordering_key, state, ended_at)
             values ($1, $2, 'items', 1, 1, 'k', 'k', 'failed', now())",
        )
        .bind(id)
        .bind(endpoint)
        .execute(&self.api.database.db)
        .await
        .unwrap();
        format!("{webhook}/deliveries/{id}/retry")
    }

    async fn role(&self, granted: bool) -> String {
        let id = principal(&self.api.database.db).await;
        if granted {
            crate::principals::grant(&self.api, id.0, auth::Role::Organizer).await;
        }
        format!("/api/v1/principals/{id}/roles/organizer")
    }

    /// Something for an operation to be done with, and what to send.
    async fn prepare(&self, operation: &Operation) -> Sent {
        let changes = |path: String, act: &str| format!("{path}/{act}");
        let some = |path: String, content: Value| (path, Some(content));
        let plain = |path: &str, content: Value| (path.to_owned(), Some(content));
        match operation.id.as_str() {
            "create_api_key" => plain(&operation.path, json!({ "scopes": ["mints:read"] })),
            "change_api_key" => some(self.key().await, json!({ "name": "another" })),
            "rotate_api_key" => some(changes(self.key().await, "rotate"), json!({})),
            "revoke_api_key" => (self.key().await, None),
            "create_webhook" => {
                let content = json!({ "url": "https://a.example/canary", "topics": ["items"] });
                plain(&operation.path, content)
            }
            "change_webhook" => some(self.webhook().await, json!({ "state": "paused" })),
            "delete_webhook" => (self.webhook().await, None),
            "rotate_webhook_secret" => {
                some(changes(self.webhook().await, "rotate-secret"), json!({}))
            }
            "retry_delivery" => (self.delivery(&self.webhook().await).await, None),
            "replay_webhook" => {
                let content = json!({ "topic": "items", "from_seq": 0 });
                some(changes(self.webhook().await, "replay"), content)
            }
            "try_webhook" => (changes(self.webhook().await, "test"), None),
            "grant_role" => some(self.role(false).await, json!({})),
            "end_role" => (self.role(true).await, None),
            "store_abi" => {
                let content = json!({ "address": BOB, "name": "Treasury", "abi": treasury_abi() });
                plain(&operation.path, content)
            }
            "delete_abi" => {
                let content = json!({ "address": TREASURY, "name": "T2", "abi": treasury_abi() });
                self.make("/api/v1/abis", content).await;
                (format!("/api/v1/abis/31337/{TREASURY}"), None)
            }
            "create_sponsor" => plain(&operation.path, json!({ "name": "one" })),
            "change_sponsor" => {
                let made = self.make("/api/v1/sponsors", json!({ "name": "two" })).await;
                let path = format!("/api/v1/sponsors/{}", made["id"].as_str().unwrap());
                some(path, json!({ "gas_max": 300_000 }))
            }
            other => self.prepare_to_send(operation, other).await,
        }
    }

    /// The same of wallets and transactions.
    async fn prepare_to_send(&self, operation: &Operation, id: &str) -> Sent {
        let queued = async || self.transaction("queued").await;
        let (path, content) = match id {
            "create_wallet" => (operation.path.clone(), json!({ "role": "operator" })),
            "pause_wallet" => (self.wallet(0x71, "active").await + "/pause", json!({})),
            "resume_wallet" => (self.wallet(0x72, "paused").await + "/resume", json!({})),
            "retire_wallet" => (self.wallet(0x73, "active").await + "/retire", json!({})),
            "rotate_wallet" => (self.wallet(0x74, "active").await + "/rotate", json!({})),
            "drain_wallet" => {
                (self.wallet(0x75, "active").await + "/drain", json!({ "to": ALICE }))
            }
            "request_transaction" => (operation.path.clone(), json!({ "to": BOB, "value": 7 })),
            "cancel_transaction" => (queued().await + "/cancel", json!({})),
            "speed_up_transaction" => {
                (queued().await + "/speed-up", json!({ "urgency": "urgent" }))
            }
            "replace_transaction" => {
                (queued().await + "/replace", json!({ "to": BOB, "value": 2 }))
            }
            "redrive_transaction" => (self.transaction("failed").await + "/redrive", json!({})),
            "approve_transaction" => {
                let path = queued().await;
                let act = format!("0x{}", "04".repeat(32));
                let (address, consent) = self.consenting.approve(&act, 600);
                want_approval(&self.api, &path, &act, &address).await;
                (path + "/approvals", consent)
            }
            other => panic!("nothing to do {other} with: say here what"),
        };
        (path, Some(content))
    }

    /// How many records there are, numbered or not; of a request, and of all.
    async fn records(&self, request: &str) -> (i64, i64) {
        sqlx::query_as(
            "with told as (select data from outbox where data ? 'by'
                           union all select data from facts where data ? 'by')
             select count(*) filter (where data ->> 'request_id' = $1), count(*) from told",
        )
        .bind(request)
        .fetch_one(&self.api.database.db)
        .await
        .unwrap()
    }

    /// All records that the list has, newest first, by pages of three.
    async fn listed(&self, filter: &str) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("{AUDIT}?limit=3{filter}{cursor}");
            let page = body(self.api.get_as(&self.who, &path).send().await.unwrap(), 200).await;
            all.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }

    /// Wait until all that was told is numbered, which is when it can be listed.
    async fn numbered(&self) {
        eventually("all facts are numbered", || async {
            let left: i64 = sqlx::query_scalar("select count(*) from outbox")
                .fetch_one(&self.api.database.db)
                .await
                .unwrap();
            (left == 0).then_some(())
        })
        .await;
    }
}

/// Each doing of it is an act of its own: it has no key, and sends something again.
const AGAIN: [&str; 3] = ["retry_delivery", "replay_webhook", "try_webhook"];

/// Texts in an answer that nobody else may see.
fn secrets(answer: &Value) -> Vec<String> {
    // A delivery has a key, too, by which it is ordered.
    let is_ours = |text: &&str| auth::KeyText::parse(text).is_ok();
    let key = answer["key"].as_str().filter(is_ours);
    let others = ["secret", "signing_secret"].map(|field| answer[field].as_str());
    others.into_iter().flatten().chain(key).map(str::to_owned).collect()
}

#[tokio::test]
async fn each_privileged_operation_leaves_one_record() {
    let rig = Rig::new().await;
    rig.wallet(0x70, "active").await;
    let operations = privileged();
    let mut told = BTreeSet::new();
    let mut secret = vec!["canary".to_owned(), rig.who.clone()];
    for operation in &operations {
        let sent = rig.prepare(operation).await;
        let key = Uuid::now_v7().to_string();
        let before = rig.records("").await.1;
        let response = rig.send(operation, &key, &sent).await;
        let request = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let (status, text) = (response.status(), response.text().await.unwrap());
        let id = &operation.id;
        assert!(status.is_success(), "{id}: {status} {text}");
        secret.extend(secrets(&serde_json::from_str(&text).unwrap_or_default()));
        assert_eq!(rig.records(&request).await, (1, before + 1), "{id}");
        told.insert((request, operation.action.name()));
        // The same request again does nothing, and says nothing.
        let again = rig.send(operation, &key, &sent).await;
        assert!(!operation.once || again.headers()["idempotent-replayed"] == "true", "{id}");
        let more = i64::from(AGAIN.contains(&id.as_str()));
        assert_eq!(rig.records("").await.1, before + 1 + more, "{id}, again");
    }
    println!("operations with a record: {}", operations.len());
    assert_eq!(operations.len(), 29);
    rig.numbered().await;
    let records = rig.listed("").await;
    assert_eq!(records.len() as i64, rig.records("").await.1);
    let text = |record: &Value, field: &str| record[field].as_str().unwrap().to_owned();
    let listed: BTreeSet<(String, String)> =
        records.iter().map(|one| (text(one, "request_id"), text(one, "action"))).collect();
    assert!(told.is_subset(&listed));
    for record in &records {
        assert_eq!((&record["via"], &record["ip"]), (&json!("key"), &json!("127.0.0.1")));
        assert_eq!(record["roles"], json!(["operator", "admin"]));
        assert!(record["principal_id"].is_string() && record["key_id"].is_string(), "{record}");
        assert!(
            !record["before"].is_null() || !record["after"].is_null() || {
                record["act"] == "tried"
            }
        );
    }
    assert!(secret.len() > 5, "keys and secrets of webhooks were made: {}", secret.len());
    for record in &records {
        let found = secret.iter().find(|one| record.to_string().contains(one.as_str()));
        assert!(found.is_none(), "a secret is in {record}");
    }
}

#[tokio::test]
async fn who_is_refused_something_privileged_leaves_one_record() {
    let rig = Rig::new().await;
    let db = &rig.api.database.db;
    let machine = principal(db).await;
    let key = issue(db, machine, &[Scope::MintsRead]).await;
    let operations = privileged();
    for operation in &operations {
        let path = operation.path.replace("{role}", "admin").replace("{chain_id}", "31337");
        let path = path.replace(['{', '}'], "");
        let ask = |token: Option<&str>| {
            let request = rig.api.request(operation.method.clone(), &path);
            token.iter().fold(request, |request, token| request.bearer_auth(token)).send()
        };
        let before = rig.records("").await.1;
        assert_eq!(ask(None).await.unwrap().status(), 401);
        assert_eq!(rig.records("").await.1, before, "{}: nobody in particular", operation.id);
        let refused = ask(Some(&key)).await.unwrap();
        let request = refused.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert_eq!(refused.status(), 403, "{}", operation.id);
        assert_eq!(rig.records(&request).await, (1, before + 1), "{}", operation.id);
        for _ in 0..3 {
            assert_eq!(ask(Some(&key)).await.unwrap().status(), 403);
        }
        assert_eq!(rig.records("").await.1, before + 1, "{}: once a minute", operation.id);
    }
    // Looking is not doing.
    let before = rig.records("").await.1;
    let looked = rig.api.get_as(&key, "/api/v1/wallets").send().await.unwrap();
    assert_eq!((looked.status().as_u16(), rig.records("").await.1), (403, before));
    rig.numbered().await;
    let records = rig.listed(&format!("&principal_id={machine}")).await;
    assert_eq!(records.len(), operations.len());
    let role = records.iter().find(|one| one["object_id"] == "grant_role").unwrap();
    assert_eq!((&role["act"], &role["object"]), (&json!("refused"), &json!("operation")));
    assert_eq!((&role["action"], &role["roles"]), (&json!("grant_role"), &json!(["machine"])));
    let expected = json!({ "code": "admin_only", "unrecorded_before": 0,
        "path": "/api/v1/principals/id/roles/admin" });
    assert_eq!(role["after"], expected);
    // What a key would give that it has not is refused, too, further in.
    let weak = issue(db, machine, &[Scope::KeysWrite]).await;
    let wanted = json!({ "scopes": ["admin"] });
    let asked = rig.api.post_as(&weak, "/api/v1/api-keys", "k").json(&wanted);
    let refused = asked.send().await.unwrap();
    let request = refused.headers()["x-request-id"].to_str().unwrap().to_owned();
    problem(refused, "create_api_key", "api_key_exceeds").await;
    // Of this operation one was told of the same principal a moment ago.
    assert_eq!(rig.records(&request).await.0, 0);
    let other = issue(db, principal(db).await, &[Scope::KeysWrite]).await;
    let asked = rig.api.post_as(&other, "/api/v1/api-keys", "k").json(&wanted);
    let refused = asked.send().await.unwrap();
    let request = refused.headers()["x-request-id"].to_str().unwrap().to_owned();
    problem(refused, "create_api_key", "api_key_exceeds").await;
    assert_eq!(rig.records(&request).await.0, 1);
}

#[tokio::test]
async fn records_are_found_by_who_may_look() {
    let rig = Rig::new().await;
    rig.wallet(0x70, "active").await;
    let path = rig.wallet(0x71, "active").await;
    for act in ["pause", "resume", "pause"] {
        rig.make(&format!("{path}/{act}"), json!({})).await;
    }
    rig.make("/api/v1/sponsors", json!({ "name": "one" })).await;
    rig.make("/api/v1/transactions", json!({ "to": ALICE, "value": 1 })).await;
    rig.numbered().await;
    let all = rig.listed("").await;
    let acts: Vec<&str> = all.iter().map(|one| one["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["requested", "created", "paused", "resumed", "paused"]);
    assert_eq!(all[2]["before"]["state"], "active");
    assert_eq!(all[2]["after"]["state"], "paused");
    assert_eq!(
        (&all[0]["object"], &all[0]["after"]["value"]),
        (&json!("transaction"), &json!("1"))
    );
    let wallet = all[2]["object_id"].as_str().unwrap();
    let (first, last) = (&all[4]["recorded_at"], &all[0]["recorded_at"]);
    for (filter, count) in [
        ("&action=change_wallet".to_owned(), 3),
        ("&object=sponsor".to_owned(), 1),
        (format!("&object_id={wallet}"), 3),
        (format!("&object_id={wallet}&action=grant_role"), 0),
        (format!("&principal_id={}", all[0]["principal_id"].as_str().unwrap()), 5),
        (format!("&principal_id={}", Uuid::now_v7()), 0),
        ("&from=2020-01-01T00:00:00Z".to_owned(), 5),
        ("&from=2120-01-01T00:00:00Z".to_owned(), 0),
        ("&to=2020-01-01T00:00:00Z".to_owned(), 0),
        (format!("&to={}", first.as_str().unwrap()), 0),
        (format!("&from={}", first.as_str().unwrap()), 5),
    ] {
        assert_eq!(rig.listed(&filter).await.len(), count, "{filter}");
    }
    assert!(last.as_str() >= first.as_str());
    // A page goes on where it ended, whatever was done since.
    let page = rig.api.get_as(&rig.who, &format!("{AUDIT}?limit=2")).send().await.unwrap();
    let page = body(page, 200).await;
    rig.make("/api/v1/sponsors", json!({ "name": "two" })).await;
    rig.numbered().await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = rig.api.get_as(&rig.who, &format!("{AUDIT}?limit=2&cursor={cursor}"));
    assert_eq!(body(next.send().await.unwrap(), 200).await["items"], json!(all[2..4]));
    let ask = async |who: &str, query: &str| {
        rig.api.get_as(who, &format!("{AUDIT}?{query}")).send().await.unwrap()
    };
    for (query, code) in [
        ("from=yesterday", "query_invalid"),
        ("to=1", "query_invalid"),
        ("color=red", "query_invalid"),
        ("limit=0", "query_invalid"),
        ("principal_id=me", "query_invalid"),
        ("object=%00", "query_invalid"),
        (&format!("object=wallet&cursor={cursor}"), "cursor_invalid"),
        ("cursor=x", "cursor_invalid"),
    ] {
        problem(ask(&rig.who, query).await, "list_audit_records", code).await;
    }
    let db = &rig.api.database.db;
    let reader = operator(db, &[Scope::AuditRead]).await;
    assert_eq!(ask(&reader, "").await.status(), 200);
    let other = operator(db, &[Scope::TransactionsRead]).await;
    problem(ask(&other, "").await, "list_audit_records", "scope_missing").await;
    let machine = issue(db, principal(db).await, &[Scope::AuditRead]).await;
    problem(ask(&machine, "").await, "list_audit_records", "operator_only").await;
}

use crate::{
    harness::{ALICE, Api, BOB, body, problem},
    transactions::{rig, send},
};
use reqwest::Response;
use serde_json::{Value, json};
use uuid::Uuid;

async fn queued(api: &Api, who: &str, key: &str, request: Value) -> String {
    let job = body(send(api, who, key, &request).await, 202).await;
    format!("/api/v1/transactions/{}", job["id"].as_str().unwrap())
}

async fn change(api: &Api, who: &str, path: &str, request: Value) -> Response {
    let key = Uuid::now_v7().to_string();
    api.post_as(who, path, &key).json(&request).send().await.unwrap()
}

/// Put a job into a state as the engine would leave it.
pub async fn set_status(api: &Api, path: &str, status: &str) {
    let id: Uuid = path.rsplit('/').next().unwrap().parse().unwrap();
    let done = sqlx::query(
        "update transactions set status = $2,
                block_number = case when $2 = 'final' then 1 end,
                block_hash = case when $2 = 'final' then decode(repeat('ab', 32), 'hex') end
          where id = $1",
    )
    .bind(id)
    .bind(status)
    .execute(&api.database.db)
    .await
    .unwrap();
    assert_eq!(done.rows_affected(), 1);
}

#[tokio::test]
async fn a_queued_transaction_is_cancelled_once() {
    let (api, who) = rig().await;
    let path = queued(&api, &who, "a", json!({ "to": ALICE, "value": 1 })).await;
    let cancel = format!("{path}/cancel");
    let ask = |key: &'static str| api.post_as(&who, &cancel, key).json(&json!({})).send();
    let answer = body(ask("c").await.unwrap(), 202).await;
    assert_eq!(answer["status"], "cancelled");
    let again = ask("c").await.unwrap();
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    let refused = problem(ask("d").await.unwrap(), "cancel_transaction", "illegal_transition");
    assert!(refused.await["detail"].as_str().unwrap().contains("cancelled"));
}

#[tokio::test]
async fn what_the_status_does_not_allow_is_a_conflict() {
    let (api, who) = rig().await;
    let path = queued(&api, &who, "a", json!({ "to": ALICE, "value": 1 })).await;
    let other = json!({ "to": BOB, "value": 1 });
    let faster = json!({ "urgency": "urgent" });
    let cases = [
        ("queued", "redrive", json!({}), "illegal_transition"),
        ("final", "cancel", json!({}), "illegal_transition"),
        ("final", "speed-up", faster.clone(), "illegal_transition"),
        ("final", "replace", other.clone(), "illegal_transition"),
        ("final", "redrive", json!({}), "illegal_transition"),
        ("cancelled", "cancel", json!({}), "illegal_transition"),
        ("cancelled", "redrive", json!({}), "illegal_transition"),
        ("failed", "speed-up", faster, "illegal_transition"),
        ("queued", "speed-up", json!({}), "transaction_invalid"),
        ("queued", "speed-up", json!({ "fee_cap": "x" }), "transaction_invalid"),
        ("queued", "replace", json!({ "to": BOB, "role": "treasurer" }), "transaction_invalid"),
        ("queued", "replace", json!({}), "transaction_invalid"),
        ("failed", "redrive", json!({ "deadline": "soon" }), "transaction_invalid"),
    ];
    for (status, act, request, code) in cases {
        set_status(&api, &path, status).await;
        let refused = change(&api, &who, &format!("{path}/{act}"), request.clone()).await;
        let operation = format!("{}_transaction", act.replace('-', "_"));
        let told = problem(refused, &operation, code).await;
        if code == "illegal_transition" {
            assert!(told["detail"].as_str().unwrap().contains(status), "{act}: {told}");
        }
        let now = body(api.get_as(&who, &path).send().await.unwrap(), 200).await;
        assert_eq!(now["status"], status, "nothing was changed by {act}");
    }
    for act in ["cancel", "speed-up", "replace", "redrive"] {
        let nowhere = "/api/v1/transactions/01932c5e-7f3a-7000-8000-000000000000";
        let request = match act {
            "speed-up" => json!({ "urgency": "low" }),
            "replace" => other.clone(),
            _ => json!({}),
        };
        let refused = change(&api, &who, &format!("{nowhere}/{act}"), request).await;
        let operation = format!("{}_transaction", act.replace('-', "_"));
        problem(refused, &operation, "transaction_unknown").await;
    }
}

#[tokio::test]
async fn transactions_are_hurried_driven_again_and_replaced() {
    let (api, who) = rig().await;
    let request = json!({ "to": ALICE, "value": 1, "ordering_key": "k" });
    let path = queued(&api, &who, "a", request).await;
    let faster = json!({ "urgency": "urgent", "fee_cap": "900000000000" });
    let faster = body(change(&api, &who, &format!("{path}/speed-up"), faster).await, 202).await;
    assert_eq!(
        (&faster["urgency"], &faster["fee_cap"]),
        (&json!("urgent"), &json!("900000000000"))
    );
    set_status(&api, &path, "failed").await;
    let again = body(change(&api, &who, &format!("{path}/redrive"), json!({})).await, 202).await;
    assert_eq!((&again["status"], &again["redrives"]), (&json!("queued"), &json!(1)));

    let other = json!({ "to": BOB, "value": 2 });
    let next = change(&api, &who, &format!("{path}/replace"), other.clone()).await;
    let place = next.headers()["location"].to_str().unwrap().to_owned();
    let next = body(next, 202).await;
    assert_eq!((&next["to"], &next["ordering_key"]), (&json!(BOB), &json!("k")));
    assert_eq!(format!("/api/v1/transactions/{}", next["replaces"].as_str().unwrap()), path);
    assert_ne!(place, path);
    let old = body(api.get_as(&who, &path).send().await.unwrap(), 200).await;
    assert_eq!(old["status"], "cancelled");
    let twice = change(&api, &who, &format!("{path}/replace"), other).await;
    problem(twice, "replace_transaction", "illegal_transition").await;
}

#[tokio::test]
async fn what_a_product_waits_for_is_not_stopped_here() {
    let (api, who) = rig().await;
    let path = queued(&api, &who, "a", json!({ "to": ALICE, "value": 1 })).await;
    for kind in ["mint_batch", "create_collection", "deploy_contract"] {
        sqlx::query("update transactions set kind = $1")
            .bind(kind)
            .execute(&api.database.db)
            .await
            .unwrap();
        for (act, request) in
            [("cancel", json!({})), ("redrive", json!({})), ("replace", json!({ "to": BOB }))]
        {
            let refused = change(&api, &who, &format!("{path}/{act}"), request).await;
            let operation = format!("{act}_transaction");
            let told = problem(refused, &operation, "transaction_owned").await;
            assert!(told["detail"].as_str().unwrap().contains(kind), "{told}");
        }
        // Paying more harms nobody.
        let faster = json!({ "urgency": "high" });
        let faster = change(&api, &who, &format!("{path}/speed-up"), faster).await;
        assert_eq!(body(faster, 202).await["urgency"], "high");
    }
}

/// Put a job into the state of one for which the signer wants this operator's consent.
pub async fn want_approval(api: &Api, path: &str, act: &str, operator: &str) {
    let id: Uuid = path.rsplit('/').next().unwrap().parse().unwrap();
    let request = json!({
        "act": act, "operators": [operator], "needed": 1, "expires_max_s": 3600,
        "role": "operator", "policy": format!("0x{}", "05".repeat(32)), "refused": [],
    });
    sqlx::query(
        "update transactions set approval_request = $2, approval_wanted_at = now(),
                wallet = decode(repeat('07', 20), 'hex') where id = $1",
    )
    .bind(id)
    .bind(request)
    .execute(&api.database.db)
    .await
    .unwrap();
}

/// An operator's keystore, and consent by it.
pub struct Operator(tempfile::TempDir);

impl Operator {
    pub fn new(byte: u8) -> Self {
        let home = tempfile::tempdir().unwrap();
        let (rng, name) = (&mut rand_core::OsRng, Some("key.json"));
        eth_keystore::encrypt_key(home.path(), rng, [byte; 32], "secret", name).unwrap();
        std::fs::write(home.path().join("password"), "secret").unwrap();
        Self(home)
    }

    /// The operator's address, and the approval as a request's body.
    pub fn approve(&self, act: &str, seconds: u64) -> (String, Value) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let (key, password) = (self.0.path().join("key.json"), self.0.path().join("password"));
        let expires = now.as_secs() + seconds;
        let (by, approval) =
            signer::approve(act.parse().unwrap(), expires, &key, &password).unwrap();
        (by.to_string(), json!(approval))
    }
}

#[tokio::test]
async fn a_transaction_is_approved_by_those_who_may() {
    let (api, who) = rig().await;
    let path = queued(&api, &who, "a", json!({ "to": ALICE, "value": 1 })).await;
    let approvals = format!("{path}/approvals");
    let act = format!("0x{}", "04".repeat(32));
    let (operator, stranger) = (Operator::new(1), Operator::new(2));
    let (address, good) = operator.approve(&act, 600);
    let refused = change(&api, &who, &approvals, good.clone()).await;
    problem(refused, "approve_transaction", "approval_not_wanted").await;

    let other = queued(&api, &who, "b", json!({ "to": ALICE, "value": 2 })).await;
    want_approval(&api, &path, &act, &address).await;
    let listed = async |filter: &str| {
        let path = format!("/api/v1/transactions?{filter}");
        let list = body(api.get_as(&who, &path).send().await.unwrap(), 200).await;
        let ids = list["items"].as_array().unwrap().iter().map(|item| item["id"].clone());
        ids.map(|id| format!("/api/v1/transactions/{}", id.as_str().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(listed("awaiting_approval=true").await, [path.as_str()]);
    assert_eq!(listed("awaiting_approval=true&status=failed").await, Vec::<String>::new());
    assert_eq!(listed("awaiting_approval=false").await, [other]);
    let odd =
        api.get_as(&who, "/api/v1/transactions?awaiting_approval=maybe").send().await.unwrap();
    problem(odd, "list_transactions", "query_invalid").await;
    let shown = body(api.get_as(&who, &path).send().await.unwrap(), 200).await;
    assert_eq!((&shown["status"], &shown["approval"]["act"]), (&json!("queued"), &json!(act)));
    assert_eq!(shown["approval"]["operators"], json!([address]));
    assert!(shown["approval"]["intent"]["kind"]["call"].is_object(), "{shown}");
    let mut torn = good.clone();
    torn["signature"] = json!("0x00");
    let mut odd = good.clone();
    odd["salt"] = json!("salt");
    for (approval, code) in [
        (torn, "approval_invalid"),
        (odd, "approval_invalid"),
        (operator.approve(&format!("0x{}", "06".repeat(32)), 600).1, "approval_invalid"),
        (stranger.approve(&act, 600).1, "approval_not_by_operator"),
        (operator.approve(&act, 0).1, "approval_expired"),
        (operator.approve(&act, 5_000).1, "approval_expired"),
    ] {
        let refused = change(&api, &who, &approvals, approval).await;
        problem(refused, "approve_transaction", code).await;
    }
    let waits = body(api.get_as(&who, &path).send().await.unwrap(), 200).await;
    assert!(waits["approval"]["wanted_at"].is_string(), "nothing was changed: {waits}");
    for _ in 0..2 {
        body(change(&api, &who, &approvals, good.clone()).await, 202).await;
    }
    let shown = body(api.get_as(&who, &path).send().await.unwrap(), 200).await;
    assert_eq!(shown["approval"]["wanted_at"], Value::Null);
    assert_eq!(shown["approval"]["given"].as_array().unwrap().len(), 1, "twice is once");
    assert_eq!(shown["approval"]["given"][0]["operator"], json!(address));
    set_status(&api, &path, "final").await;
    let late = change(&api, &who, &approvals, operator.approve(&act, 600).1).await;
    problem(late, "approve_transaction", "approval_not_wanted").await;
}

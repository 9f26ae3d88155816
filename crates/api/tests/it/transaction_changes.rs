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
async fn set_status(api: &Api, path: &str, status: &str) {
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

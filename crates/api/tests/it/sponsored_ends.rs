//! What becomes of a reservation when receipts are gone, or an end is taken back.

use crate::{
    harness::{CHAIN, OTHER_CHAIN, body},
    sponsored::{Desk, PATH, User, WALLET},
};
use app::{AppError, jobs::outcomes::ProductOutcomes};
use chain::{Endpoint, EndpointOptions};
use db::PgConnection;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::NodeOptions;
use tokio::net::TcpListener;
use transactor::{Moved, Outcomes};
use vocab::{B256, ChainId, JobStatus, TransactionId, U256};

async fn shown(desk: &Desk, taken: &Value) -> Value {
    desk.get(&format!("{PATH}/{}", taken["id"].as_str().unwrap())).await
}

async fn used(desk: &Desk) -> Value {
    desk.adds_up().await;
    desk.sponsor("").await["used"]["total"].clone()
}

async fn taken(desk: &Desk) -> Value {
    let signed = desk.approval(&User::new(8), WALLET).await;
    body(desk.send("a", &signed).await, 202).await
}

#[tokio::test]
async fn a_receipt_that_no_node_keeps_is_not_waited_for_for_ever() {
    let desk = Desk::new().await;
    let app = &desk.api.app;
    let taken = taken(&desk).await;
    let mut receipt = desk.carry(&taken).await;
    receipt["transactionHash"] = json!(B256::repeat_byte(7));
    desk.end(&taken, "final", Some(&receipt)).await;
    let aged = async |hours: i32| {
        let sql = "update transactions set updated_at = now() - make_interval(hours => $1)";
        sqlx::query(sql).bind(hours).execute(&desk.api.database.db).await.unwrap();
    };
    aged(23).await;
    assert_eq!(app.settle_sponsored().await.unwrap(), 0, "it may yet be told");
    assert_eq!(shown(&desk, &taken).await["cost"], Value::Null);
    aged(25).await;
    assert_eq!(app.settle_sponsored().await.unwrap(), 1);
    assert_eq!(app.settle_sponsored().await.unwrap(), 0);
    assert_eq!(shown(&desk, &taken).await["cost"], taken["reserved"], "the most that it can be");
    assert_eq!(used(&desk).await, taken["reserved"]);
    let told: Vec<Value> =
        sqlx::query_scalar("select data from outbox where kind = 'sponsored_cost_unknown'")
            .fetch_all(&desk.api.database.db)
            .await
            .unwrap();
    let expected = json!({ "sponsored_id": taken["id"], "counted": taken["reserved"] });
    assert_eq!(told, [expected]);
}

/// As the transactor says it: in its transaction, and the hook with it.
async fn goes_back(db: &mut PgConnection, taken: &Value) {
    let id: uuid::Uuid = taken["transaction_id"].as_str().unwrap().parse().unwrap();
    sqlx::query("update transactions set status = 'submitted', block_hash = null where id = $1")
        .bind(id)
        .execute(&mut *db)
        .await
        .unwrap();
    let moved = Moved {
        id: TransactionId::from(id),
        kind: app::SPONSORED.to_owned(),
        chain_id: ChainId(CHAIN),
        from: JobStatus::Final,
        to: JobStatus::Submitted,
        reason: None,
        tx_hash: None,
        block: None,
        reverted: false,
    };
    ProductOutcomes.record(db, &[moved]).await.unwrap();
}

#[tokio::test]
async fn an_end_that_is_taken_back_is_reserved_again_and_settled_anew() {
    let desk = Desk::new().await;
    let app = &desk.api.app;
    let taken = taken(&desk).await;
    let receipt = desk.carry(&taken).await;
    desk.end(&taken, "final", Some(&receipt)).await;
    assert_eq!(app.settle_sponsored().await.unwrap(), 1);
    let cost = shown(&desk, &taken).await["cost"].clone();
    assert_eq!(used(&desk).await, cost);

    let mut transaction = desk.api.database.db.begin().await.unwrap();
    goes_back(&mut transaction, &taken).await;
    transaction.commit().await.unwrap();
    assert_eq!(shown(&desk, &taken).await["cost"], Value::Null);
    assert_eq!(used(&desk).await, taken["reserved"]);
    assert_eq!(app.settle_sponsored().await.unwrap(), 0, "it is open");

    desk.end(&taken, "final", Some(&receipt)).await;
    assert_eq!(app.settle_sponsored().await.unwrap(), 1);
    assert_eq!(used(&desk).await, cost, "counted once");
}

/// The settler has read the cost, and before it commits the end is taken back.
#[tokio::test]
async fn an_end_taken_back_while_it_is_settled_is_not_settled() {
    let desk = Desk::new().await;
    let taken = taken(&desk).await;
    let receipt = desk.carry(&taken).await;
    desk.end(&taken, "final", Some(&receipt)).await;
    let mut transaction = desk.api.database.db.begin().await.unwrap();
    goes_back(&mut transaction, &taken).await;
    let app = desk.api.app.clone();
    let settling = tokio::spawn(async move { app.settle_sponsored().await.unwrap() });
    testkit::eventually("the settler waits for the lock", || async {
        let waits: bool = sqlx::query_scalar(
            "select exists (select 1 from pg_stat_activity
              where datname = current_database() and wait_event_type = 'Lock')",
        )
        .fetch_one(&desk.api.database.db)
        .await
        .unwrap();
        waits.then_some(())
    })
    .await;
    transaction.commit().await.unwrap();
    assert_eq!(settling.await.unwrap(), 0);
    assert_eq!(used(&desk).await, taken["reserved"]);
    // Mined again elsewhere: the receipt of the old place is not its cost.
    let mut elsewhere = receipt.clone();
    elsewhere["blockHash"] = json!(B256::repeat_byte(9));
    desk.end(&taken, "final", Some(&elsewhere)).await;
    assert_eq!(desk.api.app.settle_sponsored().await.unwrap(), 0);
    desk.end(&taken, "final", Some(&receipt)).await;
    assert_eq!(desk.api.app.settle_sponsored().await.unwrap(), 1);
    let cost: U256 = used(&desk).await.as_str().unwrap().parse().unwrap();
    assert!(!cost.is_zero());
}

#[tokio::test]
async fn what_is_decided_about_sponsors_is_told() {
    let desk = Desk::new().await;
    let path = format!("/api/v1/sponsors/{}", desk.sponsor);
    let change = async |request: Value, status: u16| {
        let sent = desk.api.request(reqwest::Method::PATCH, &path).bearer_auth(&desk.who);
        body(sent.json(&request).send().await.unwrap(), status).await
    };
    change(json!({ "state": "paused", "day_budget": "5", "rules": [] }), 200).await;
    change(json!({ "gas_max": 1 }), 422).await;
    let told: Vec<(Value, Value)> =
        sqlx::query_as("select attributes, data from outbox where kind = 'decided' order by id")
            .fetch_all(&desk.api.database.db)
            .await
            .unwrap();
    let [(_, made), (about, changed)] = &told[..] else { panic!("{told:#?}") };
    assert_eq!(made["before"], Value::Null);
    assert_eq!(
        (&made["after"]["name"], &made["after"]["gas_max"]),
        (&json!("welcome"), &json!(500_000))
    );
    assert_eq!(made["after"]["rules"][1]["selector"], "0xa22cb465");
    let id = &desk.sponsor;
    let expected = json!({ "object": "sponsor", "object_id": id, "act": "changed",
        "chain_id": CHAIN.to_string() });
    assert_eq!(*about, expected);
    assert_eq!(changed["before"], made["after"]);
    let mut after = made["after"].clone();
    (after["state"], after["day_budget"], after["rules"]) =
        (json!("paused"), json!("5"), json!([]));
    assert_eq!(changed["after"], after);
    for by in ["principal_id", "key_id", "request_id"] {
        assert!(changed[by].is_string(), "{changed}");
    }
}

#[tokio::test]
async fn a_silent_chain_keeps_no_other_from_being_settled() {
    // It takes connections, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let options =
        EndpointOptions { timeout: Duration::from_millis(200), ..EndpointOptions::default() };
    let silent = Endpoint::new(&url, options).unwrap();
    let node = testkit::anvil(NodeOptions::default()).await;
    let endpoint = node.endpoint.clone();
    let desk = Desk::beside(node, endpoint, Some(silent)).await;
    let mut ended = Vec::new();
    for (key, user) in [("there", 1), ("here", 2)] {
        let signed = desk.approval(&User::new(user), WALLET).await;
        let taken = body(desk.send(key, &signed).await, 202).await;
        let receipt = desk.carry(&taken).await;
        desk.end(&taken, "final", Some(&receipt)).await;
        ended.push(taken);
    }
    let there: uuid::Uuid = ended[0]["id"].as_str().unwrap().parse().unwrap();
    sqlx::query("update forward_requests set chain_id = $2 where id = $1")
        .bind(there)
        .bind(i64::try_from(OTHER_CHAIN).unwrap())
        .execute(&desk.api.database.db)
        .await
        .unwrap();
    let trouble = desk.api.app.settle_sponsored().await.unwrap_err();
    assert!(matches!(trouble, AppError::Node(_)), "{trouble:?}");
    assert_ne!(shown(&desk, &ended[1]).await["cost"], Value::Null, "settled all the same");
    assert_eq!(shown(&desk, &ended[0]).await["cost"], Value::Null, "its node was not heard");
    desk.adds_up().await;
}

//! What has a line, and what it says.

use crate::rig::{CHAIN, End, FINAL, PRINCIPAL, Rig, fact, lines, signature};
use journal::NewFact;
use serde_json::json;
use uuid::Uuid;
use vocab::topic;

const TRANSACTION: Uuid = Uuid::from_u128(9);

#[tokio::test]
async fn each_end_on_chain_has_one_line() {
    let rig = Rig::new().await;
    let writer = rig.writer(rig.directory());
    let (id, hash) = rig.end(FINAL).await;
    for status in ["failed", "cancelled", "expired"] {
        rig.end(End { status, mined: true }).await;
        // Never mined, and not at its end: no lines.
        rig.end(End { status, mined: false }).await;
    }
    for status in ["tentative", "auditable"] {
        rig.end(End { status, mined: true }).await;
    }
    let mut back = fact(id, hash, End { status: "submitted", mined: false });
    back.reverting = true;
    back.attributes["previous_status"] = json!("final");
    back.data["tx_hash"] = json!(hash);
    rig.tell(back).await;
    rig.tell(fact(id, hash, FINAL)).await;
    rig.written(6).await;
    writer.stop().await;

    let lines = lines(&rig.directory());
    let told = &lines[0]["entry"]["transaction"];
    for (field, expected) in [
        ("transaction_id", json!(id)),
        ("kind", json!("call")),
        ("status", json!("final")),
        ("principal_id", json!(PRINCIPAL)),
        ("request_id", json!("r-1")),
        ("chain_id", json!(CHAIN)),
        ("role", json!("minter")),
        ("wallet", json!(format!("0x{}", "77".repeat(20)))),
        ("nonce", json!(0)),
        ("tx_hash", json!(hash)),
        ("block_number", json!(9)),
        ("block_hash", json!(format!("0x{}", "09".repeat(32)))),
        ("void", json!(false)),
        ("signature", json!({ "r": signature().r(), "s": signature().s(), "y_parity": 1 })),
    ] {
        assert_eq!(told[field], expected, "{field}");
    }
    let statuses: Vec<_> = lines[1..4]
        .iter()
        .map(|line| {
            (
                line["entry"]["transaction"]["status"].clone(),
                line["entry"]["transaction"]["reason"].clone(),
            )
        })
        .collect();
    let reverted = json!("reverted");
    let expected = ["failed", "cancelled", "expired"].map(|s| (json!(s), reverted.clone()));
    assert_eq!(statuses, expected);
    assert_eq!(lines[4]["entry"]["taken_back"]["tx_hash"], json!(hash));
    assert_eq!(lines[4]["entry"]["taken_back"]["block_hash"], json!(null));
    assert_eq!(lines[5]["entry"]["transaction"]["transaction_id"], json!(id));
}

#[tokio::test]
async fn each_decision_has_one_line_in_its_place() {
    let rig = Rig::new().await;
    let writer = rig.writer(rig.directory());
    rig.end(FINAL).await;
    let decided = |id: &str| NewFact {
        topic: topic::TRANSACTIONS,
        kind: db::audit_logs::DECIDED,
        reverting: false,
        attributes: json!({ "object": "sponsor", "object_id": id, "act": "changed" }),
        chain_id: None,
        block: None,
        data: json!({ "principal_id": PRINCIPAL, "key_id": "k", "request_id": "r",
            "before": { "b": 1, "a": 2 }, "after": null }),
    };
    rig.tell(decided("one")).await;
    rig.end(FINAL).await;
    rig.tell(decided("two")).await;
    rig.tell(asked()).await;
    rig.written(5).await;
    writer.stop().await;
    let written = lines(&rig.directory());
    let told = &written[1]["entry"]["decision"];
    let expected = json!({ "fact": 2, "principal_id": PRINCIPAL, "key_id": "k", "request_id": "r",
        "chain_id": null, "act": "changed", "object": "sponsor", "object_id": "one",
        "before": { "a": 2, "b": 1 }, "after": null });
    assert_eq!(*told, expected);
    assert!(written[2]["entry"]["transaction"].is_object());
    assert_eq!(written[3]["entry"]["decision"]["object_id"], "two");

    // Who asked for a transaction is told by its own first fact.
    let told = &written[4]["entry"]["decision"];
    let expected = json!({ "fact": 5, "principal_id": PRINCIPAL, "key_id": null, "request_id": "r",
        "chain_id": null, "act": "requested", "object": "transaction", "object_id": TRANSACTION,
        "before": null, "after": { "role": "minter" }, "session_id": "s",
        "by": { "action": "request_transaction", "via": "session" } });
    assert_eq!(*told, expected);

    // The files are lost: the same bytes are written again.
    let file = crate::rig::file_of(&rig.directory());
    let before = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let writer = rig.writer(rig.directory());
    testkit::eventually("the log is there again", || async {
        (std::fs::read(&file).ok()? == before).then_some(())
    })
    .await;
    writer.stop().await;
}

/// As the engine tells that an operator's transaction is queued.
fn asked() -> NewFact {
    NewFact {
        topic: topic::TRANSACTIONS,
        kind: "transaction_status_changed",
        reverting: false,
        attributes: json!({ "object": "transaction", "object_id": TRANSACTION, "act": "requested",
            "transaction_id": TRANSACTION, "status": "queued" }),
        chain_id: None,
        block: None,
        data: json!({ "principal_id": PRINCIPAL, "key_id": null, "session_id": "s",
            "request_id": "r", "status": "queued", "before": null, "after": { "role": "minter" },
            "by": { "action": "request_transaction", "via": "session" } }),
    }
}

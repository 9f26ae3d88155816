use crate::{
    abis::{TREASURY, upload},
    harness::{
        ALICE, Api, BOB, DIGEST, NOWHERE, URI, body, operator, problem, start, start_narrow,
    },
};
use alloy_sol_types::SolCall;
use auth::Scope;
use contracts::StoaCollection;
use futures_util::future::join_all;
use reqwest::Response;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use time::Duration;
use vocab::{Address, ChainId};

const PATH: &str = "/api/v1/transactions";
pub const WALLET: Address = Address::repeat_byte(0x77);

/// An API with an operator's key, and one wallet of the role for calls.
pub async fn rig() -> (Api, String) {
    let api = start().await;
    add_wallet(&api).await;
    let who = operator(&api.database.db, &[Scope::TransactionsWrite]).await;
    (api, who)
}

pub async fn add_wallet(api: &Api) {
    let wallet = db::wallets::Wallet {
        address: WALLET,
        role: "operator".to_owned(),
        in_flight_max: 16,
        draining: false,
        paused_reason: None,
    };
    let mut connection = api.database.db.acquire().await.unwrap();
    db::wallets::record(&mut connection, ChainId(31337), &wallet).await.unwrap();
}

pub async fn send(api: &Api, who: &str, key: &str, request: &Value) -> Response {
    api.post_as(who, PATH, key).json(request).send().await.unwrap()
}

async fn count(api: &Api, who: &str) -> usize {
    let list = body(api.get_as(who, &format!("{PATH}?limit=200")).send().await.unwrap(), 200).await;
    list["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_transfer_is_accepted_and_shown() {
    let (api, who) = rig().await;
    let request = json!({ "to": ALICE, "value": "1" });
    let response = send(&api, &who, "first", &request).await;
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let job = body(response, 202).await;
    assert_eq!(location, format!("{PATH}/{}", job["id"].as_str().unwrap()));
    let mut shown = job.clone();
    shown["id"] = json!("(id)");
    insta::assert_json_snapshot!(shown);

    let detail = body(api.get_as(&who, &location).send().await.unwrap(), 200).await;
    for (field, value) in job.as_object().unwrap() {
        assert_eq!(&detail[field], value, "{field}");
    }
    assert_eq!((&detail["input"], &detail["attempts"]), (&json!("0x"), &json!([])));
    // The sequencer has not run: the fact waits in the outbox.
    let facts = api.get_as(&who, &format!("{location}/facts")).send().await.unwrap();
    assert_eq!(body(facts, 200).await["facts"], json!([]));
    let row =
        sqlx::query_scalar::<_, i64>("select count(*) from outbox where topic = 'transactions'");
    assert_eq!(row.fetch_one(&api.database.db).await.unwrap(), 1);
}

#[tokio::test]
async fn a_call_is_encoded_by_the_abi_of_its_target() {
    let (api, who) = rig().await;
    let to = [ALICE.parse().unwrap(), BOB.parse().unwrap()];
    let expected = StoaCollection::mintBatchCall {
        word: vocab::U256::from(7),
        mask: vocab::U256::from(3),
        recipients: to.to_vec(),
        contents: vec![1, 2].into(),
    };
    let by_name = json!({ "word": 7, "mask": "3", "recipients": [ALICE, BOB.to_lowercase()],
                          "contents": "0x0102" });
    for (key, target) in
        [("a", json!({ "to": DIGEST })), ("b", json!({ "contract": "default_collection" }))]
    {
        let mut request = target;
        request["function"] = json!("mintBatch");
        request["args"] = by_name.clone();
        let job = body(send(&api, &who, key, &request).await, 202).await;
        assert_eq!((&job["kind"], &job["to"]), (&json!("call"), &json!(DIGEST)));
        assert_eq!(job["label"], "mintBatch(uint256,uint256,address[],bytes)");
        let path = format!("{PATH}/{}", job["id"].as_str().unwrap());
        let detail = body(api.get_as(&who, &path).send().await.unwrap(), 200).await;
        let input = format!("0x{}", hex::encode(expected.abi_encode()));
        assert_eq!(detail["input"], input);
        assert_eq!(detail["call"]["contract"], "StoaCollection");
        assert_eq!(detail["call"]["args"]["recipients"], json!([ALICE, BOB]));
    }
    upload(&api, &who).await;
    let request = json!({
        "contract": "Treasury", "function": "payAll", "value": "5",
        "args": [[[ALICE, "1"], { "to": BOB, "amount": 4 }]],
        "compensation": { "to": TREASURY, "function": "pay", "args": [ALICE, 5] },
    });
    let job = body(send(&api, &who, "c", &request).await, 202).await;
    let path = format!("{PATH}/{}", job["id"].as_str().unwrap());
    let detail = body(api.get_as(&who, &path).send().await.unwrap(), 200).await;
    let parts = json!([{ "to": ALICE, "amount": "1" }, { "to": BOB, "amount": "4" }]);
    assert_eq!(detail["call"]["args"], json!({ "parts": parts }));
    assert_eq!(detail["compensation"]["kind"], "compensation");
    assert_eq!(detail["compensation"]["to"].as_str().unwrap(), TREASURY.to_lowercase());
}

#[tokio::test]
async fn bad_requests_name_each_fault() {
    let (api, who) = rig().await;
    upload(&api, &who).await;
    let pay = |args: Value| json!({ "contract": "Treasury", "function": "pay", "args": args });
    let with = |field: &str, value: Value| {
        let mut request = json!({ "to": ALICE, "value": 1 });
        request[field] = value;
        request
    };
    let invalid = "transaction_invalid";
    let cases: Vec<(Value, &str, &str)> = vec![
        (json!({}), invalid, "/to"),
        (json!({ "value": 1 }), invalid, "/to"),
        (with("to", json!("vitalik")), invalid, "/to"),
        (with("to", json!(ALICE.replace('C', "c"))), invalid, "/to"),
        (with("contract", json!("Treasury")), invalid, "/contract"),
        (json!({ "contract": "Treasury" }), invalid, "/function"),
        (with("args", json!([])), invalid, "/args"),
        (with("value", json!("0x1")), invalid, "/value"),
        (with("value", json!(-1)), invalid, "/value"),
        (with("value", json!("9".repeat(78))), invalid, "/value"),
        (with("gas_limit", json!(20_999)), invalid, "/gas_limit"),
        (with("gas_limit", json!(1u64 << 25)), invalid, "/gas_limit"),
        (with("fee_cap", json!("1 gwei")), invalid, "/fee_cap"),
        (with("not_before", json!("tomorrow")), invalid, "/not_before"),
        (with("not_before", json!("2099-01-01T00:00:00Z")), invalid, "/not_before"),
        (with("deadline", json!("2020-01-01T00:00:00Z")), invalid, "/deadline"),
        (with("priority", json!(1_001)), invalid, "/priority"),
        (with("ordering_key", json!("")), invalid, "/ordering_key"),
        (with("ordering_key", json!("a\nb")), invalid, "/ordering_key"),
        (with("on_failure", json!("free")), invalid, "/on_failure"),
        (with("role", json!("minter")), invalid, "/role"),
        (with("compensation", json!({})), invalid, "/compensation/to"),
        (
            with("compensation", json!({ "to": BOB, "gas_limit": 1 })),
            invalid,
            "/compensation/gas_limit",
        ),
        (with("wallet", json!(ALICE)), "wallet_unknown", ""),
        (with("wallet", json!("x")), "address_invalid", "/wallet"),
        (with("chain_id", json!(1)), "chain_unknown", ""),
        (with("urgency", json!("asap")), "body_invalid", "/urgency"),
        (with("gas", json!(1)), "body_invalid", "/gas"),
        (with("function", json!("pay")), "abi_unknown", ""),
        (json!({ "contract": "Bank", "function": "pay" }), "contract_unknown", ""),
        (json!({ "to": TREASURY, "function": "steal" }), "function_unknown", "/function"),
        (json!({ "to": DIGEST, "function": "safeTransferFrom" }), "function_unknown", "/function"),
        (pay(json!([ALICE])), "arguments_invalid", "/args"),
        (pay(json!([ALICE, "-1"])), "arguments_invalid", "/args/1"),
        (pay(json!([ALICE, 1.5])), "arguments_invalid", "/args/1"),
        (pay(json!({ "to": ALICE })), "arguments_invalid", "/args/amount"),
        (pay(json!({ "to": ALICE, "amount": 1, "tip": 1 })), "arguments_invalid", "/args/tip"),
        (
            json!({ "to": TREASURY, "function": "pay", "args": [ALICE, 1], "value": 1 }),
            invalid,
            "/value",
        ),
        (
            json!({ "to": TREASURY, "function": "payAll", "args": [[[ALICE, "x"]]] }),
            "arguments_invalid",
            "/args/0/0/1",
        ),
        (
            with(
                "compensation",
                json!({ "contract": "Treasury", "function": "pay", "args": [1, 1] }),
            ),
            "arguments_invalid",
            "/compensation/args/0",
        ),
    ];
    for (i, (request, code, pointer)) in cases.iter().enumerate() {
        let told = problem(
            send(&api, &who, &format!("bad-{i}"), request).await,
            "request_transaction",
            code,
        );
        let told = told.await;
        if !pointer.is_empty() {
            assert_eq!(told["errors"][0]["pointer"], *pointer, "{request}: {told}");
        }
    }
    assert_eq!(count(&api, &who).await, 0, "a refused request leaves no job");
}

#[tokio::test]
async fn fifty_at_once_make_one_job_and_the_key_holds_for_ever() {
    let (api, who) = rig().await;
    let request = json!({ "to": ALICE, "value": "1", "deadline": "2026-11-20T13:00:00Z" });
    let answers = join_all((0..50).map(|_| send(&api, &who, "same", &request))).await;
    let mut ids = BTreeSet::new();
    for answer in answers {
        if answer.status() == 202 {
            ids.insert(body(answer, 202).await["id"].to_string());
        } else {
            problem(answer, "request_transaction", "idempotency_in_progress").await;
        }
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(count(&api, &who).await, 1);
    let other = json!({ "to": BOB, "value": "1" });
    let refused = send(&api, &who, "same", &other).await;
    problem(refused, "request_transaction", "idempotency_key_reused").await;
    // A key belongs to one request, of whatever kind.
    let minter = operator(&api.database.db, &Scope::ALL).await;
    let mint = json!({ "to": ALICE, "uri": URI });
    let mint = api.post_as(&minter, "/api/v1/mints", "minted").json(&mint).send().await.unwrap();
    body(mint, 202).await;
    let refused = send(&api, &minter, "minted", &other).await;
    problem(refused, "request_transaction", "idempotency_key_reused").await;
    // By now the deadline has passed and the answer is gone: a retry finds its job all the same.
    for hours in [2, 30] {
        api.clock.advance(Duration::hours(hours));
        let again = send(&api, &who, "same", &request).await;
        assert_eq!(again.headers()["idempotent-replayed"], "true");
        assert!(ids.contains(&body(again, 202).await["id"].to_string()));
    }
    let refused = send(&api, &who, "same", &other).await;
    problem(refused, "request_transaction", "idempotency_key_reused").await;
    let late = send(&api, &who, "another", &request).await;
    problem(late, "request_transaction", "transaction_invalid").await;
    assert_eq!(count(&api, &who).await, 1);
}

#[tokio::test]
async fn a_full_queue_refuses_and_keeps_nothing() {
    let api = start_narrow(2).await;
    let who = operator(&api.database.db, &[Scope::TransactionsWrite]).await;
    let request = json!({ "to": ALICE, "value": "1" });
    for key in ["a", "b"] {
        body(send(&api, &who, key, &request).await, 202).await;
    }
    let full = send(&api, &who, "c", &request).await;
    assert_eq!(full.headers()["retry-after"], "5");
    problem(full, "request_transaction", "queue_full").await;
    let again = send(&api, &who, "a", &request).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true", "what was accepted stays accepted");
    let elsewhere = json!({ "to": ALICE, "value": "1", "role": "treasurer" });
    body(send(&api, &who, "d", &elsewhere).await, 202).await;
    assert_eq!(count(&api, &who).await, 3);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let (api, who) = rig().await;
    let mut made = Vec::new();
    for i in 0..12 {
        let request = match i % 3 {
            0 => json!({ "to": ALICE, "value": i, "ordering_key": "k" }),
            1 => json!({ "to": ALICE, "value": i, "role": "treasurer" }),
            _ => json!({ "to": DIGEST, "function": "burn", "args": [i], "wallet": WALLET }),
        };
        let job = body(send(&api, &who, &format!("k{i}"), &request).await, 202).await;
        made.push(job["id"].clone());
    }
    made.reverse();
    let (mut path, mut seen) = (format!("{PATH}?limit=5"), Vec::new());
    loop {
        let page = body(api.get_as(&who, &path).send().await.unwrap(), 200).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|job| job["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{PATH}?limit=5&cursor={cursor}");
    }
    assert_eq!(seen, made);
    let queries = [
        ("kind=transfer", 8),
        ("kind=call", 4),
        ("role=treasurer", 4),
        ("ordering_key=k", 4),
        ("status=queued&chain_id=31337", 12),
        ("status=final", 0),
        ("wallet=0x7777777777777777777777777777777777777777", 4),
        ("since=2020-01-01T00:00:00Z", 12),
        ("since=2199-01-01T00:00:00Z", 0),
    ];
    for (query, expected) in queries {
        let page = api.get_as(&who, &format!("{PATH}?{query}")).send().await.unwrap();
        let page = body(page, 200).await;
        assert_eq!(page["items"].as_array().unwrap().len(), expected, "{query}");
    }
    let bad = [
        ("status=done", "status_unknown"),
        ("wallet=me", "address_invalid"),
        ("chain_id=1", "chain_unknown"),
        ("since=yesterday", "transaction_invalid"),
        ("limit=0", "query_invalid"),
        ("cursor=x", "cursor_invalid"),
        ("offset=1", "query_invalid"),
    ];
    for (query, code) in bad {
        let refused = api.get_as(&who, &format!("{PATH}?{query}")).send().await.unwrap();
        problem(refused, "list_transactions", code).await;
    }
    let nowhere = format!("{PATH}/01932c5e-7f3a-7000-8000-000000000000");
    let absent = api.get_as(&who, &nowhere).send().await.unwrap();
    problem(absent, "get_transaction", "transaction_unknown").await;
    let absent = api.get_as(&who, &format!("{nowhere}/facts")).send().await.unwrap();
    problem(absent, "list_transaction_facts", "transaction_unknown").await;
    let odd = api.get_as(&who, &format!("{PATH}/17")).send().await.unwrap();
    problem(odd, "get_transaction", "path_invalid").await;
}

/// Every operation of operators, by keys that must not reach it.
#[tokio::test]
async fn only_operators_with_the_scope_get_in() {
    let (api, writer) = rig().await;
    let db = &api.database.db;
    let nobody = crate::harness::principal(db).await;
    let machine = crate::harness::issue(db, nobody, &Scope::ALL).await;
    let reader = operator(db, &[Scope::TransactionsRead]).await;
    let mints = operator(db, &[Scope::MintsWrite, Scope::CollectionsWrite]).await;
    let id = "01932c5e-7f3a-7000-8000-000000000000";
    let wallet = format!("/api/v1/wallets/31337/{NOWHERE}");
    let abi = format!("/api/v1/abis/31337/{NOWHERE}");
    // Path, operation, body of a POST; may a reader, may a writer of transactions?
    let posts = [
        (PATH.to_owned(), "request_transaction", json!({ "to": ALICE }), false, true),
        (format!("{PATH}/quote"), "quote_transaction", json!({}), true, true),
        (format!("{PATH}/{id}/cancel"), "cancel_transaction", json!({}), false, true),
        (format!("{PATH}/{id}/speed-up"), "speed_up_transaction", json!({}), false, true),
        (format!("{PATH}/{id}/replace"), "replace_transaction", json!({}), false, true),
        (format!("{PATH}/{id}/redrive"), "redrive_transaction", json!({}), false, true),
        (
            "/api/v1/abis".to_owned(),
            "store_abi",
            json!({ "address": ALICE, "name": "x", "abi": [] }),
            false,
            true,
        ),
        ("/api/v1/wallets".to_owned(), "create_wallet", json!({ "role": "x" }), false, false),
        (format!("{wallet}/pause"), "pause_wallet", json!({}), false, false),
        (format!("{wallet}/resume"), "resume_wallet", json!({}), false, false),
        (format!("{wallet}/retire"), "retire_wallet", json!({}), false, false),
        (format!("{wallet}/rotate"), "rotate_wallet", json!({}), false, false),
        (format!("{wallet}/drain"), "drain_wallet", json!({ "to": ALICE }), false, false),
    ];
    for (path, operation, request, read, write) in &posts {
        let ask = |who: String| api.post_as(&who, path, "k").json(request).send();
        problem(ask(machine.clone()).await.unwrap(), operation, "operator_only").await;
        problem(ask(mints.clone()).await.unwrap(), operation, "scope_missing").await;
        let anonymous = api.request(reqwest::Method::POST, path).json(request).send();
        problem(anonymous.await.unwrap(), operation, "key_missing").await;
        for (who, may) in [(&reader, read), (&writer, write)] {
            let status = ask(who.clone()).await.unwrap().status();
            assert_eq!(status != 403, *may, "{operation}: {status}");
        }
    }
    let gets = [
        (PATH.to_owned(), "list_transactions"),
        (format!("{PATH}/{id}"), "get_transaction"),
        (format!("{PATH}/{id}/facts"), "list_transaction_facts"),
        ("/api/v1/abis".to_owned(), "list_abis"),
        (abi, "get_abi"),
        ("/api/v1/wallets".to_owned(), "list_wallets"),
        (wallet, "get_wallet"),
    ];
    for (path, operation) in &gets {
        let ask = |who: String| api.get_as(&who, path).send();
        problem(ask(machine.clone()).await.unwrap(), operation, "operator_only").await;
        problem(ask(mints.clone()).await.unwrap(), operation, "scope_missing").await;
        assert_ne!(ask(reader.clone()).await.unwrap().status(), 403, "{operation}");
    }
}

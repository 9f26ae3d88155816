//! What must not be paid for, and by whom.

use crate::{
    harness::{ALICE, body, issue, principal, problem},
    sponsored::{Desk, PATH, User, WALLET, approve},
};
use alloy_sol_types::{SolCall, sol};
use auth::Scope;
use futures_util::future::join_all;
use reqwest::Response;
use serde_json::{Value, json};
use vocab::{Address, Bytes, U256};

sol! {
    function multicall(bytes[] calldata data) external;
    function burn(uint256 tokenId) external;
    function transferFrom(address from, address to, uint256 tokenId) external;
}

const OPERATION: &str = "request_sponsored";

async fn refused(response: Response, code: &str) -> Value {
    problem(response, OPERATION, code).await
}

/// Half of the order of the group, for turning a signature into its twin.
fn order() -> U256 {
    "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141".parse().unwrap()
}

fn malleable(signature: &Value) -> Value {
    let bytes: Bytes = serde_json::from_value(signature.clone()).unwrap();
    let s = order() - U256::from_be_slice(&bytes[32..64]);
    let twin = [&bytes[..32], &s.to_be_bytes::<32>()[..], &[55 - bytes[64]][..]].concat();
    json!(Bytes::from(twin))
}

#[tokio::test]
async fn what_the_user_did_not_sign_is_refused() {
    let desk = Desk::new().await;
    let (user, other) = (User::new(7), User::new(8));
    let signed = desk.approval(&user, WALLET).await;
    let with = |field: &str, value: Value| {
        let mut changed = signed.clone();
        changed[field] = value;
        changed
    };
    let request_with = |field: &str, value: Value| {
        let mut changed = signed.clone();
        changed["request"][field] = value;
        changed
    };
    let bytes: Bytes = serde_json::from_value(signed["signature"].clone()).unwrap();
    let v = |v: u8| json!(Bytes::from([&bytes[..64], &[v][..]].concat()));
    let cases = [
        ("forged", desk.signed(&other, &signed["request"])),
        ("for another forwarder", desk.signed_for(&user, &signed["request"], Address::ZERO)),
        ("malleable", with("signature", malleable(&signed["signature"]))),
        ("v of 0", with("signature", v(bytes[64] - 27))),
        ("v of the other parity", with("signature", v(55 - bytes[64]))),
        ("v of 29", with("signature", v(29))),
        ("short", with("signature", json!(Bytes::copy_from_slice(&bytes[..64])))),
        ("compact", with("signature", json!("0x"))),
        ("zeros", with("signature", json!(Bytes::from_static(&[0; 65])))),
        ("no hexadecimal", with("signature", json!("signed"))),
        ("for another user", request_with("from", json!(ALICE))),
        ("more gas", request_with("gas", json!("400000"))),
        ("another nonce", request_with("nonce", json!("1"))),
        ("another call", request_with("data", json!(Bytes::from(approve(Address::ZERO))))),
    ];
    for (name, request) in cases {
        let said = refused(desk.send("k", &request).await, "signature_invalid").await;
        assert_eq!(said["errors"][0]["pointer"], "/signature", "{name}");
    }
    assert_eq!(desk.sponsor("").await["used"]["total"], "0");
    // The key is still good for the true one.
    body(desk.send("k", &signed).await, 202).await;
}

#[tokio::test]
async fn what_the_sponsor_does_not_pay_for_is_refused() {
    let desk = Desk::new().await;
    let user = User::new(7);
    let good = desk.approval(&user, WALLET).await["request"].clone();
    let now = good["deadline"].as_str().unwrap().parse::<u64>().unwrap() - 3_600;
    let data = |call: Vec<u8>| json!(Bytes::from(call));
    let nested = multicallCall { data: vec![approve(WALLET).into()] }.abi_encode();
    let burn = burnCall { tokenId: U256::ONE }.abi_encode();
    let cases = [
        ("to", json!(ALICE), "call_not_sponsored", "/request/to"),
        ("to", json!(desk.forwarder), "call_not_sponsored", "/request/to"),
        ("data", data(nested), "call_not_sponsored", "/request/data"),
        ("data", data(burn), "call_not_sponsored", "/request/to"),
        ("data", json!("0x"), "forward_request_invalid", "/request/data"),
        ("data", json!("a22cb465"), "forward_request_invalid", "/request/data"),
        ("value", json!("1"), "forward_request_invalid", "/request/value"),
        ("gas", json!("500001"), "forward_request_invalid", "/request/gas"),
        ("gas", json!("0"), "forward_request_invalid", "/request/gas"),
        ("gas", json!("-1"), "forward_request_invalid", "/request/gas"),
        ("nonce", json!("x"), "forward_request_invalid", "/request/nonce"),
        ("deadline", json!(now.to_string()), "forward_request_invalid", "/request/deadline"),
        (
            "deadline",
            json!((now + 100).to_string()),
            "forward_request_invalid",
            "/request/deadline",
        ),
        (
            "deadline",
            json!((now + 90_000).to_string()),
            "forward_request_invalid",
            "/request/deadline",
        ),
        ("deadline", json!("281474976710656"), "forward_request_invalid", "/request/deadline"),
        ("from", json!("0x12"), "forward_request_invalid", "/request/from"),
        ("nonce", json!("1"), "forward_nonce", ""),
        ("nonce", json!("1000000"), "forward_nonce", ""),
    ];
    for (field, value, code, pointer) in cases {
        let mut request = good.clone();
        request[field] = value.clone();
        let sent = match code {
            "forward_nonce" => desk.signed(&user, &request),
            _ => json!({ "sponsor_id": desk.sponsor, "request": request, "signature": "0x" }),
        };
        let said = refused(desk.send("k", &sent).await, code).await;
        match pointer {
            "" => assert!(said["detail"].as_str().unwrap().contains("nonce 0"), "{said}"),
            _ => assert_eq!(said["errors"][0]["pointer"], pointer, "{field} {value}"),
        }
    }
    let mut signed = desk.signed(&user, &good);
    for (field, value, code) in [
        ("chain_id", json!(1), "forward_request_invalid"),
        ("forwarder", json!(ALICE), "forwarder_unknown"),
        ("forwarder", json!("0x"), "address_invalid"),
        ("consent", json!("user_operation"), "not_supported"),
        ("consent", json!("delegated_call"), "not_supported"),
        ("consent", json!("blanket"), "body_invalid"),
    ] {
        signed[field] = value;
        refused(desk.send("k", &signed).await, code).await;
        signed.as_object_mut().unwrap().remove(field);
    }
    assert_eq!(desk.sponsor("").await["used"]["total"], "0");
}

#[tokio::test]
async fn a_request_is_paid_for_once_by_one_sponsor() {
    let desk = Desk::new().await;
    let user = User::new(7);
    let signed = desk.approval(&user, WALLET).await;
    let taken = body(desk.send("one", &signed).await, 202).await;
    refused(desk.send("two", &signed).await, "forward_request_seen").await;
    let other = desk.create("another", json!({})).await;
    let mut replayed = signed.clone();
    replayed["sponsor_id"] = other["id"].clone();
    refused(desk.send("three", &replayed).await, "forward_request_seen").await;
    refused(desk.send("one", &replayed).await, "idempotency_key_reused").await;
    // Nor another request at its nonce, while it may still take effect.
    let mut rival = signed["request"].clone();
    rival["gas"] = json!("333333");
    let said = refused(desk.send("four", &desk.signed(&user, &rival)).await, "forward_nonce").await;
    assert!(said["detail"].as_str().unwrap().ends_with("nonce 1"), "{said}");
    // Nor a gap.
    rival["nonce"] = json!("2");
    refused(desk.send("five", &desk.signed(&user, &rival)).await, "forward_nonce").await;
    // After it failed its nonce is free, but it itself stays spent: its reservation was released.
    desk.end(&taken, "failed", None).await;
    refused(desk.send("six", &signed).await, "forward_request_seen").await;
    rival["nonce"] = json!("0");
    body(desk.send("seven", &desk.signed(&user, &rival)).await, 202).await;
    // The day after, the answer is gone, and the request is still found by its key.
    desk.api.clock.advance(time::Duration::hours(30));
    let again = body(desk.send("one", &signed).await, 202).await;
    assert_eq!((&again["id"], &again["status"]), (&taken["id"], &json!("failed")));
    let untouched = desk.get(&format!("/api/v1/sponsors/{}", other["id"].as_str().unwrap())).await;
    assert_eq!(untouched["used"]["total"], "0");
}

#[tokio::test]
async fn a_target_must_trust_the_forwarder_and_the_call_must_work() {
    let desk = Desk::new().await;
    let user = User::new(7);
    let deaf = Address::repeat_byte(0xde);
    let flat = Address::repeat_byte(0xdf);
    let rules = json!([
        { "target": desk.collection, "function": "0x23b872dd" },
        { "target": deaf, "function": "setApprovalForAll(address,bool)" },
        { "target": flat, "function": "setApprovalForAll(address,bool)" },
        { "target": ALICE, "function": "setApprovalForAll(address,bool)" },
    ]);
    let sponsor = desk.create("odd", json!({ "rules": rules })).await;
    // One answers nothing, one reverts, one (ALICE) has no code.
    desk.node.call("anvil_setCode", json!([deaf, "0x00"])).await;
    desk.node.call("anvil_setCode", json!([flat, "0x60006000fd"])).await;
    let mut request = desk.approval(&user, WALLET).await["request"].clone();
    for target in [json!(deaf), json!(flat), json!(ALICE)] {
        request["to"] = target;
        let mut signed = desk.signed(&user, &request);
        signed["sponsor_id"] = sponsor["id"].clone();
        refused(desk.send("k", &signed).await, "target_untrusting").await;
    }
    let nothing =
        transferFromCall { from: user.address, to: WALLET, tokenId: U256::from(3) }.abi_encode();
    request["to"] = json!(desk.collection);
    request["data"] = json!(Bytes::from(nothing));
    let mut signed = desk.signed(&user, &request);
    signed["sponsor_id"] = sponsor["id"].clone();
    let said = refused(desk.send("k", &signed).await, "call_fails").await;
    assert!(said["detail"].as_str().unwrap().contains("ERC721NonexistentToken"), "{said}");
    assert_eq!(desk.sponsor("").await["used"]["total"], "0");
}

#[tokio::test]
async fn sponsors_are_spent_by_their_owners_only() {
    let desk = Desk::new().await;
    let db = &desk.api.database.db;
    let signed = desk.approval(&User::new(7), WALLET).await;
    let stranger = principal(db).await;
    let key = issue(db, stranger, &[Scope::SponsoredWrite]).await;
    let sent = desk.api.post_as(&key, PATH, "k").json(&signed).send().await.unwrap();
    refused(sent, "sponsor_unknown").await;
    let path = format!("/api/v1/sponsors/{}", desk.sponsor);
    let seen = desk.api.get_as(&key, &path).send().await.unwrap();
    problem(seen, "get_sponsor", "sponsor_unknown").await;
    // A sponsor that is made for them they may spend, and nothing else.
    let theirs = desk.create("theirs", json!({ "owner": stranger.0 })).await;
    let mut signed = signed;
    signed["sponsor_id"] = theirs["id"].clone();
    refused(desk.send("k", &signed).await, "sponsor_unknown").await;
    let sent = desk.api.post_as(&key, PATH, "k").json(&signed).send().await.unwrap();
    body(sent, 202).await;
    let path = format!("/api/v1/sponsors/{}", theirs["id"].as_str().unwrap());
    let change = desk.api.request(reqwest::Method::PATCH, &path).bearer_auth(&key);
    let change = change.json(&json!({ "day_budget": "1" })).send().await.unwrap();
    problem(change, "change_sponsor", "operator_only").await;
    let reader = issue(db, stranger, &[Scope::SponsorsRead]).await;
    let sent = desk.api.post_as(&reader, PATH, "l").json(&signed).send().await.unwrap();
    refused(sent, "scope_missing").await;
}

#[tokio::test]
async fn fifty_at_once_never_spend_more_than_there_is() {
    let desk = Desk::new().await;
    let one = desk.prepare(&User::new(1), &approve(WALLET)).await;
    let cost: U256 = body(one, 200).await["cost_max"].as_str().unwrap().parse().unwrap();
    // Room for seven and a half.
    let budget = cost * U256::from(15) / U256::from(2);
    let sponsor = desk.create("narrow", json!({ "day_budget": budget.to_string() })).await;
    let users: Vec<User> = (1..=50).map(User::new).collect();
    let signed = join_all(users.iter().map(|user| async {
        let mut signed = desk.approval(user, WALLET).await;
        signed["sponsor_id"] = sponsor["id"].clone();
        signed
    }))
    .await;
    let keys: Vec<String> = (0..50).map(|place| place.to_string()).collect();
    let sent = keys.iter().zip(&signed).map(|(key, request)| desk.send(key, request));
    let (mut taken, mut reserved) = (0, U256::ZERO);
    for response in join_all(sent).await {
        if response.status() == 202 {
            taken += 1;
            let reserved_now = body(response, 202).await["reserved"].clone();
            reserved += reserved_now.as_str().unwrap().parse::<U256>().unwrap();
        } else {
            let said = refused(response, "budget_exceeded").await;
            assert_eq!(said["detail"], "the sponsor's budget of today");
        }
    }
    assert!((7..=8).contains(&taken), "{taken} of fifty");
    assert!(reserved <= budget);
    let path = format!("/api/v1/sponsors/{}", sponsor["id"].as_str().unwrap());
    let used = desk.get(&path).await["used"].clone();
    assert_eq!(used["day"], reserved.to_string());
    assert_eq!(used["total"], reserved.to_string());
    let rows: (i64, i64) = sqlx::query_as(
        "select count(*), (select count(*) from transactions where kind = 'sponsored_call')
           from forward_requests",
    )
    .fetch_one(&desk.api.database.db)
    .await
    .unwrap();
    assert_eq!(rows, (taken, taken), "what is refused leaves nothing behind");
}

#[tokio::test]
async fn one_user_at_one_nonce_is_taken_once() {
    let desk = Desk::new().await;
    let user = User::new(7);
    let signed = join_all((1..=20u8).map(|n| desk.approval(&user, Address::repeat_byte(n)))).await;
    let keys: Vec<String> = (0..20).map(|place| place.to_string()).collect();
    let sent = keys.iter().zip(&signed).map(|(key, request)| desk.send(key, request));
    let mut taken = 0;
    for response in join_all(sent).await {
        match response.status().as_u16() {
            202 => taken += 1,
            _ => drop(refused(response, "forward_nonce").await),
        }
    }
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn no_request_is_taken_that_no_wallet_will_send() {
    let desk = Desk::new().await;
    let signed = desk.approval(&User::new(8), WALLET).await;
    sqlx::query("update wallets set state = 'retiring', draining = true")
        .execute(&desk.api.database.db)
        .await
        .unwrap();
    let sent = desk.api.post_as(&desk.who, "/api/v1/sponsored-transactions", "late");
    let sent = sent.json(&signed).send().await.unwrap();
    problem(sent, "request_sponsored", "wallet_state").await;
    let kept: i64 = sqlx::query_scalar(
        "select (select count(*) from forward_requests) + (select count(*) from transactions)",
    )
    .fetch_one(&desk.api.database.db)
    .await
    .unwrap();
    assert_eq!(kept, 0, "and no budget is taken for it");
}

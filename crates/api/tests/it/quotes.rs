use crate::{
    abis::{TREASURY, upload},
    harness::{ALICE, Api, DIGEST, body, operator, problem, start_on},
    transactions::add_wallet,
};
use alloy_sol_types::SolError;
use auth::Scope;
use contracts::StoaCollection;
use serde_json::{Value, json};
use testkit::{NodeOptions, TestNode};

const PATH: &str = "/api/v1/transactions/quote";

/// A node that has the code of a collection at `DIGEST`, and money in the wallet.
async fn rig() -> (Api, String, TestNode) {
    let node = testkit::anvil(NodeOptions::default()).await;
    let api = start_on(&node.anvil.http_url()).await;
    add_wallet(&api).await;
    let who = operator(&api.database.db, &[Scope::TransactionsWrite]).await;
    node.call("anvil_setCode", json!([DIGEST, *contracts::COLLECTION.runtime_code])).await;
    let wallet = crate::transactions::WALLET;
    node.call("anvil_setBalance", json!([wallet, "0xde0b6b3a7640000"])).await;
    (api, who, node)
}

async fn quote(api: &Api, who: &str, request: Value) -> Value {
    // No Idempotency-Key: nothing is made.
    let sent = api.request(reqwest::Method::POST, PATH).bearer_auth(who).json(&request).send();
    body(sent.await.unwrap(), 200).await
}

#[tokio::test]
async fn a_quote_tells_gas_fees_and_the_answer() {
    let (api, who, node) = rig().await;
    let transfer = quote(&api, &who, json!({ "to": ALICE, "value": "1" })).await;
    assert_eq!((&transfer["succeeds"], &transfer["gas_estimate"]), (&json!(true), &json!(21_000)));
    assert_eq!(transfer["gas_limit"], 25_200);
    let max: u128 = transfer["max_fee"].as_str().unwrap().parse().unwrap();
    let base: u128 = transfer["base_fee"].as_str().unwrap().parse().unwrap();
    assert!(max >= base);
    let likely: u128 = transfer["fee_likely"].as_str().unwrap().parse().unwrap();
    assert!((21_000 * base..=25_200 * max).contains(&likely));
    let urgent = json!({ "to": ALICE, "value": "1", "urgency": "urgent" });
    let urgent = quote(&api, &who, urgent).await;
    assert!(urgent["max_fee"].as_str().unwrap().parse::<u128>().unwrap() >= max);
    assert_eq!(transfer["fee_max"], (25_200 * max).to_string());

    let request = json!({ "to": DIGEST, "function": "balanceOf", "args": [ALICE] });
    let read = quote(&api, &who, request).await;
    assert_eq!((&read["succeeds"], &read["returns"]), (&json!(true), &json!(["0"])));
    assert!(read["gas_estimate"].as_u64().unwrap() > 21_000);

    let poor = json!({ "to": ALICE, "value": "9000000000000000000000" });
    let poor = quote(&api, &who, poor).await;
    assert_eq!((&poor["succeeds"], &poor["failure"]["code"]), (&json!(false), &json!("refused")));
    // Nothing was sent or recorded.
    assert_eq!(node.endpoint.transaction_count(crate::transactions::WALLET).await.unwrap(), 0);
    let list = body(api.get_as(&who, "/api/v1/transactions").send().await.unwrap(), 200).await;
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn a_failing_call_is_explained() {
    let (api, who, node) = rig().await;
    let request = json!({ "to": DIGEST, "function": "pause" });
    let told = quote(&api, &who, request).await;
    assert_eq!(told["succeeds"], false);
    let failure = &told["failure"];
    assert_eq!(failure["code"], "AccessControlUnauthorizedAccount");
    assert_eq!(failure["signature"], "AccessControlUnauthorizedAccount(address,bytes32)");
    let wallet = crate::transactions::WALLET.to_checksum(None);
    assert_eq!(failure["args"]["account"], wallet);
    let selector = hex::encode(StoaCollection::AccessControlUnauthorizedAccount::SELECTOR);
    assert!(failure["data"].as_str().unwrap().starts_with(&format!("0x{selector}")));

    // PUSH4 of `Empty(uint256)`, left-aligned by a shift, then 7, then a revert with both.
    upload(&api, &who).await;
    let selector = &hex::encode(vocab::keccak("Empty(uint256)"))[..8];
    let code = format!("0x63{selector}60e01b600052600760045260245ffd");
    node.call("anvil_setCode", json!([TREASURY, code])).await;
    let told = quote(
        &api,
        &who,
        json!({ "contract": "Treasury", "function": "pay",
                                        "args": [ALICE, 1] }),
    )
    .await;
    assert_eq!(told["failure"]["code"], "Empty", "{told}");
    assert_eq!(told["failure"]["args"], json!({ "left": "7" }));
}

#[tokio::test]
async fn a_quote_is_refused_like_a_transaction() {
    let (api, who, node) = rig().await;
    let cases = [
        (json!({}), "transaction_invalid"),
        (json!({ "to": ALICE, "function": "f" }), "abi_unknown"),
        (json!({ "to": DIGEST, "function": "f" }), "function_unknown"),
        (json!({ "to": DIGEST, "function": "burn", "args": ["x"] }), "arguments_invalid"),
        (json!({ "to": ALICE, "wallet": ALICE }), "wallet_unknown"),
        (json!({ "to": ALICE, "role": "treasurer" }), "wallet_unknown"),
        (json!({ "to": ALICE, "chain_id": 1 }), "chain_unknown"),
        (json!({ "to": ALICE, "gas": 1 }), "body_invalid"),
    ];
    for (request, code) in cases {
        let sent = api.request(reqwest::Method::POST, PATH).bearer_auth(&who).json(&request);
        problem(sent.send().await.unwrap(), "quote_transaction", code).await;
    }
    drop(node);
    let sent = api.request(reqwest::Method::POST, PATH).bearer_auth(&who);
    let gone = sent.json(&json!({ "to": ALICE })).send().await.unwrap();
    problem(gone, "quote_transaction", "unavailable").await;
}

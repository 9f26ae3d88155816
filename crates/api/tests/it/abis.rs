use crate::harness::{ALICE, Api, DIGEST, NOWHERE, body, operator, problem, start};
use auth::Scope;
use serde_json::{Value, json};
use vocab::{Address, B256, ChainId};

pub const TREASURY: &str = NOWHERE;

pub fn treasury_abi() -> Value {
    let address = |name: &str| json!({ "name": name, "type": "address" });
    let amount = |name: &str| json!({ "name": name, "type": "uint256" });
    json!([
        { "type": "function", "name": "pay", "stateMutability": "nonpayable",
          "inputs": [address("to"), amount("amount")], "outputs": [] },
        { "type": "function", "name": "payAll", "stateMutability": "payable", "outputs": [],
          "inputs": [{ "name": "parts", "type": "tuple[]",
                       "components": [address("to"), amount("amount")] }] },
        { "type": "error", "name": "Empty", "inputs": [amount("left")] },
    ])
}

pub async fn upload(api: &Api, who: &str) -> Value {
    let request = json!({ "address": TREASURY, "name": "Treasury", "abi": treasury_abi() });
    let sent = api.post_as(who, "/api/v1/abis", "treasury").json(&request).send().await.unwrap();
    body(sent, 201).await
}

#[tokio::test]
async fn an_abi_is_uploaded_listed_and_forgotten() {
    let api = start().await;
    let who = operator(&api.database.db, &[Scope::TransactionsWrite]).await;
    let stored = upload(&api, &who).await;
    assert_eq!(stored["functions"], json!(["pay(address,uint256)", "payAll((address,uint256)[])"]));
    assert_eq!(upload(&api, &who).await, stored, "replayed");
    let path = format!("/api/v1/abis/31337/{TREASURY}");
    let shown = body(api.get_as(&who, &path).send().await.unwrap(), 200).await;
    assert_eq!(shown["abi"], treasury_abi());
    assert_eq!((&shown["name"], &shown["source"]), (&json!("Treasury"), &json!("uploaded")));
    let list = body(api.get_as(&who, "/api/v1/abis").send().await.unwrap(), 200).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);

    let delete = || api.request(reqwest::Method::DELETE, &path).bearer_auth(&who).send();
    assert_eq!(delete().await.unwrap().status(), 204);
    problem(delete().await.unwrap(), "delete_abi", "abi_unknown").await;
    problem(api.get_as(&who, &path).send().await.unwrap(), "get_abi", "abi_unknown").await;
}

#[tokio::test]
async fn contracts_of_ours_are_known_and_can_not_be_taken() {
    let api = start().await;
    let who = operator(&api.database.db, &[Scope::TransactionsWrite]).await;
    let factory = Address::repeat_byte(0xfa);
    let deployment = db::registry::Deployment {
        name: "StoaCollectionFactory".to_owned(),
        version: 1,
        address: factory,
        deploy_block: 1,
        code_hash: B256::ZERO,
    };
    let mut connection = api.database.db.acquire().await.unwrap();
    db::registry::record(&mut connection, ChainId(31337), &deployment).await.unwrap();
    for (address, name) in
        [(factory.to_string(), "StoaCollectionFactory"), (DIGEST.to_owned(), "StoaCollection")]
    {
        let path = format!("/api/v1/abis/31337/{address}");
        let shown = body(api.get_as(&who, &path).send().await.unwrap(), 200).await;
        assert_eq!((&shown["name"], &shown["source"]), (&json!(name), &json!("built_in")));
        assert!(shown["abi"].as_array().unwrap().len() > 1);
        let gone = api.request(reqwest::Method::DELETE, &path).bearer_auth(&who).send();
        problem(gone.await.unwrap(), "delete_abi", "abi_built_in").await;
        let request = json!({ "address": address, "name": "Mine", "abi": treasury_abi() });
        let taken = api.post_as(&who, "/api/v1/abis", "k").json(&request).send().await.unwrap();
        problem(taken, "store_abi", "abi_built_in").await;
    }
    let list = body(api.get_as(&who, "/api/v1/abis?chain_id=31337").send().await.unwrap(), 200);
    assert_eq!(list.await["items"][0]["name"], "StoaCollectionFactory");
}

#[tokio::test]
async fn bad_uploads_are_told_what_is_wrong() {
    let api = start().await;
    let who = operator(&api.database.db, &[Scope::TransactionsWrite]).await;
    upload(&api, &who).await;
    let good = json!({ "address": ALICE, "name": "Other", "abi": treasury_abi() });
    let large: Vec<Value> = (0..3_000)
        .map(|i| json!({ "type": "error", "name": format!("{}{i}", "E".repeat(80)), "inputs": [] }))
        .collect();
    let cases = [
        ("name", json!(""), "abi_invalid", "/name"),
        ("name", json!("no spaces"), "abi_invalid", "/name"),
        ("name", json!("1st"), "abi_invalid", "/name"),
        ("name", json!("x".repeat(65)), "abi_invalid", "/name"),
        ("name", json!("Treasury"), "abi_exists", ""),
        ("name", json!("StoaCollection"), "abi_built_in", ""),
        ("name", json!("default_collection"), "abi_built_in", ""),
        ("address", json!(TREASURY), "abi_exists", ""),
        ("address", json!("me"), "address_invalid", "/address"),
        ("abi", json!({}), "abi_invalid", "/abi"),
        ("abi", json!(large), "abi_invalid", "/abi"),
        ("abi", json!([{ "type": "function", "name": "f" }]), "abi_invalid", "/abi/0"),
        ("chain_id", json!(5), "chain_unknown", ""),
        ("more", json!(1), "body_invalid", "/more"),
    ];
    for (i, (field, value, code, pointer)) in cases.into_iter().enumerate() {
        let mut request = good.clone();
        request[field] = value.clone();
        let sent = api.post_as(&who, "/api/v1/abis", &format!("k{i}")).json(&request).send();
        let told = problem(sent.await.unwrap(), "store_abi", code).await;
        if !pointer.is_empty() {
            assert_eq!(told["errors"][0]["pointer"], pointer, "{field}: {told}");
        }
    }
    let list = body(api.get_as(&who, "/api/v1/abis").send().await.unwrap(), 200).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "a refused upload leaves nothing");
}

#[tokio::test]
async fn pages_hold_every_abi_once() {
    let api = start().await;
    let who = operator(&api.database.db, &[Scope::TransactionsWrite]).await;
    for i in 1..=7u8 {
        let request = json!({ "address": Address::repeat_byte(i), "name": format!("C{i}"),
                              "abi": [] });
        let sent = api.post_as(&who, "/api/v1/abis", &format!("k{i}")).json(&request).send();
        body(sent.await.unwrap(), 201).await;
    }
    let (mut path, mut seen) = ("/api/v1/abis?limit=3".to_owned(), Vec::new());
    loop {
        let page = body(api.get_as(&who, &path).send().await.unwrap(), 200).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|abi| abi["name"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/abis?limit=3&cursor={cursor}");
    }
    assert_eq!(json!(seen), json!(["C1", "C2", "C3", "C4", "C5", "C6", "C7"]));
    let stale = api.get_as(&who, "/api/v1/abis?chain_id=31337&cursor=x").send().await.unwrap();
    problem(stale, "list_abis", "cursor_invalid").await;
}

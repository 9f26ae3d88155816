//! What a server makes of contracts and documents of others, from their upload to its answers.

use crate::server::{Home, Options, Server, fresh_address};
use alloy_primitives::{Bytes, hex, keccak256};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{
    process::{Command, Output, Stdio},
    time::Duration,
};
use testkit::{ACCOUNTS, eventually_within};

const PATIENCE: Duration = Duration::from_secs(60);

/// Creation code of a contract that tells of an event with what it is called with as its data.
fn teller(event: &str) -> Bytes {
    let run = format!("365f5f377f{}365fa100", hex::encode(keccak256(event)));
    assert_eq!(run.len(), 2 * 0x29);
    hex::decode(format!("602980600a5f395ff300{run}")).unwrap().into()
}

async fn sent(server: &Server, call: Value) -> Value {
    let endpoint = server.endpoint();
    let hash: String = endpoint.call("eth_sendTransaction", json!([call])).await.unwrap();
    eventually_within(PATIENCE, "a receipt", || async {
        let receipt = endpoint.call("eth_getTransactionReceipt", json!([hash])).await;
        receipt.ok().filter(|receipt: &Value| !receipt.is_null())
    })
    .await
}

async fn index(home: &Home, words: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
    command.arg("index").args(words).args(["--database-url", &home.database_url()]);
    command.stdin(Stdio::null());
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{said}{}", String::from_utf8_lossy(&stderr));
    said
}

/// Its ABI is uploaded, it is followed by it, and what it tells is found by what it says: earlier
/// logs and later ones, until it is removed.
#[tokio::test]
async fn logs_of_a_contract_are_read_by_the_abi_that_was_uploaded_for_it() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let create = json!({ "from": ACCOUNTS[0], "input": teller("Told(uint256,bool)") });
    let receipt = sent(&server, create).await;
    let contract = receipt["contractAddress"].as_str().unwrap().to_owned();
    let tell = |n: u64, ok: bool| {
        let data = format!("0x{n:064x}{:064x}", u8::from(ok));
        sent(&server, json!({ "from": ACCOUNTS[0], "to": contract, "input": data }))
    };
    tell(7, true).await;
    let input = |name: &str, kind: &str| json!({ "name": name, "type": kind, "indexed": false });
    let inputs = [input("amount", "uint256"), input("ok", "bool")];
    let abi = json!([
        { "type": "event", "name": "Told", "anonymous": false, "inputs": inputs },
        { "type": "function", "name": "tell", "inputs": [], "outputs": [],
          "stateMutability": "nonpayable" },
    ]);
    let body = json!({ "address": contract, "name": "Teller", "abi": abi });
    let (status, answer) = server.post("/abis", None, &body).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    index(&home, &["add", &contract, "--standard", "abi"]).await;
    tell(8, false).await;
    let found = |filter: &'static str| {
        let server = &server;
        async move {
            let (status, page) = server.get(&format!("/logs?event=Told{filter}")).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            let amount = |log: &Value| log["decoded"]["args"]["amount"].clone();
            page["items"].as_array().unwrap().iter().map(amount).collect::<Vec<_>>()
        }
    };
    eventually_within(PATIENCE, "both logs are read", || async {
        (found("").await == [json!("7"), json!("8")]).then_some(())
    })
    .await;
    assert_eq!(found("&argument=ok&value=true").await, [json!("7")]);
    assert_eq!(found("&argument=amount&value=8").await, [json!("8")]);
    assert!(found("&argument=amount&value=9").await.is_empty());

    index(&home, &["remove", &contract]).await;
    tell(9, true).await;
    let (status, problem) = server.get(&format!("/logs?address={contract}")).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
    assert_eq!(problem["code"], "contract_not_followed", "{problem}");
    index(&home, &["add", &contract, "--standard", "abi"]).await;
    eventually_within(PATIENCE, "the third log is read, too", || async {
        (found("").await.len() == 3).then_some(())
    })
    .await;
    assert_eq!(server.stop(), Some(0));
}

/// The document that was stored with a mint is read by the metadata role once the item is indexed.
#[tokio::test]
async fn the_document_of_a_minted_item_is_resolved() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let name = "a picture";
    let id = server.mint(name, &fresh_address()).await;
    let mint = server.mint_reaches(&id, &["tentative", "auditable", "final"]).await;
    let contract = server.dev["contracts"]["default_collection"].as_str().unwrap().to_owned();
    let token_id = mint["token_id"].as_str().unwrap();
    let path = format!("/items/31337/{contract}/{token_id}/metadata");
    let found = eventually_within(PATIENCE, "the document is resolved", || async {
        let (status, found) = server.get(&path).await;
        (status == StatusCode::OK && found["state"] == "resolved").then_some(found)
    })
    .await;
    assert_eq!(found["name"], name, "{found}");
    let image = "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
    assert_eq!((&found["image"], &found["verified"]), (&json!(image), &json!(true)), "{found}");
    assert_eq!(server.stop(), Some(0));
}

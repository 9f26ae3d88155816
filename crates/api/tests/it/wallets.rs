use crate::{
    harness::{ALICE, Api, NOWHERE, body, operator, problem, start_on},
    transactions::{WALLET, add_wallet, send},
};
use auth::Scope;
use reqwest::Response;
use serde_json::{Value, json};
use testkit::{NodeOptions, TestNode};
use uuid::Uuid;

const POLICY: &str = r#"
version = 1
[roles.operator]
chains = [31337]
keys_max = 2
signatures_per_minute = 1000
gas_limit_max = 16777216
max_fee_per_gas_max = "1000000000000"
value_wei_max = "0"
value_wei_day_max = "0"
"#;

async fn rig() -> (Api, String, TestNode) {
    let node = testkit::anvil(NodeOptions::default()).await;
    let api = start_on(&node.anvil.http_url()).await;
    add_wallet(&api).await;
    let scopes = [Scope::WalletsWrite, Scope::TransactionsWrite];
    let who = operator(&api.database.db, &scopes).await;
    (api, who, node)
}

/// A real signer at the socket where the API looks for one.
pub fn start_signer(api: &Api) {
    let home = api.directory.path().join("signer");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join("policy.toml"), POLICY).unwrap();
    signer::ensure_password_file(&home.join("password")).unwrap();
    let config = signer::Config {
        // Hardening is for a process of its own.
        harden: false,
        ..signer::Config::new(
            api.directory.path().join("run/signer.sock"),
            home.join("keys"),
            home.join("password"),
            home.join("policy.toml"),
            home.join("signed.redb"),
        )
    };
    let stop = api.stop.clone();
    tokio::spawn(signer::serve(config, async move { stop.cancelled().await }));
}

fn place(address: &str) -> String {
    format!("/api/v1/wallets/31337/{address}")
}

async fn post(api: &Api, who: &str, path: &str, request: Value) -> Response {
    let key = Uuid::now_v7().to_string();
    api.post_as(who, path, &key).json(&request).send().await.unwrap()
}

async fn wallet(api: &Api, who: &str, address: &str) -> Value {
    body(api.get_as(who, &place(address)).send().await.unwrap(), 200).await
}

#[tokio::test]
async fn wallets_are_shown_with_what_chain_and_ledger_say() {
    let (api, who, node) = rig().await;
    let address = WALLET.to_checksum(None);
    node.call("anvil_setBalance", json!([WALLET, "0x64"])).await;
    node.call("anvil_setNonce", json!([WALLET, "0x5"])).await;
    let shown = wallet(&api, &who, &address).await;
    let expected = json!({
        "chain_id": 31337, "address": address, "role": "operator", "key_index": null,
        "state": "active", "balance": "100", "chain_nonce": 5, "next_nonce": 5, "in_flight": 0,
        "in_flight_max": 16, "open": 0, "lane": null, "paused_reason": null, "paused_at": null,
    });
    assert_eq!(shown, expected);
    let list = body(api.get_as(&who, "/api/v1/wallets?role=operator").send().await.unwrap(), 200);
    assert_eq!(list.await["items"], json!([expected]));
    let none = body(api.get_as(&who, "/api/v1/wallets?role=minter").send().await.unwrap(), 200);
    assert_eq!(none.await["items"], json!([]));
    for (path, operation, code) in [
        (place(ALICE), "get_wallet", "wallet_unknown"),
        (place("x"), "get_wallet", "address_invalid"),
        (format!("/api/v1/wallets/1/{ALICE}"), "get_wallet", "chain_unknown"),
        ("/api/v1/wallets?chain_id=1".to_owned(), "list_wallets", "chain_unknown"),
        ("/api/v1/wallets?color=red".to_owned(), "list_wallets", "query_invalid"),
    ] {
        problem(api.get_as(&who, &path).send().await.unwrap(), operation, code).await;
    }
    // An operator looks here most of all when the node is down.
    drop(node);
    let shown = wallet(&api, &who, &address).await;
    assert_eq!((&shown["balance"], &shown["state"]), (&Value::Null, &json!("active")));
}

#[tokio::test]
async fn a_wallet_is_paused_resumed_and_retired() {
    let (api, who, _node) = rig().await;
    let address = WALLET.to_checksum(None);
    let act =
        async |act: &str| post(&api, &who, &format!("{}/{act}", place(&address)), json!({})).await;
    let steps = [
        ("resume", None),
        ("pause", Some("paused")),
        ("pause", None),
        ("resume", Some("active")),
        ("retire", Some("retired")),
        ("resume", None),
        ("pause", None),
        ("retire", None),
        ("rotate", None),
    ];
    for (what, state) in steps {
        let answer = act(what).await;
        match state {
            Some(state) => assert_eq!(body(answer, 202).await["state"], state, "{what}"),
            None => {
                problem(answer, &format!("{what}_wallet"), "wallet_state").await;
            }
        }
    }
    let draining: bool = sqlx::query_scalar("select draining from wallets")
        .fetch_one(&api.database.db)
        .await
        .unwrap();
    assert!(draining, "its lane takes no more");
    let unknown = post(&api, &who, &format!("{}/pause", place(NOWHERE)), json!({})).await;
    problem(unknown, "pause_wallet", "wallet_unknown").await;
}

#[tokio::test]
async fn nothing_new_names_a_retired_wallet() {
    let (api, who, _node) = rig().await;
    let address = WALLET.to_checksum(None);
    let named = json!({ "to": ALICE, "value": "1", "wallet": address });
    let before = send(&api, &who, "before", &named).await;
    let old = body(before, 202).await["id"].as_str().unwrap().to_owned();
    body(post(&api, &who, &format!("{}/pause", place(&address)), json!({})).await, 202).await;
    body(send(&api, &who, "paused", &named).await, 202).await;
    body(post(&api, &who, &format!("{}/retire", place(&address)), json!({})).await, 202).await;
    let refused = send(&api, &who, "after", &named).await;
    problem(refused, "request_transaction", "wallet_state").await;
    let quote = post(&api, &who, "/api/v1/transactions/quote", named.clone()).await;
    problem(quote, "quote_transaction", "wallet_state").await;
    let replace = format!("/api/v1/transactions/{old}/replace");
    problem(post(&api, &who, &replace, named.clone()).await, "replace_transaction", "wallet_state")
        .await;
    // What was accepted before is answered as it was; the refused key is free.
    let again = body(send(&api, &who, "before", &named).await, 202).await;
    assert_eq!(again["id"], json!(old));
    let unnamed = json!({ "to": ALICE, "value": "1" });
    body(send(&api, &who, "after", &unnamed).await, 202).await;
    let count: i64 = sqlx::query_scalar("select count(*) from transactions")
        .fetch_one(&api.database.db)
        .await
        .unwrap();
    assert_eq!(count, 3, "nothing of what was refused remains");
}

#[tokio::test]
async fn the_signer_makes_new_keys_within_its_policy() {
    let (api, who, _node) = rig().await;
    let away = post(&api, &who, "/api/v1/wallets", json!({ "role": "operator" })).await;
    problem(away, "create_wallet", "unavailable").await;
    start_signer(&api);
    let create = |key: &'static str| {
        api.post_as(&who, "/api/v1/wallets", key).json(&json!({ "role": "operator" })).send()
    };
    let first = body(create("a").await.unwrap(), 201).await;
    assert_eq!(body(create("a").await.unwrap(), 201).await, first, "replayed, not made twice");
    let address = first["address"].as_str().unwrap().to_owned();
    assert_eq!(wallet(&api, &who, &address).await["key_index"], 0);

    let rotated = post(&api, &who, &format!("{}/rotate", place(&address)), json!({})).await;
    let rotated = body(rotated, 202).await;
    assert_eq!(rotated["old"]["state"], "retired", "it had nothing to finish");
    let next = rotated["new"]["address"].as_str().unwrap();
    assert_eq!(wallet(&api, &who, next).await["key_index"], 1);

    let full = problem(create("b").await.unwrap(), "create_wallet", "signer_refused").await;
    assert!(full["detail"].as_str().unwrap().contains("below 2"), "{full}");
    let role = post(&api, &who, "/api/v1/wallets", json!({ "role": "burglar" })).await;
    problem(role, "create_wallet", "signer_refused").await;
    let list = body(api.get_as(&who, "/api/v1/wallets").send().await.unwrap(), 200).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_wallet_is_drained_when_nothing_of_it_is_open() {
    let (api, who, node) = rig().await;
    let address = WALLET.to_checksum(None);
    let drain = format!("{}/drain", place(&address));
    let to = json!({ "to": ALICE });
    node.call("anvil_setBalance", json!([WALLET, "0x3e8"])).await;
    let poor = problem(post(&api, &who, &drain, to.clone()).await, "drain_wallet", "wallet_state");
    assert!(poor.await["detail"].as_str().unwrap().contains("1000 wei"));
    assert_eq!(wallet(&api, &who, &address).await["state"], "active", "nothing was changed");
    node.call("anvil_setBalance", json!([WALLET, "0xde0b6b3a7640000"])).await;
    for (to, code) in [(address.as_str(), "wallet_state"), ("x", "address_invalid")] {
        let request = json!({ "to": to });
        problem(post(&api, &who, &drain, request).await, "drain_wallet", code).await;
    }
    let waiting = json!({ "to": ALICE, "value": 1, "wallet": address });
    let job = body(send(&api, &who, "w", &waiting).await, 202).await;
    let busy = post(&api, &who, &drain, to.clone()).await;
    problem(busy, "drain_wallet", "wallet_state").await;
    let cancel = format!("/api/v1/transactions/{}/cancel", job["id"].as_str().unwrap());
    body(post(&api, &who, &cancel, json!({})).await, 202).await;

    let sent = body(post(&api, &who, &drain, to).await, 202).await;
    assert_eq!((&sent["kind"], &sent["wallet"]), (&json!("drain"), &json!(address)));
    let value: u128 = sent["value"].as_str().unwrap().parse().unwrap();
    let cap: u128 = sent["fee_cap"].as_str().unwrap().parse().unwrap();
    let gas = u128::from(sent["gas_limit"].as_u64().unwrap());
    assert_eq!(value + cap * gas, 1_000_000_000_000_000_000, "all, less the most it may cost");
    assert_eq!(wallet(&api, &who, &address).await["state"], "paused");
}

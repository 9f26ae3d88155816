//! What the configuration file says of wallets, also of those that are made by request.

use crate::server::{Home, Options, Server, fresh_address};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};
use testkit::eventually_within;
use vocab::{Address, U256};

fn write(home: &Home, text: &str) -> PathBuf {
    std::fs::create_dir_all(home.path()).unwrap();
    let file = home.path().join("stoa.toml");
    std::fs::write(&file, text).unwrap();
    file
}

async fn windows(server: &Server, role: &str) -> Vec<u64> {
    let (_, wallets) = server.get(&format!("/wallets?role={role}")).await;
    let wallets = wallets["items"].as_array().unwrap().clone();
    wallets.iter().map(|wallet| wallet["in_flight_max"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_wallet_made_by_request_has_the_window_of_its_role() {
    let home = Home::new();
    let file = write(
        &home,
        "[roles.operator]\nwallets = 1\nin_flight_max = 3\n[roles.minter]\nin_flight_max = 7\n",
    );
    let options = Options { config: Some(&file), ..Options::default() };
    let server = home.start(&options).await;
    for (role, window) in [("operator", 3), ("minter", 7), ("sponsor", 16)] {
        let (status, made) = server.post("/wallets", None, &json!({ "role": role })).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        assert_eq!(made["in_flight_max"], window, "{role}");
    }
    assert_eq!(server.stop(), Some(0));
    // Another file, another window: also of those that the file does not count.
    write(&home, "[roles.operator]\nwallets = 1\nin_flight_max = 5\n");
    let server = home.start(&options).await;
    assert_eq!(windows(&server, "operator").await, [5, 5]);
    assert_eq!(windows(&server, "minter").await, [16, 16, 16]);
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test]
async fn a_role_is_refilled_from_another_as_the_file_says() {
    let home = Home::new();
    let file = write(
        &home,
        "[roles.minter]\nwallets = 1\ntop_up_from = \"operator\"\n\
         top_up_below_wei = \"1000000000000000000\"\n\
         top_up_amount_wei = \"2000000000000000000\"\n",
    );
    let server = home.start(&Options { config: Some(&file), ..Options::default() }).await;
    let (_, wallets) = server.get("/wallets?role=minter").await;
    let minter: Address = serde_json::from_value(wallets["items"][0]["address"].clone()).unwrap();
    let _: Value =
        server.endpoint().call("anvil_setBalance", json!([minter, "0x0"])).await.unwrap();
    let to = fresh_address();
    let mint = server.mint("poor", &to).await;
    server.mint_reaches(&mint, &["tentative", "auditable", "final"]).await;
    assert_eq!(server.balance_on_chain(&to).await, 1);
    let balance = server.endpoint().balance(minter).await.unwrap();
    let ether = U256::from(1_000_000_000_000_000_000u64);
    assert!(ether < balance && balance < ether * U256::from(2), "{balance}");
    let transfer = eventually_within(Duration::from_secs(60), "it is final", || async {
        let (_, list) = server.get("/transactions?kind=top_up").await;
        let items = list["items"].as_array().unwrap().clone();
        assert!(items.len() <= 1, "one was enough: {list}");
        items.into_iter().find(|item| item["status"] == "final")
    })
    .await;
    assert_eq!(
        (&transfer["role"], &transfer["to"]),
        (&json!("operator"), &json!(minter.to_string()))
    );
    assert_eq!(server.stop(), Some(0));
}

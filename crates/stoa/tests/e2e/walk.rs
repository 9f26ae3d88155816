//! From a picture to an item, and the same server again later.

use crate::server::{Home, Options, descendants, fresh_address, runs};
use reqwest::StatusCode;
use std::{path::Path, process::Command, time::Duration};

/// The README's walk, by the command that it names.
#[tokio::test]
async fn a_picture_becomes_an_item_that_its_owner_holds_on_chain() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let to = fresh_address();
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/picture.jpg");
    let output = tokio::task::spawn_blocking({
        let (data, to) = (home.path(), to.clone());
        move || {
            Command::new(env!("CARGO_BIN_EXE_stoa"))
                .args(["demo", "--to", &to, "--picture"])
                .arg(picture)
                .arg("--data-dir")
                .arg(data)
                .output()
                .unwrap()
        }
    })
    .await
    .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complained}\n{}", server.log_tail());
    for step in ["picture stored", "mint accepted", "on the stream: tentative", "the chain agrees"]
    {
        assert!(said.contains(step), "no `{step}` in:\n{said}");
    }
    assert_eq!(server.balance_on_chain(&to).await, 1);

    let (status, items) = server.get(&format!("/items?owner={to}")).await;
    assert_eq!(status, StatusCode::OK);
    let item = &items["items"][0];
    assert_eq!(item["owner"], to);
    let uri = item["uri"].as_str().unwrap().trim_start_matches("ipfs://").to_owned();
    let content = server.http.get(format!("{}/ipfs/{uri}", server.text("content")));
    let metadata: serde_json::Value = content.send().await.unwrap().json().await.unwrap();
    assert_eq!(metadata["name"], "picture");
    let image = metadata["image"].as_str().unwrap().trim_start_matches("ipfs://").to_owned();
    let url = format!("{}/ipfs/{image}", server.text("content"));
    let picture = server.http.get(url).send().await.unwrap();
    assert_eq!(picture.headers()["content-type"], "image/jpeg");
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test]
async fn a_server_goes_on_with_all_data_after_a_stop_and_after_a_kill() {
    let home = Home::new();
    let to = fresh_address();
    let first = home.start(&Options::default()).await;
    let id = first.mint("before the stop", &to).await;
    first.mint_reaches(&id, &["tentative", "auditable", "final"]).await;
    let key = first.text("operator_api_key");
    let children = descendants(first.child.id());
    assert!(children.len() >= 3, "Postgres, node and signer: {children:?}");
    assert_eq!(first.stop(), Some(0));
    assert!(children.iter().all(|pid| !runs(*pid)), "a child outlived Ctrl-C");

    let second = home.start(&Options::default()).await;
    assert_eq!(second.text("operator_api_key"), key);
    let (_, mint) = second.get(&format!("/mints/{id}")).await;
    assert!(mint["token_id"].is_string(), "{mint}");
    let late = second.mint("before the kill", &to).await;
    let children = descendants(second.child.id());
    second.kill();
    testkit::eventually_within(Duration::from_secs(60), "children end after SIGKILL", || async {
        children.iter().all(|pid| !runs(*pid)).then_some(())
    })
    .await;

    let third = home.start(&Options::default()).await;
    third.mint_reaches(&late, &["tentative", "auditable", "final"]).await;
    assert_eq!(third.balance_on_chain(&to).await, 2);
    assert_eq!(third.stop(), Some(0));
}

#[tokio::test]
async fn a_second_server_on_one_directory_is_refused() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let mut second = home.spawn(&Options::default());
    let status = tokio::task::spawn_blocking(move || second.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(home.log().contains("another server is running"), "{}", home.log());
    assert_eq!(server.stop(), Some(0));
}

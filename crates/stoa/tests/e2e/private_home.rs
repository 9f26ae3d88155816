//! A checkout in root's home, where the user that Postgres runs as can't go.

use crate::server::{Home, Options};
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_a_private_home_keeps_its_data_until_it_is_told_otherwise() {
    let home = Home::private();
    let first = home.start(&Options::default()).await;
    let key = first.text("operator_api_key");
    let mint = first.mint("private", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8").await;
    assert_eq!(first.stop(), Some(0));
    let cluster = home.path().join("postgres").canonicalize().unwrap();

    let again = home.start(&Options::default()).await;
    assert_eq!(again.text("operator_api_key"), key);
    again.mint_reaches(&mint, &["tentative", "auditable", "final"]).await;
    assert_eq!(again.stop(), Some(0));

    let mark = cluster.join("of-the-first");
    fs::write(&mark, "").unwrap();
    let fresh = home.start(&Options { fresh: true, ..Options::default() }).await;
    assert!(!mark.exists(), "it is another cluster");
    assert_eq!(fresh.get(&format!("/mints/{mint}")).await.0, 404);
    assert_eq!(fresh.stop(), Some(0));
    fs::remove_dir_all(&cluster).unwrap();
}

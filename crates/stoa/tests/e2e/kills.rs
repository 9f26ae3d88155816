//! Death at every step of a mint, on a node that lives on: exactly one item each.

use crate::server::{Home, Options, Server, fresh_address, mint_request};
use reqwest::StatusCode;
use serde_json::Value;
use std::time::Duration;
use testkit::{NodeOptions, TestNode};
use transactor::FAILPOINTS;

/// Tests that share the points between them, so that they run side by side.
const PARTS: usize = 3;

#[tokio::test]
async fn one_item_whatever_kills_it_first_part() {
    survive(0).await;
}

#[tokio::test]
async fn one_item_whatever_kills_it_second_part() {
    survive(1).await;
}

#[tokio::test]
async fn one_item_whatever_kills_it_third_part() {
    survive(2).await;
}

/// Kill one server after the other on the same data, each at the next point of our part.
async fn survive(part: usize) {
    assert!(FAILPOINTS.names().len() >= 10);
    let node = testkit::anvil(NodeOptions { block_time: Some(0.2), extra: vec![] }).await;
    let rpc = node.anvil.http_url();
    let home = Home::new();
    let options = Options { rpc: Some(&rpc), ..Options::default() };
    let server = home.start(&options).await;
    settle_collection(&node, &server).await;
    assert_eq!(server.stop(), Some(0), "{}", home.log());
    for point in FAILPOINTS.names().iter().skip(part).step_by(PARTS) {
        let (id, to) = dies_at(&home, options, point).await;
        let server = home.start(&options).await;
        ends_as_one_item(&node, &server, &id, &to).await;
        assert_eq!(server.stop(), Some(0), "{}", home.log());
    }
}

/// Ask for a mint of a server that dies at `point`; ask again, as a client would, of its successor.
async fn dies_at(home: &Home, options: Options<'_>, point: &str) -> (String, String) {
    let mut server = home.start(&Options { failpoint: Some(point), ..options }).await;
    let to = fresh_address();
    let body = mint_request(point, &to);
    // It may die before, while or after it answers: a client can't know.
    let _ = server.try_post("/mints", Some(&to), &body).await;
    let what = format!("the server dies at {point}");
    testkit::eventually_within(Duration::from_secs(60), &what, || {
        let ended = server.child.try_wait().unwrap();
        async move { ended }
    })
    .await;
    drop(server);
    let server = home.start(&options).await;
    let (status, job) = server.post("/mints", Some(&to), &body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{job}");
    server.kill();
    (job["id"].as_str().unwrap().to_owned(), to)
}

async fn ends_as_one_item(node: &TestNode, server: &Server, id: &str, to: &str) {
    server.mint_reaches(id, &["tentative", "auditable", "final"]).await;
    // Deep enough that no transaction of this round is met by the next one's failpoint.
    node.mine(40).await;
    server.mint_reaches(id, &["final"]).await;
    assert_eq!(server.balance_on_chain(to).await, 1, "{}", server.log_tail());
    let (_, items) = server.get(&format!("/items?owner={to}")).await;
    assert_eq!(items["items"].as_array().map(Vec::len), Some(1), "{items}");
    all_is_settled(server).await;
}

/// The index tells of an item as soon as its block is there, while its transaction may still wait
/// for a lane: those of a server that was killed are taken over when their leases end. The next
/// round's failpoint must not meet it.
async fn all_is_settled(server: &Server) {
    testkit::eventually("all transactions have ended", || async {
        let (_, newest) = server.get("/transactions?limit=100").await;
        let ended = ["final", "failed", "expired", "cancelled"];
        let open = |job: &Value| !ended.iter().any(|status| job["status"] == *status);
        (!newest["items"].as_array()?.iter().any(open)).then_some(())
    })
    .await;
}

/// The set-up's transactions are final, so that only the mint passes the failpoints.
async fn settle_collection(node: &TestNode, server: &Server) {
    node.mine(40).await;
    let contract = server.dev["contracts"]["default_collection"].as_str().unwrap();
    testkit::eventually("the collection is final", || async {
        let (_, body) = server.get(&format!("/collections/31337/{contract}")).await;
        (body["status"] == "final").then_some(())
    })
    .await;
    all_is_settled(server).await;
}

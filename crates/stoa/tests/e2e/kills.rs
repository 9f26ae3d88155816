//! SIGKILL at every step of a mint, on a node that lives on: exactly one item each.

use crate::server::{Home, Options, Server, fresh_address, mint_request};
use reqwest::StatusCode;
use std::time::Duration;
use testkit::NodeOptions;

/// One mint with a death at `point`, retried by the client with its key until it is accepted.
async fn survives(point: &str) {
    let node = testkit::anvil(NodeOptions { block_time: Some(0.2), extra: vec![] }).await;
    let rpc = node.anvil.http_url();
    let home = Home::new();
    let options = Options { rpc: Some(&rpc), ..Options::default() };
    // The set-up must not die: the failpoint is armed for the second start only.
    assert_eq!(home.start(&options).await.stop(), Some(0));

    let armed = Options { failpoint: Some(point), ..options };
    let mut server = home.start(&armed).await;
    let to = fresh_address();
    let body = mint_request(point, &to);
    // It may die before, while or after it answers; a client can't know, and asks again later.
    let _ = server.try_post("/mints", Some(point), &body).await;
    let what = format!("the server dies at {point}");
    testkit::eventually_within(Duration::from_secs(60), &what, || {
        let ended = server.child.try_wait().unwrap();
        async move { ended }
    })
    .await;
    drop(server);

    let server = home.start(&options).await;
    let (status, job) = server.post("/mints", Some(point), &body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{job}");
    ends_as_one_item(&server, job["id"].as_str().unwrap(), &to).await;
    assert_eq!(server.stop(), Some(0));
}

async fn ends_as_one_item(server: &Server, id: &str, to: &str) {
    server.mint_reaches(id, &["auditable", "final"]).await;
    assert_eq!(server.balance_on_chain(to).await, 1, "{}", server.log_tail());
    let (_, items) = server.get(&format!("/items?owner={to}")).await;
    assert_eq!(items["data"].as_array().map(Vec::len), Some(1), "{items}");
}

macro_rules! points {
    ($($point:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $point() {
                survives(stringify!($point)).await;
            }
        )*

        /// Every point that the engine has is killed at.
        #[test]
        fn every_point_is_covered() {
            let covered = [$(stringify!($point)),*];
            for point in transactor::FAILPOINTS {
                assert!(covered.contains(&point), "no kill at {point}");
            }
        }
    };
}

include!("points.rs");

//! A server on several endpoints of one chain.

use crate::server::{Home, Options, fresh_address};
use std::{path::PathBuf, time::Duration};
use testkit::{Fault, FaultProxy, NodeOptions, Rule, TestNode, eventually_within};

async fn node() -> TestNode {
    testkit::anvil(NodeOptions { block_time: Some(0.2), extra: vec![] }).await
}

fn write(home: &Home, text: &str) -> PathBuf {
    std::fs::create_dir_all(home.path()).unwrap();
    let file = home.path().join("endpoints.toml");
    std::fs::write(&file, text).unwrap();
    file
}

/// The preferred endpoint falls silent under load; nothing is lost, nothing doubled, and it is used
/// again when it is back.
#[tokio::test(flavor = "multi_thread")]
async fn mints_go_on_while_the_preferred_endpoint_is_silent() {
    let node = node().await;
    let url = node.anvil.http_url();
    let (spare, preferred) = (FaultProxy::start(&url).await, FaultProxy::start(&url).await);
    let home = Home::new();
    let file = write(
        &home,
        &format!(
            "[[endpoints]]\nurl = \"{}\"\n[[endpoints]]\nurl = \"{}/key\"\nweight = 200\n",
            spare.http_url(),
            preferred.http_url(),
        ),
    );
    let options = Options { endpoints: Some(&file), ..Options::default() };
    let server = home.start(&options).await;
    let to = fresh_address();
    let first = server.mint("before", &to).await;
    server.mint_reaches(&first, &["tentative", "auditable", "final"]).await;
    preferred.add(Rule::new(Fault::Swallow));
    for n in 0..10 {
        let id = server.mint(&format!("silent-{n}"), &to).await;
        server.mint_reaches(&id, &["tentative", "auditable", "final"]).await;
    }
    preferred.heal();
    let asked = preferred.count("eth_getTransactionCount");
    eventually_within(Duration::from_secs(90), "it is preferred again", || async {
        (preferred.count("eth_getTransactionCount") > asked + 3).then_some(())
    })
    .await;
    assert_eq!(server.balance_on_chain(&to).await, 11, "{}", server.log_tail());
    assert!(!home.log().contains("/key"), "the path of an address is secret");
    assert_eq!(server.stop(), Some(0));
}

/// Mistakes are told at the start, without the addresses.
#[tokio::test]
async fn a_configuration_that_can_not_be_is_refused_at_the_start() {
    let node = node().await;
    let good = node.anvil.http_url();
    let other = FaultProxy::start(&good).await;
    other.add(Rule::new(Fault::ChainId(1)));
    let one = |url: &str| format!("[[endpoints]]\nurl = \"{url}\"\n");
    let cases = [
        (format!("{}{}", one(&good), one(&other.http_url())), "is of chain 1"),
        (format!("{}{}", one(&good), one(&good)), "endpoint 2 is the same"),
        (one("ftp://host.example/key"), "endpoint 1"),
        (format!("{}wieght = 1\n", one("http://host.example/key")), "unknown field"),
        (String::new(), "missing field"),
    ];
    for (text, expect) in cases {
        let home = Home::new();
        let file = write(&home, &text);
        let options = Options { endpoints: Some(&file), ..Options::default() };
        let mut child = home.spawn(&options);
        let ended = eventually_within(Duration::from_secs(60), "the server ends", || {
            let ended = child.try_wait().unwrap();
            async move { ended }
        })
        .await;
        assert!(!ended.success());
        let log = home.log();
        assert!(log.contains(expect) && !log.contains("/key"), "{expect}: {log}");
    }
}

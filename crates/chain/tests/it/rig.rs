//! A node with several misbehaving fronts.

use chain::{Chain, Endpoint, EndpointOptions, Pool, PoolOptions, State};
use serde_json::json;
use std::time::Duration;
use testkit::{ACCOUNTS, FaultProxy, NodeOptions, TestNode, eventually};
use tokio::task::JoinHandle;
use vocab::{Bytes, Finality};

/// So long that nothing which waits for it ends within a test.
pub const NEVER: Duration = Duration::from_secs(3_600);

pub struct Fronts {
    pub node: TestNode,
    pub proxies: Vec<FaultProxy>,
}

impl Fronts {
    /// A node with some blocks, behind `count` proxies.
    pub async fn new(count: usize) -> Self {
        let node = testkit::anvil(NodeOptions::default()).await;
        node.mine(30).await;
        let mut proxies = Vec::new();
        for _ in 0..count {
            proxies.push(FaultProxy::start(&node.anvil.http_url()).await);
        }
        Self { node, proxies }
    }

    pub fn urls(&self) -> Vec<String> {
        self.proxies.iter().map(FaultProxy::http_url).collect()
    }

    pub fn chain(&self) -> Chain {
        let long = Duration::from_secs(30);
        self.chain_with(long, PoolOptions { agree_within: long, ..PoolOptions::default() })
    }

    pub fn chain_with(&self, timeout: Duration, options: PoolOptions) -> Chain {
        chain_at(&self.node, &self.urls(), timeout, options)
    }

    /// Asks a second endpoint only when the first has failed: so many requests can be foretold, as
    /// long as too few were answered to tell what is usual.
    pub fn unhedged(&self) -> Chain {
        // Shorter than the pause that a test has an endpoint ask for: a call does not wait it out.
        self.chain_with(
            Duration::from_secs(20),
            PoolOptions { hedge_after: NEVER, deadline: NEVER, ..Default::default() },
        )
    }

    pub async fn height(&self) -> u64 {
        self.node.endpoint.head().await.unwrap().number.to()
    }
}

pub fn chain_at(
    node: &TestNode,
    urls: &[String],
    timeout: Duration,
    options: PoolOptions,
) -> Chain {
    let each = EndpointOptions { timeout, ..EndpointOptions::default() };
    let endpoints = urls.iter().map(|url| Endpoint::new(url, each).unwrap()).collect();
    Chain {
        id: node.chain_id,
        endpoints: Pool::new(endpoints, options),
        ws_urls: Vec::new(),
        finality: Finality::default(),
        block_time: Duration::from_millis(200),
    }
}

/// A watcher at work until it is dropped.
pub struct Watching(JoinHandle<()>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub fn watch(chain: &Chain) -> Watching {
    let chain = chain.clone();
    Watching(tokio::spawn(async move { match chain.watch_endpoints().await {} }))
}

pub async fn becomes(chain: &Chain, place: usize, state: State) {
    eventually(&format!("endpoint {place} becomes {state:?}"), || async {
        (chain.endpoints.states()[place] == state).then_some(())
    })
    .await;
}

/// Signed bytes of a transfer.
pub async fn signed(node: &TestNode, nonce: u64) -> Bytes {
    let transaction = json!({
        "from": ACCOUNTS[0], "to": ACCOUNTS[1], "value": "0x1", "gas": "0x5208",
        "gasPrice": "0x77359400", "nonce": format!("{nonce:#x}"), "chainId": "0x7a69",
    });
    let signed = node.call("eth_signTransaction", json!([transaction])).await;
    serde_json::from_value(signed).unwrap()
}

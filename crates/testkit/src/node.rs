//! An EVM node (anvil) per test.

use crate::database::workspace;
use alloy_primitives::{Address, address};
use chain::{Endpoint, EndpointOptions};
use devstack::{Anvil, AnvilOptions};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};
use vocab::ChainId;

/// Addresses of anvil's funded accounts, from its well-known mnemonic; unlocked, so that
/// `eth_sendTransaction` works for them.
pub const ACCOUNTS: [Address; 4] = [
    address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
    address!("70997970C51812dc3A010C7d01b50e0d17dc79C8"),
    address!("3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
    address!("90F79bf6EB2c4f870365E785982E1f101E93b906"),
];

/// What differs between the nodes of tests.
#[derive(Clone, Debug, Default)]
pub struct NodeOptions {
    /// Seconds between blocks; none mines each transaction at once.
    pub block_time: Option<f64>,
    /// Further anvil arguments.
    pub extra: Vec<String>,
}

/// A node of one test; ends with it.
#[derive(Debug)]
pub struct TestNode {
    pub anvil: Anvil,
    pub endpoint: Endpoint,
    pub chain_id: ChainId,
    directory: tempfile::TempDir,
}

/// Where anvil, forge, cast and solc are: `STOA_TOOLS`, or `tools/bin` of the workspace.
#[must_use]
pub fn tools() -> PathBuf {
    std::env::var_os("STOA_TOOLS").map_or_else(|| workspace().join("tools/bin"), PathBuf::from)
}

/// Start a node.
pub async fn anvil(options: NodeOptions) -> TestNode {
    anvil_of(ChainId(31_337), options).await
}

/// Start a node of this chain.
pub async fn anvil_of(chain_id: ChainId, options: NodeOptions) -> TestNode {
    let directory = tempfile::Builder::new().prefix("stoa-node").tempdir().unwrap();
    let start = AnvilOptions {
        program: tools().join("anvil"),
        directory: directory.path().to_owned(),
        block_time: options.block_time,
        chain_id: chain_id.0,
        keep_state: false,
        extra: options.extra,
    };
    let anvil = tokio::task::spawn_blocking(move || Anvil::start(&start)).await.unwrap().unwrap();
    // A test asks what must be answered, however slow the machine.
    let options = EndpointOptions { timeout: Duration::from_secs(120), ..Default::default() };
    let endpoint = Endpoint::new(&anvil.http_url(), options).unwrap();
    TestNode { anvil, endpoint, chain_id, directory }
}

impl TestNode {
    /// Mine `count` blocks now.
    pub async fn mine(&self, count: u64) {
        self.call("anvil_mine", json!([format!("{count:#x}")])).await;
    }

    /// Replace the last `depth` blocks by empty ones of other hashes. Their transactions vanish.
    pub async fn reorg(&self, depth: u64) {
        self.call("anvil_reorg", json!([depth, []])).await;
    }

    /// What it prints.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.directory.path().join("anvil.log")
    }

    /// Any method; fails the test when the node refuses.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        self.endpoint.call(method, params).await.unwrap()
    }
}

//! A node, a data directory, an engine on them, clients, and the final reckoning.

use crate::{
    Found,
    clients::{Accepted, Clients, Ledger, Pressure},
    clock::Clock,
    oracle,
    server::{DevFile, Launch, Server, tail},
};
use alloy_primitives::U256;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::{
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testkit::{FaultProxy, NodeOptions, TestNode};
use tokio::time::sleep;

/// Blocks after which everything is final and below every window.
const DEEP: u64 = 70;
/// Without any job taking effect for so long, what is left is lost.
const LOST_AFTER: Duration = Duration::from_secs(90);
const EXAMPLES_MAX: usize = 5;

/// The node has lost a part of its own chain: nothing can be said of the engine.
#[derive(Debug, thiserror::Error)]
#[error("the node has lost {0}, so that it can't be the judge")]
pub struct NodeBroke(String);

/// What all proofs take.
#[derive(clap::Args, Clone, Debug)]
pub struct Parts {
    /// The server to prove; a debug build dies at failpoints too.
    #[arg(long, value_name = "FILE")]
    pub stoa: PathBuf,
    /// What is random follows from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Seconds between blocks.
    #[arg(long, default_value_t = 0.2)]
    pub block_time: f64,
    /// Wallets that send transfers.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub wallets: u32,
    /// Clients that ask at once.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub clients: u32,
    /// Milliseconds between two jobs of one client.
    #[arg(long, default_value_t = 150)]
    pub pause_ms: u64,
    /// Every so-manieth job is a mint, the others are transfers.
    #[arg(long, default_value_t = 4)]
    pub mint_every: u64,
    /// Keep data and log, and say where.
    #[arg(long)]
    pub keep: bool,
}

pub struct World {
    pub clock: Clock,
    pub node: TestNode,
    /// A way to the node that may err, lie, hang or be shut.
    pub front: FaultProxy,
    pub launch: Launch,
    pub parts: Parts,
    pub ledger: Arc<Ledger>,
    directory: Option<TempDir>,
}

impl World {
    /// A node and an empty directory. The engine is told to go to the node itself.
    pub async fn new(parts: &Parts) -> Result<Self> {
        let extra = ["--order", "fifo", "--no-mining"].map(str::to_owned).to_vec();
        let node = testkit::anvil(NodeOptions { block_time: None, extra }).await;
        let block_time = Duration::try_from_secs_f64(parts.block_time)?;
        ensure!(!block_time.is_zero(), "blocks take time");
        let clock = Clock::start(node.endpoint.clone(), block_time);
        let front = FaultProxy::start_seeded(&node.anvil.http_url(), parts.seed).await;
        let directory = tempfile::Builder::new().prefix("stoa-prove").tempdir()?;
        // Postgres runs as another user when we are root.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755))?;
        let launch = Launch {
            stoa: parts.stoa.canonicalize().context("there is no such server")?,
            data: directory.path().join("data"),
            log: directory.path().join("server.log"),
            port: devstack::free_port()?,
            rpc: vec![node.anvil.http_url()],
            block_time: parts.block_time,
            wallets: parts.wallets,
            environment: Vec::new(),
        };
        let (ledger, parts) = (Arc::default(), parts.clone());
        Ok(Self { clock, node, front, launch, parts, ledger, directory: Some(directory) })
    }

    /// Start the engine and wait until it serves and its contracts are on chain for good.
    pub async fn settle(&self) -> Result<(Server, DevFile)> {
        let mut server = self.launch.start(None)?;
        let dev = server.ready().await?;
        self.node.mine(DEEP).await;
        Ok((server, dev))
    }

    pub fn clients(&self, dev: &DevFile) -> Clients {
        let pressure = Pressure {
            clients: self.parts.clients,
            pause: Duration::from_millis(self.parts.pause_ms),
            mint_every: self.parts.mint_every,
        };
        Clients::start(dev, &format!("seed{}", self.parts.seed), pressure, &self.ledger)
    }

    /// Wait until each accepted job took effect, or nothing moves any more.
    pub async fn wait_for_effects(&self, dev: &DevFile) -> Result<()> {
        let jobs = self.ledger.accepted();
        let mut missing = usize::MAX;
        let mut moved = Instant::now();
        loop {
            let counts = oracle::effects(&self.node.endpoint, dev, &jobs).await?;
            let now = counts.iter().filter(|count| count.is_zero()).count();
            if now == 0 {
                return Ok(());
            }
            if now < missing {
                (missing, moved) = (now, Instant::now());
            }
            if moved.elapsed() > LOST_AFTER {
                return Ok(());
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// The end: every job must have taken effect once, and be called final.
    pub async fn reckon(&self, dev: &DevFile, mut found: Found) -> Result<Found> {
        self.wait_for_effects(dev).await?;
        self.node.mine(DEEP).await;
        let jobs = self.ledger.accepted();
        let stuck = self.wait_final(dev, &jobs).await;
        let counts = oracle::effects(&self.node.endpoint, dev, &jobs).await?;
        found.accepted = jobs.len();
        let mut examples = Vec::new();
        for (job, count) in jobs.iter().zip(&counts) {
            if count.is_zero() {
                found.lost += 1;
                examples.push(format!("lost: {job:?}"));
            } else if *count > U256::from(1) {
                found.doubled += 1;
                examples.push(format!("{count} times: {job:?}"));
            }
        }
        found.stuck = stuck.len();
        examples.extend(stuck);
        let refused = self.ledger.refused();
        found.refused = refused.len();
        examples.extend(refused);
        examples.truncate(EXAMPLES_MAX);
        found.examples = examples;
        if !found.holds() {
            self.check_node(dev).await?;
            crate::say(&format!("the end of the server's log:\n{}", tail(&self.launch.log)));
        }
        Ok(found)
    }

    /// Replace the last `depth` blocks by empty ones, while nobody asks for anything through the
    /// front: anvil dies when it is asked for a receipt meanwhile. Their transactions vanish.
    pub async fn reorg(&self, depth: u64) -> Result<()> {
        let _still = self.clock.stand_still().await;
        let _shut = self.front.hold().await;
        let node = &self.node.endpoint;
        node.call::<Value>("anvil_reorg", json!([depth, []])).await?;
        self.check_blocks(depth + 1).await?;
        Ok(())
    }

    /// Are the newest `count` blocks of the node, which is the judge, all there? Gives its height.
    async fn check_blocks(&self, count: u64) -> Result<u64> {
        let node = &self.node.endpoint;
        let head: U256 = node.call("eth_blockNumber", json!([])).await?;
        let head = head.to::<u64>();
        for number in head.saturating_sub(count)..=head {
            let call = json!([format!("{number:#x}"), false]);
            let block: Value = node.call("eth_getBlockByNumber", call).await?;
            ensure!(!block.is_null(), NodeBroke(format!("block {number} of {head}")));
        }
        Ok(head)
    }

    /// Is the node whole? anvil has lost blocks of its own chain, and all state, when it replaced
    /// blocks.
    async fn check_node(&self, dev: &DevFile) -> Result<()> {
        let head = self.check_blocks(u64::MAX).await?;
        let node = &self.node.endpoint;
        for (name, contract) in &dev.contracts {
            let code: String = node.call("eth_getCode", json!([contract, "latest"])).await?;
            ensure!(code.len() > 2, NodeBroke(format!("the contract {name} at block {head}")));
        }
        Ok(())
    }

    /// The jobs that the engine does not call final, when no other has become so for long.
    async fn wait_final(&self, dev: &DevFile, jobs: &[Accepted]) -> Vec<String> {
        let http = reqwest::Client::new();
        let mut moved = Instant::now();
        let mut waiting: Vec<&Accepted> = jobs.iter().collect();
        loop {
            let mut still = Vec::new();
            let mut said = Vec::new();
            for job in &waiting {
                let status = oracle::status(&http, dev, job).await;
                if status.as_ref().is_none_or(|body| body["status"] != "final") {
                    said.push(format!("stuck: {job:?}: {}", status.unwrap_or_default()));
                    still.push(*job);
                }
            }
            if still.len() < waiting.len() {
                moved = Instant::now();
            }
            if still.is_empty() || moved.elapsed() > LOST_AFTER {
                return said;
            }
            waiting = still;
            sleep(Duration::from_millis(300)).await;
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.parts.keep
            && let Some(directory) = self.directory.take()
        {
            let kept = directory.keep();
            // Without it there is nothing to be learnt of a node that died.
            let _ = std::fs::copy(self.node.log(), kept.join("node.log"));
            crate::say(&format!("kept: {}", kept.display()));
        }
    }
}

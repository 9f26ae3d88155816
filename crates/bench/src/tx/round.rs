//! One round: the same number of transfers pushed to the node, accepted by the bare handler, and
//! accepted and mined through the engine.

use super::{CHAIN_ID, handler::Handler};
use crate::{
    ceiling::{self, Ceiling},
    cpu::Cpu,
    node::Node,
    post::{self, Pace, Target, Transfer},
};
use anyhow::{Result, ensure};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Without any transfer mined for so long, they are lost.
const MINED_MAX: Duration = Duration::from_secs(60);

/// What rounds are made with.
pub struct Parts<'r> {
    pub node: &'r Node,
    pub target: &'r Target,
    /// The engine's process.
    pub server: u32,
    pub handler: &'r Handler,
    /// Transfers.
    pub count: usize,
    pub clients: usize,
    pub wallets: usize,
}

/// What a round found.
pub struct Round {
    pub bare: Measured,
    pub engine: Mined,
    /// At half the rate at which it accepted, whether answered or not.
    pub half: Mined,
    pub ceiling: Ceiling,
    pub cpu: Cpu,
}

/// Requests that were answered.
pub struct Measured {
    pub accepted_per_second: f64,
    pub took: Vec<Duration>,
}

/// And mined.
pub struct Mined {
    pub accepted: Measured,
    /// From the first request until the last transfer is in a block.
    pub confirmed_per_second: f64,
}

impl Round {
    pub fn accepted_to_bare(&self) -> f64 {
        self.engine.accepted.accepted_per_second / self.bare.accepted_per_second
    }

    pub fn confirmed_to_ceiling(&self) -> f64 {
        self.engine.confirmed_per_second / self.ceiling.confirmed_per_second
    }
}

impl Parts<'_> {
    pub async fn round(&self) -> Result<Round> {
        let size = (self.count, self.wallets, self.clients);
        let ceiling = ceiling::measure(self.node, CHAIN_ID, size).await?;
        let bare = self.handler.accept(self.count, self.clients).await?;
        let before = Cpu::of(self.server);
        let engine = transfers(self, self.count, Pace::Closed).await?;
        let cpu = Cpu::of(self.server).since(&before);
        let rate = engine.accepted.accepted_per_second / 2.0;
        let half = transfers(self, self.count / 2, Pace::Open(rate)).await?;
        Ok(Round { bare, engine, half, ceiling, cpu })
    }
}

impl Measured {
    /// Of answers that came within `all`.
    pub fn new(took: Vec<Duration>, all: Duration) -> Self {
        Self { accepted_per_second: rate(took.len(), all), took }
    }
}

fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// Ask for `count` transfers, wait until the chain has them, and see that each is there once.
pub async fn transfers(parts: &Parts<'_>, count: usize, pace: Pace) -> Result<Mined> {
    let wanted = Transfer::many(&uuid::Uuid::now_v7().to_string(), count);
    let first_block = parts.node.number("eth_blockNumber", json!([])).await?;
    let started = Instant::now();
    let mined = wait_mined(parts.node, first_block, count);
    let asked = async {
        let took = post::run(parts.target, &wanted, parts.clients, pace).await?;
        anyhow::Ok(Measured::new(took, started.elapsed()))
    };
    let (accepted, mined) = tokio::join!(asked, mined);
    let (accepted, ()) = (accepted?, mined?);
    let confirmed_per_second = rate(count, started.elapsed());
    check(parts.node, &wanted).await?;
    Ok(Mined { accepted, confirmed_per_second })
}

/// The engine is the node's only user, so its blocks can simply be counted.
async fn wait_mined(node: &Node, first_block: u64, count: usize) -> Result<()> {
    let (mut block, mut mined, mut moved) = (first_block, 0, Instant::now());
    loop {
        let head = node.number("eth_blockNumber", json!([])).await?;
        if head > block {
            let blocks = node.blocks(block + 1, head).await?;
            let new: usize = blocks.iter().map(|block| block.transactions).sum();
            if new > 0 {
                moved = Instant::now();
            }
            (block, mined) = (head, mined + new);
        }
        if mined >= count {
            return Ok(());
        }
        ensure!(moved.elapsed() < MINED_MAX, "only {mined} of {count} transfers were mined");
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

/// The chain's word: each recipient has exactly one wei.
async fn check(node: &Node, wanted: &Arc<[Transfer]>) -> Result<()> {
    let calls: Vec<_> =
        wanted.iter().map(|transfer| ("eth_getBalance", json!([transfer.to, "latest"]))).collect();
    let balances = node.batch(&calls).await?;
    let wrong = balances.iter().filter(|balance| balance.as_str() != Some("0x1")).count();
    ensure!(wrong == 0, "{wrong} of {} recipients do not have exactly one wei", wanted.len());
    Ok(())
}

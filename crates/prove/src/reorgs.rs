//! The chain takes blocks back, again and again, while clients go on asking.

use crate::{
    Found, milliseconds, say, storms,
    world::{Parts, World},
};
use anyhow::{Result, ensure};
use clap::Args;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::time::{Duration, Instant};
use tokio::time::sleep;

#[derive(Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    pub parts: Parts,
    /// How often.
    #[arg(long, default_value_t = 40)]
    pub reorgs: u64,
    /// Most blocks taken back at once: 60, and 64 in storms.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=64))]
    pub depth: u64,
    /// Instead, so many storms of reorgs over the index alone, each compared with a fresh index.
    /// More than 50 are split into runs of 50, each with the next seed and a fresh node.
    #[arg(long, default_value_t = 0, conflicts_with = "reorgs")]
    pub storms: u64,
}

/// Deeper ones could reach the contracts.
const DEPTH_MAX: u64 = 60;

/// Reorganise the chain under load, or let storms come over the index.
///
/// # Errors
/// When the parts can't be started at all; what is found goes into the report.
pub async fn run(options: &Options) -> Result<Found> {
    if options.storms > 0 {
        return storms::Run::new(options.storms, options.depth, options.parts.seed).run().await;
    }
    ensure!(options.depth <= DEPTH_MAX, "reorgs under load are at most {DEPTH_MAX} blocks deep");
    let started = Instant::now();
    let seed = options.parts.seed;
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = World::new(&options.parts).await?;
    world.launch.rpc = vec![world.front.http_url()];
    let (_server, dev) = world.settle().await?;
    let clients = world.clients(&dev);
    let mut again = Vec::new();
    for round in 1..=options.reorgs {
        sleep(Duration::from_millis(random.random_range(100..1_500))).await;
        // Small ones are the common ones; now and then the deepest.
        let depth = match random.random_range(0..4) {
            0 => options.depth,
            1 => random.random_range(1..=options.depth),
            _ => random.random_range(1..=options.depth.min(4)),
        };
        let at = Instant::now();
        world.reorg(depth).await?;
        let repeated = random.random_bool(0.3);
        if repeated {
            world.reorg(random.random_range(1..=options.depth.min(6))).await?;
        }
        while world.ledger.first_since(at).is_none() && at.elapsed() < Duration::from_secs(30) {
            sleep(Duration::from_millis(10)).await;
        }
        again.push(milliseconds(at.elapsed()));
        if round % 10 == 0 || round == options.reorgs {
            let accepted = world.ledger.accepted().len();
            let seconds = started.elapsed().as_secs();
            say(&format!("{round:>5} reorgs, {accepted} jobs accepted, {seconds} s"));
        }
    }
    clients.stop().await;
    let found = Found { harms: options.reorgs, accepting_ms: again, ..Found::default() };
    Ok(world.reckon(&dev, found).await?.took(started.elapsed()))
}

//! The node errs, lies and hangs, one way after the other, while clients go on asking.

mod kinds;

use crate::{
    Found,
    clients::Ledger,
    milliseconds, say,
    server::DevFile,
    world::{Parts, World},
};
use anyhow::{Result, bail};
use clap::Args;
use kinds::{Act, KINDS, Kind};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use testkit::Rule;
use tokio::time::sleep;

#[derive(Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    pub parts: Parts,
    /// Only these kinds of faults, by name; `list` prints the names.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Milliseconds that each fault lasts.
    #[arg(long, default_value_t = 2_500)]
    pub fault_ms: u64,
    /// Nodes that the engine is given; the faults are those of the first.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=2))]
    pub endpoints: u32,
}

/// How long after a fault jobs may take to be on chain.
const RECOVERED_MAX: Duration = Duration::from_secs(90);

/// Let each kind of fault happen once, in an order drawn from the seed.
///
/// # Errors
/// When the parts can't be started at all; what is found goes into the report.
pub async fn run(options: &Options) -> Result<Found> {
    let mut kinds = chosen(&options.only)?;
    let started = Instant::now();
    let seed = options.parts.seed;
    let mut random = StdRng::seed_from_u64(seed);
    kinds.shuffle(&mut random);
    let mut world = World::new(&options.parts).await?;
    world.launch.rpc.insert(0, world.front.http_url());
    world.launch.rpc.truncate(usize::try_from(options.endpoints)?);
    let (_server, dev) = world.settle().await?;
    let clients = world.clients(&dev);
    let mut recovered = Vec::new();
    for kind in &kinds {
        let lasts = Duration::from_millis(options.fault_ms) * random.random_range(50..150) / 100;
        act(&world, kind, lasts, &mut random).await?;
        let healed = Instant::now();
        let took = recovery(&world, &dev, &world.ledger, healed).await?;
        recovered.push(milliseconds(took));
        say(&format!(
            "{:<28} {:>6} ms, then well after {} ms",
            kind.name,
            lasts.as_millis(),
            took.as_millis()
        ));
    }
    clients.stop().await;
    let found = Found { harms: kinds.len() as u64, recovery_ms: recovered, ..Found::default() };
    Ok(world.reckon(&dev, found).await?.took(started.elapsed()))
}

/// The names of all kinds of faults.
pub fn names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name)
}

fn chosen(only: &[String]) -> Result<Vec<&'static Kind>> {
    if let Some(unknown) = only.iter().find(|name| !names().any(|known| known == *name)) {
        bail!(
            "no fault is called {unknown:?}; there are: {}",
            names().collect::<Vec<_>>().join(" ")
        );
    }
    let wanted = |kind: &&Kind| only.is_empty() || only.iter().any(|name| name == kind.name);
    Ok(KINDS.iter().filter(wanted).collect())
}

async fn act(world: &World, kind: &Kind, lasts: Duration, random: &mut StdRng) -> Result<()> {
    let front = &world.front;
    let end = Instant::now() + lasts;
    match &kind.act {
        Act::Rules(rules) => {
            rules().into_iter().for_each(|rule| front.add(rule));
            sleep(lasts).await;
        }
        Act::Flapping(fault) => {
            while Instant::now() < end {
                front.add(Rule::new(fault.clone()));
                sleep(Duration::from_millis(random.random_range(50..500))).await;
                front.heal();
                sleep(Duration::from_millis(random.random_range(50..300))).await;
            }
        }
        Act::Evict => {
            while Instant::now() < end {
                world.node.call("anvil_dropAllTransactions", json!([])).await;
                sleep(Duration::from_millis(random.random_range(20..150))).await;
            }
        }
        Act::Expensive => {
            // Ten times the price within a few blocks; falls by itself afterwards.
            while Instant::now() < end {
                let fee = format!("{:#x}", 40_000_000_000u64);
                world.node.call("anvil_setNextBlockBaseFeePerGas", json!([fee])).await;
                sleep(Duration::from_millis(100)).await;
            }
        }
        Act::NoBlocks => {
            let _still = world.clock.stand_still().await;
            sleep(lasts).await;
        }
        Act::Burst => {
            while Instant::now() < end {
                world.node.mine(random.random_range(1..20)).await;
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    front.heal();
    Ok(())
}

/// From `healed` until a job accepted since is on chain.
async fn recovery(
    world: &World,
    dev: &DevFile,
    ledger: &Arc<Ledger>,
    healed: Instant,
) -> Result<Duration> {
    while healed.elapsed() < RECOVERED_MAX {
        if let Some(job) = ledger.first_since(healed) {
            let count = crate::oracle::effects(&world.node.endpoint, dev, &[job]).await?;
            if count.first().is_some_and(|count| !count.is_zero()) {
                return Ok(healed.elapsed());
            }
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(RECOVERED_MAX)
}

//! SIGKILL at random times and at failpoints, while clients go on asking.

use crate::{
    Found, milliseconds, say,
    server::Server,
    world::{Parts, World},
};
use anyhow::Result;
use clap::Args;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::time::{Duration, Instant};
use tokio::time::sleep;
use transactor::FAILPOINTS;

#[derive(Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    pub parts: Parts,
    /// How often the server is killed.
    #[arg(long, default_value_t = 100)]
    pub kills: u64,
    /// An optimised build does not die at failpoints: use none.
    #[arg(long)]
    pub no_failpoints: bool,
}

/// What one round does.
#[derive(Clone, Debug, PartialEq)]
enum Round {
    /// Kill so long after the process began, ready or not.
    Early(Duration),
    /// Kill so long after it was ready.
    Serving(Duration),
    /// It kills itself at a point, or is killed after a while.
    Point(String),
    /// Wait until a job accepted by it took effect, then kill.
    Recovered,
}

const POINT_MAX: Duration = Duration::from_secs(3);
const RECOVERED_MAX: Duration = Duration::from_secs(60);

impl Round {
    fn draw(random: &mut StdRng, points: &[&str]) -> Self {
        match random.random_range(0..10) {
            0..=1 => Self::Early(Duration::from_millis(random.random_range(0..2_500))),
            2..=3 => Self::Recovered,
            4..=6 if !points.is_empty() => {
                Self::Point(points[random.random_range(0..points.len())].to_owned())
            }
            _ => Self::Serving(Duration::from_millis(random.random_range(0..1_000))),
        }
    }
}

/// Kill and restart the engine `kills` times under load.
///
/// # Errors
/// When the parts can't be started at all; what is found goes into the report.
pub async fn run(options: &Options) -> Result<Found> {
    let started = Instant::now();
    let seed = options.parts.seed;
    let mut random = StdRng::seed_from_u64(seed);
    let points = if options.no_failpoints { &[] } else { FAILPOINTS.names() };
    let world = World::new(&options.parts).await?;
    let (mut server, dev) = world.settle().await?;
    let clients = world.clients(&dev);
    let (mut again, mut recovered) = (Vec::new(), Vec::new());
    server.kill();
    for kill in 0..options.kills {
        let died = Instant::now();
        let round = Round::draw(&mut random, points);
        let point = match &round {
            Round::Point(point) => Some(point.as_str()),
            _ => None,
        };
        let mut server = world.launch.start(point)?;
        live(&world, &dev, &mut server, &round, (died, &mut recovered)).await?;
        server.kill();
        if let Some(job) = world.ledger.first_since(died) {
            again.push(milliseconds(job.at - died));
        }
        if (kill + 1) % 10 == 0 || kill + 1 == options.kills {
            let accepted = world.ledger.accepted().len();
            let seconds = started.elapsed().as_secs();
            say(&format!("{:>5} kills, {accepted} jobs accepted, {seconds} s", kill + 1));
        }
    }
    let mut server = world.launch.start(None)?;
    server.ready().await?;
    clients.stop().await;
    let found = Found {
        harms: options.kills,
        accepting_ms: again,
        recovery_ms: recovered,
        ..Found::default()
    };
    Ok(world.reckon(&dev, found).await?.took(started.elapsed()))
}

/// Let the server live as long as the round says.
async fn live(
    world: &World,
    dev: &crate::server::DevFile,
    server: &mut Server,
    round: &Round,
    (died, recovered): (Instant, &mut Vec<u64>),
) -> Result<()> {
    match round {
        Round::Early(time) => sleep(*time).await,
        Round::Serving(time) => {
            server.ready().await?;
            sleep(*time).await;
        }
        Round::Point(_) => {
            let end = Instant::now() + POINT_MAX;
            while !server.has_ended() && Instant::now() < end {
                sleep(Duration::from_millis(10)).await;
            }
        }
        Round::Recovered => {
            server.ready().await?;
            let end = Instant::now() + RECOVERED_MAX;
            while Instant::now() < end {
                if let Some(job) = world.ledger.first_since(died) {
                    let node = &world.node.endpoint;
                    let count = crate::oracle::effects(node, dev, &[job]).await?;
                    if count.first().is_some_and(|count| !count.is_zero()) {
                        recovered.push(milliseconds(died.elapsed()));
                        return Ok(());
                    }
                }
                sleep(Duration::from_millis(20)).await;
            }
            recovered.push(milliseconds(RECOVERED_MAX));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_the_plan() {
        let plan = |seed| -> Vec<Round> {
            let mut random = StdRng::seed_from_u64(seed);
            let points = ["a", "b"];
            (0..50).map(|_| Round::draw(&mut random, &points)).collect()
        };
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
    }
}

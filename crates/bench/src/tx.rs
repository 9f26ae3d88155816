//! `bench tx`: transfers of one wei to unique recipients, from the request to the chain, with one,
//! ten and fifty wallets, on blocks of a second and on a node that mines at once.
//!
//! A run has several rounds, because a machine that others use too is not the same for long. In
//! each round, one after the other: raw pushes of signed transfers to the node, then a handler that
//! commits one row, then the engine on the same node. What counts is the median of the rounds, and
//! of their ratios.

mod handler;
mod report;
mod round;

use crate::{
    node::Node,
    post::{Pace, Target},
    server::{Server, Start, endpoint_of},
    subject::Subject,
};
use anyhow::Result;
use clap::Args;
use devstack::{Anvil, AnvilOptions};
use handler::Handler;
use report::{Report, Run};
use round::{Parts, Round, transfers};
use std::path::PathBuf;
use tempfile::TempDir;

/// Transfers before the clock starts, so that connections, caches and plans are made.
const WARM_UP: usize = 200;

/// Transfers of a round on a node that mines at once: with more, anvil 1.7.1 falls so far behind
/// raw pushes that it never comes to their end.
const AUTOMINE_MAX: usize = 1_000;
/// And rounds: with each thousand blocks it takes twice as long for one.
const AUTOMINE_ROUNDS: u32 = 1;

const CHAIN_ID: u64 = 31_337;

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Transfers per round.
    #[arg(long, default_value_t = 3_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    transfers: u32,
    /// Rounds per run; one on a node that mines at once.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Clients that ask at once.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=512))]
    clients: u32,
    /// Wallets, a run each.
    #[arg(long, default_values_t = [1, 10, 50], value_delimiter = ',')]
    wallets: Vec<u32>,
    /// Transactions of one wallet that wait to be mined (`in_flight_max` of its role). A wallet
    /// gets no more than that into a block.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=256))]
    in_flight: u16,
    /// Only blocks of a second, not also a node that mines at once.
    #[arg(long)]
    interval_only: bool,
    #[command(flatten)]
    subject: Subject,
    /// Print the JSON line alone.
    #[arg(long)]
    json_only: bool,
}

pub async fn run(options: Options) -> Result<()> {
    let mut report = Report::new(&options);
    let handler = Handler::start(options.clients as usize).await?;
    for block_time in [Some(1.0), None] {
        if block_time.is_none() && options.interval_only {
            continue;
        }
        for &wallets in &options.wallets {
            let rounds = rounds(&options, &handler, block_time, wallets).await?;
            report.runs.push(Run::new(wallets, block_time, rounds));
        }
    }
    report.print(options.json_only)
}

async fn rounds(
    options: &Options,
    handler: &Handler,
    block_time: Option<f64>,
    wallets: u32,
) -> Result<Vec<Round>> {
    let (_directory, anvil) = node(block_time)?;
    let node = Node::new(&anvil.http_url())?;
    let start = Start {
        operators: wallets,
        config: Some(format!(
            "{}[roles.operator]\nin_flight_max = {}\n",
            endpoint_of(&anvil),
            options.in_flight
        )),
        block_time: block_time.unwrap_or(0.1),
        ..Start::default()
    };
    let server = Server::start_with(&options.subject.program()?, &start).await?;
    let target = Target {
        http: server.dev.http.clone(),
        key: server.dev.operator_api_key.clone(),
        chain_id: CHAIN_ID,
    };
    let most = if block_time.is_none() { AUTOMINE_MAX } else { usize::MAX };
    let parts = Parts {
        node: &node,
        target: &target,
        server: server.id(),
        handler,
        count: most.min(options.transfers as usize),
        clients: options.clients as usize,
        wallets: wallets as usize,
    };
    transfers(&parts, WARM_UP.max(parts.wallets), Pace::Closed).await?;
    let mut rounds = Vec::new();
    for _ in 0..if block_time.is_none() { AUTOMINE_ROUNDS } else { options.rounds } {
        rounds.push(parts.round().await?);
    }
    Ok(rounds)
}

fn node(block_time: Option<f64>) -> Result<(TempDir, Anvil)> {
    let directory = tempfile::Builder::new().prefix("stoa-bench-node").tempdir()?;
    let tools = std::env::var_os("STOA_TOOLS").map_or_else(|| "tools/bin".into(), PathBuf::from);
    let options = AnvilOptions {
        program: tools.join("anvil"),
        directory: directory.path().to_owned(),
        block_time,
        chain_id: CHAIN_ID,
        keep_state: false,
        extra: Vec::new(),
    };
    let anvil = Anvil::start(&options)?;
    Ok((directory, anvil))
}

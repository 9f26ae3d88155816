//! `bench mint`: the whole path, from the request to the message on the stream.

use crate::{
    ceiling::{self, Ceiling},
    cpu::Cpu,
    load::{self, Accepted, Wanted},
    node::Node,
    quantile::{Quantiles, rounded},
    report::{self, Chain, Machine, Mints, Ratios, Report},
    server::{DevFile, Server},
    stages::Stages,
    stream::{Stream, Told},
};
use alloy_primitives::{Address, U256, hex};
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;
use std::{
    collections::HashMap,
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// `balanceOf(address)` and `totalSupply()`.
const BALANCE_OF: &str = "0x70a08231";
const TOTAL_SUPPLY: &str = "0x18160ddd";
/// Mints before the clock starts, so that connections, caches and plans are made.
const WARM_UP: usize = 200;

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Mints to measure, and transfers for the ceiling.
    #[arg(long, default_value_t = 2_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    mints: u32,
    /// Clients that ask at once.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=512))]
    clients: u32,
    /// Wallets that mint, each with 16 transactions in flight.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    wallets: u32,
    /// Seconds between blocks.
    #[arg(long, default_value_t = 1.0)]
    block_time: f64,
    /// The server to measure; an optimised one.
    #[arg(long, value_name = "FILE")]
    stoa: PathBuf,
    /// What was built, for the report.
    #[arg(long, default_value = "unknown")]
    revision: String,
    /// Print the JSON line alone.
    #[arg(long)]
    json_only: bool,
}

pub async fn run(options: Options) -> Result<()> {
    let load_before = report::load_average();
    let stoa = options.stoa.canonicalize().context("there is no such server")?;
    let server = Server::start(&stoa, options.wallets, options.block_time).await?;
    let node = Node::new(&server.dev.rpc_url)?;
    let (count, clients) = (options.mints as usize, options.clients as usize);
    let size = (count, options.wallets as usize, clients);
    let before = ceiling::measure(&node, server.dev.chain_id, size).await?;
    mints(&server, &node, WARM_UP, clients).await?;
    let mints = mints(&server, &node, count, clients).await?;
    // Once more: on a shared machine the two differ, and the higher one is the ceiling.
    let after = ceiling::measure(&node, server.dev.chain_id, size).await?;
    let node_version = node.call("web3_clientVersion", json!([])).await?;
    let report = Report {
        bench: "mint",
        ratios: Ratios::of(&mints, &[&before, &after]),
        mints,
        ceiling: [before, after],
        machine: Machine {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            load_before,
            load_after: report::load_average(),
            node: node_version.as_str().unwrap_or_default().to_owned(),
            revision: options.revision,
            started_in_s: rounded(server.started_in.as_secs_f64()),
        },
        clients,
        wallets: options.wallets,
        block_time_s: options.block_time,
    };
    drop(server);
    report.print(options.json_only)
}

/// Ask for `count` mints, follow them on the stream, and check them on chain.
async fn mints(server: &Server, node: &Node, count: usize, clients: usize) -> Result<Mints> {
    let dev = &server.dev;
    let wanted = Wanted::many(&uuid::Uuid::now_v7().to_string(), count);
    let recipients: Vec<Address> = wanted.iter().map(|mint| mint.to).collect();
    let supply_before = supply(node, dev).await?;
    let mut reader = JoinSet::new();
    reader.spawn(Stream::open(dev).await?.collect(count));
    let first_block = node.number("eth_blockNumber", json!([])).await?;
    let stages = Stages::load(dev).await?;
    let (cpu, started) = (Cpu::of(server.id()), Instant::now());
    let accepted = load::run(dev, wanted, clients).await?;
    let all_accepted = started.elapsed();
    let told = reader.join_next().await.context("nobody reads the stream")???;
    let all_confirmed = started.elapsed();
    let cpu = Cpu::of(server.id()).since(&cpu);
    let stages = Stages::load(dev).await?.since(&stages);
    let last_block = node.number("eth_blockNumber", json!([])).await?;
    check(node, dev, &recipients, supply_before).await?;
    ensure!(told.gaps == 0, "the stream left out {} messages", told.gaps);
    let waits = |when: &HashMap<String, Instant>| waits(&accepted, when);
    Ok(Mints {
        mints: count,
        accepted_per_second: rate(count, all_accepted),
        confirmed_per_second: rate(count, all_confirmed),
        api: Quantiles::of(accepted.iter().map(|mint| mint.answered - mint.asked).collect()),
        to_submitted: Quantiles::of(waits(&told.submitted)),
        to_stream: Quantiles::of(arrivals(&accepted, &told)?),
        messages: told.messages,
        chain: Chain::of(&node.blocks(first_block + 1, last_block).await?),
        cpu_seconds: cpu,
        stage_means: stages,
        seconds: rounded(all_confirmed.as_secs_f64()),
    })
}

fn rate(count: usize, took: Duration) -> f64 {
    rounded(count as f64 / took.as_secs_f64())
}

/// From accepted to told; those that were never told are left out.
fn waits(accepted: &[Accepted], when: &HashMap<String, Instant>) -> Vec<Duration> {
    let wait = |mint: &Accepted| Some(when.get(&mint.id)?.saturating_duration_since(mint.answered));
    accepted.iter().filter_map(wait).collect()
}

fn arrivals(accepted: &[Accepted], told: &Told) -> Result<Vec<Duration>> {
    let waits = waits(accepted, &told.tentative);
    ensure!(waits.len() == accepted.len(), "the stream told of mints that nobody asked for");
    Ok(waits)
}

async fn supply(node: &Node, dev: &DevFile) -> Result<U256> {
    let answer = node.words(dev.collection()?, &[TOTAL_SUPPLY.to_owned()]).await?;
    answer.first().copied().context("no supply")
}

/// The chain's word: each recipient has exactly one item, and there are no others.
async fn check(node: &Node, dev: &DevFile, to: &[Address], before: U256) -> Result<()> {
    let inputs: Vec<String> =
        to.iter().map(|to| format!("{BALANCE_OF}{}", hex::encode(to.into_word()))).collect();
    let balances = node.words(dev.collection()?, &inputs).await?;
    let lost = balances.iter().filter(|balance| balance.is_zero()).count();
    let doubled = balances.iter().filter(|balance| **balance > U256::from(1)).count();
    ensure!(lost == 0 && doubled == 0, "{lost} items are lost and {doubled} doubled");
    let minted = supply(node, dev).await? - before;
    ensure!(minted == U256::from(to.len()), "{minted} items were minted for {}", to.len());
    Ok(())
}

impl Ratios {
    fn of(mints: &Mints, ceilings: &[&Ceiling]) -> Self {
        let highest = |of: fn(&Ceiling) -> f64| ceilings.iter().map(|c| of(c)).fold(1.0, f64::max);
        let confirmed = highest(|ceiling| ceiling.confirmed_per_second);
        let accepted = highest(|ceiling| ceiling.accepted_per_second);
        let ratio = |mints: f64, ceiling: f64| (mints / ceiling * 1e3).round() / 1e3;
        Self {
            accepted_ratio: ratio(mints.accepted_per_second, confirmed),
            accepted_to_accepted: ratio(mints.accepted_per_second, accepted),
            confirmed_to_confirmed: ratio(mints.confirmed_per_second, confirmed),
            bar: 0.30,
        }
    }
}

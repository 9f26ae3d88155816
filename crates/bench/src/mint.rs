//! `bench mint`: the whole path, from the request to the message on the stream.

use crate::{
    ceiling::{self, Ceiling},
    cpu::Cpu,
    load::{self, Accepted, Wanted},
    node::Node,
    quantile::{Quantiles, rounded},
    report::{self, Chain, Machine, Mints, Ratios, Report, Summary},
    say,
    server::{DevFile, Server},
    stages::Stages,
    stream::{Stream, Told},
    subject::Subject,
};
use alloy_primitives::{Address, U256, hex};
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// `balanceOf(address)` and `totalSupply()`.
const BALANCE_OF: &str = "0x70a08231";
const TOTAL_SUPPLY: &str = "0x18160ddd";
/// Mints before the clock starts, so that connections, caches and plans are made.
const WARM_UP: usize = 200;

/// Without `--wallets` and `--gas-limit` two protocols are run, each on a server of its own:
///
/// `two-wallets`: 2 wallets with 16 transactions in flight each, the node's usual block of 30
/// million gas, 2,000 mints by 16 clients. Its figure is the part of raw pushes that is accepted.
///
/// `one-wallet`: 1 wallet, blocks of 300 million gas (transactions still below 2²⁴), 10,000 mints
/// by 64 clients. Its figure is the mints confirmed per second.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Options {
    /// Mints to measure, and transfers for the ceiling.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    mints: Option<u32>,
    /// Clients that ask at once.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=512))]
    clients: Option<u32>,
    /// Wallets that mint, each with 16 transactions in flight. Runs this alone.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=16))]
    wallets: Option<u32>,
    /// Gas of a block. Runs this alone.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1_000_000..=10_000_000_000))]
    gas_limit: Option<u64>,
    /// Seconds between blocks.
    #[arg(long, default_value_t = 1.0)]
    block_time: f64,
    #[command(flatten)]
    subject: Subject,
    /// Print the JSON line alone.
    #[arg(long)]
    json_only: bool,
}

/// What is measured on one server.
#[derive(Clone, Debug, Serialize)]
pub struct Protocol {
    pub name: &'static str,
    pub wallets: u32,
    pub clients: usize,
    pub block_time_s: f64,
    pub block_gas_limit: u64,
    #[serde(skip)]
    mints: usize,
}

/// What anvil gives its blocks.
const USUAL_GAS: u64 = 30_000_000;

impl Options {
    fn protocols(&self) -> Vec<Protocol> {
        let make = |name, wallets, block_gas_limit, clients, mints| Protocol {
            name,
            wallets,
            clients: self.clients.unwrap_or(clients) as usize,
            block_time_s: self.block_time,
            block_gas_limit,
            mints: self.mints.unwrap_or(mints) as usize,
        };
        if self.wallets.is_none() && self.gas_limit.is_none() {
            return vec![
                make("two-wallets", 2, USUAL_GAS, 16, 2_000),
                make("one-wallet", 1, 10 * USUAL_GAS, 64, 10_000),
            ];
        }
        let gas = self.gas_limit.unwrap_or(USUAL_GAS);
        vec![make("chosen", self.wallets.unwrap_or(2), gas, 16, 2_000)]
    }
}

pub async fn run(options: Options) -> Result<()> {
    let stoa = options.subject.program()?;
    let mut runs = Vec::new();
    for protocol in options.protocols() {
        let phases = Phases { silent: options.json_only, name: protocol.name };
        let report = measure(&stoa, protocol, phases, &options.subject.revision).await?;
        if !options.json_only {
            report.print();
        }
        runs.push(report);
    }
    say(&serde_json::to_string(&Summary::of(runs))?);
    Ok(())
}

/// Says what is being done.
#[derive(Clone, Copy)]
struct Phases {
    silent: bool,
    name: &'static str,
}

impl Phases {
    fn begin(self, phase: &str) {
        if !self.silent {
            say(&format!("{}: {phase}", self.name));
        }
    }
}

async fn measure(
    stoa: &Path,
    protocol: Protocol,
    phases: Phases,
    revision: &str,
) -> Result<Report> {
    let load_before = report::load_average();
    phases.begin("start a server on a new directory");
    let server = Server::start(stoa, &protocol).await?;
    let node = Node::new(&server.dev.rpc_url)?;
    let size = (protocol.mints, protocol.wallets as usize, protocol.clients);
    phases.begin("raw pushes to the node, the ceiling");
    let before = ceiling::measure(&node, server.dev.chain_id, size).await?;
    phases.begin("mints that are not counted");
    mints(&server, &node, WARM_UP, protocol.clients).await?;
    phases.begin("mints");
    let mints = mints(&server, &node, protocol.mints, protocol.clients).await?;
    // Once more: on a shared machine the two differ, and the higher one is the ceiling.
    phases.begin("raw pushes to the node, once more");
    let after = ceiling::measure(&node, server.dev.chain_id, size).await?;
    let node_version = node.call("web3_clientVersion", json!([])).await?;
    Ok(Report {
        ratios: Ratios::of(&mints, &[&before, &after]),
        mints,
        ceiling: [before, after],
        machine: Machine {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            load_before,
            load_after: report::load_average(),
            node: node_version.as_str().unwrap_or_default().to_owned(),
            revision: revision.to_owned(),
            started_in_s: rounded(server.started_in.as_secs_f64()),
        },
        protocol,
    })
}

/// Ask for `count` mints, follow them on the stream, and check them on chain.
async fn mints(server: &Server, node: &Node, count: usize, clients: usize) -> Result<Mints> {
    let dev = &server.dev;
    let wanted = Wanted::many(&uuid::Uuid::now_v7().to_string(), count);
    let recipients: Vec<Address> = wanted.iter().map(|mint| mint.to).collect();
    let supply_before = supply(node, dev).await?;
    let mut reader = JoinSet::new();
    reader.spawn(Stream::open(dev, &["mints"]).await?.collect(count));
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
    let chain = Chain::of(&node.blocks(first_block + 1, last_block).await?, count);
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
        chain,
        cpu_ms_per_mint: (cpu.0.values().sum::<f64>() / count as f64 * 1e5).round() / 1e2,
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
        }
    }
}

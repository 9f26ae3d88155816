//! `bench tx`: transfers of one wei to unique recipients, from the request to the chain, with one,
//! ten and fifty wallets, on blocks of a second and on a node that mines at once. Beside each run,
//! on the same node: raw pushes of signed transfers. Beside accepting: a handler that commits one
//! row.

mod report;

use crate::{
    ceiling::{self, Ceiling},
    cpu::Cpu,
    node::Node,
    post::{self, Pace, Target, Transfer},
    quantile::{Quantiles, rounded},
    server::{Server, Start, endpoint_of},
    subject::Subject,
};
use anyhow::{Context, Result, ensure};
use clap::Args;
use devstack::{Anvil, AnvilOptions, Postgres, PostgresOptions};
use report::{Bare, HalfRate, Report, Run};
use serde_json::json;
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Transfers before the clock starts, so that connections, caches and plans are made.
const WARM_UP: usize = 200;
/// Without any transfer mined for so long, they are lost.
const MINED_MAX: Duration = Duration::from_secs(60);

/// Transfers of a run on a node that mines at once: with more, anvil 1.7.1 falls so far behind raw
/// pushes that it never comes to their end.
const AUTOMINE_MAX: usize = 1_000;

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Transfers per run.
    #[arg(long, default_value_t = 3_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    transfers: u32,
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
    report.bare = bare(&options).await?;
    for block_time in [Some(1.0), None] {
        if block_time.is_none() && options.interval_only {
            continue;
        }
        for &wallets in &options.wallets {
            report.runs.push(one(&options, block_time, wallets).await?);
        }
    }
    report.print(options.json_only)
}

async fn one(options: &Options, block_time: Option<f64>, wallets: u32) -> Result<Run> {
    let (_directory, anvil) = node(block_time)?;
    let node = Node::new(&anvil.http_url())?;
    let clients = options.clients as usize;
    let most = if block_time.is_none() { AUTOMINE_MAX } else { usize::MAX };
    let count = most.min(options.transfers as usize);
    let chain_id = 31_337;
    let size = (count, wallets as usize, clients);
    let before = ceiling::measure(&node, chain_id, size).await?;
    let stoa = options.subject.program()?;
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
    let server = Server::start_with(&stoa, &start).await?;
    let target = Target {
        http: server.dev.http.clone(),
        key: server.dev.operator_api_key.clone(),
        chain_id,
    };
    transfers(&node, &target, WARM_UP.max(wallets as usize), clients, Pace::Closed).await?;
    let cpu = Cpu::of(server.id());
    let measured = transfers(&node, &target, count, clients, Pace::Closed).await?;
    let cpu = Cpu::of(server.id()).since(&cpu);
    let rate = measured.accepted_per_second / 2.0;
    let half = transfers(&node, &target, count / 2, clients, Pace::Open(rate)).await?;
    drop(server);
    let after = ceiling::measure(&node, chain_id, size).await?;
    Ok(Run {
        wallets,
        block_time_s: block_time,
        accepted_per_second: measured.accepted_per_second,
        confirmed_per_second: measured.confirmed_per_second,
        api: measured.api,
        half_rate: HalfRate { rate: rounded(rate), api: half.api },
        ceiling: [before, after],
        cpu_seconds: cpu,
    })
}

fn node(block_time: Option<f64>) -> Result<(TempDir, Anvil)> {
    let directory = tempfile::Builder::new().prefix("stoa-bench-node").tempdir()?;
    let tools = std::env::var_os("STOA_TOOLS").map_or_else(|| "tools/bin".into(), PathBuf::from);
    let options = AnvilOptions {
        program: tools.join("anvil"),
        directory: directory.path().to_owned(),
        block_time,
        chain_id: 31_337,
        keep_state: false,
        extra: Vec::new(),
    };
    let anvil = Anvil::start(&options)?;
    Ok((directory, anvil))
}

struct Measured {
    accepted_per_second: f64,
    confirmed_per_second: f64,
    api: Quantiles,
}

/// Ask for `count` transfers, wait until the chain has them, and see that each is there once.
async fn transfers(
    node: &Node,
    target: &Target,
    count: usize,
    clients: usize,
    pace: Pace,
) -> Result<Measured> {
    let wanted = Transfer::many(&uuid::Uuid::now_v7().to_string(), count);
    let first_block = node.number("eth_blockNumber", json!([])).await?;
    let started = Instant::now();
    let mined = wait_mined(node, first_block, count);
    let asked = async {
        let took = post::run(target, &wanted, clients, pace).await?;
        anyhow::Ok((took, started.elapsed()))
    };
    let (asked, mined) = tokio::join!(asked, mined);
    let ((took, accepted), ()) = (asked?, mined?);
    let confirmed = started.elapsed();
    check(node, &wanted).await?;
    let rate = |time: Duration| rounded(count as f64 / time.as_secs_f64());
    Ok(Measured {
        accepted_per_second: rate(accepted),
        confirmed_per_second: rate(confirmed),
        api: Quantiles::of(took),
    })
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

/// The ceiling of accepting.
async fn bare(options: &Options) -> Result<Bare> {
    let directory = tempfile::Builder::new()
        .prefix("stoa-bench-bare")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir()?;
    let postgres = Postgres::start(&PostgresOptions {
        directory: directory.path().join("postgres"),
        durable: true,
        connections_max: 64,
    })?;
    postgres.ensure_database("bare")?;
    let mut child = Handler(
        Command::new(std::env::current_exe()?)
            .args(["bare", "--database", &postgres.url("bare")])
            .stdout(Stdio::piped())
            .spawn()?,
    );
    let mut address = String::new();
    let out = child.0.stdout.take().context("no output")?;
    BufReader::new(out).read_line(&mut address)?;
    let target = Target {
        http: format!("http://{}", address.trim()),
        key: "none".to_owned(),
        chain_id: 31_337,
    };
    let clients = options.clients as usize;
    post::run(&target, &Transfer::many("warm", WARM_UP), clients, Pace::Closed).await?;
    let wanted = Transfer::many("bare", options.transfers as usize);
    let started = Instant::now();
    let took = post::run(&target, &wanted, clients, Pace::Closed).await?;
    let rate = rounded(wanted.len() as f64 / started.elapsed().as_secs_f64());
    Ok(Bare { accepted_per_second: rate, api: Quantiles::of(took) })
}

/// Ends with us.
struct Handler(Child);

impl Drop for Handler {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! `bench index`: a chain of 200,001 transfers into an empty database, by `stoa index run` as a
//! process of its own; beside it, on the same node, what fetching and parsing alone cost. After
//! each run every row is compared with the node's own logs: a run with a missing, an additional or
//! a different row fails.

mod calls;
mod compare;
mod floor;
mod ponder;
mod reproject;
mod usage;
pub(crate) mod workload;

use crate::{report::load_average, say, subject::Subject};
use anyhow::{Context, Result, ensure};
use clap::Args;
use compare::Rows;
use devstack::{Postgres, PostgresOptions};
use serde::Serialize;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use usage::{Use, Watched};
use workload::{Shape, Workload};

/// Longer than this no run may take.
const PATIENCE: Duration = Duration::from_secs(900);

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Blocks that hold logs.
    #[arg(long, default_value_t = 2_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(2..=100_000))]
    blocks: u64,
    /// Logs in each of them, made by one transaction of at most 2^24 gas.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    logs: u64,
    /// Of the ERC-20 alone, among few holders: more than 200 logs fit into a block, and the node,
    /// which hashes whatever contracts keep at each block, makes a long chain in minutes.
    #[arg(long)]
    tokens: bool,
    /// 50,000 blocks with a log of the ERC-20 each, instead.
    #[arg(long, conflicts_with_all = ["blocks", "logs", "tokens"])]
    sparse: bool,
    /// Runs of each kind.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    runs: u32,
    /// Ask the node for no more than so many calls a second.
    #[arg(long)]
    throttle: Option<f64>,
    /// Also with the header of every block proven (`prove_settled`).
    #[arg(long)]
    proven: bool,
    /// Also Ponder, cold and from its cache, on the same node (npm installs it).
    #[arg(long)]
    ponder: bool,
    /// Where chains are kept between runs.
    #[arg(long, default_value = "target/bench-index", value_name = "DIR")]
    cache: PathBuf,
    #[command(flatten)]
    subject: Subject,
}

/// What is done with the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// They are kept, as rindexer keeps them, and nothing else is made of them.
    Raw,
    Projected,
    /// Also with the header of every block.
    ProjectedProven,
}

impl Kind {
    fn label(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Projected => "projected",
            Self::ProjectedProven => "projected_proven",
        }
    }
}

/// One run.
#[derive(Clone, Debug, Serialize)]
struct Run {
    kind: Kind,
    /// From the start of the process to its end, at the node's head, indexes built.
    wall_s: f64,
    events_per_second: f64,
    own_cpu_s: f64,
    postgres_cpu_s: f64,
    node_cpu_s: f64,
    peak_rss_mb: f64,
    rows: Rows,
    load_before: String,
}

#[derive(Clone, Debug, Serialize)]
struct Report {
    bench: &'static str,
    blocks: u64,
    events: u64,
    head: u64,
    throttle: Option<f64>,
    /// Anchor: rindexer 0.41 on this workload, on a quiet machine (research of 2026-11-20).
    anchor_wall_s: f64,
    anchor_cpu_s: f64,
    anchor_rss_mb: f64,
    floor: floor::Floor,
    runs: Vec<Run>,
    /// After each run that projects, on what it has left.
    reprojected: Vec<reproject::Reprojected>,
    ponder: Vec<ponder::PonderRun>,
    /// Of one run more, through a counting proxy: JSON-RPC calls by method, and HTTP requests.
    rpc: calls::Calls,
    revision: String,
    cores: usize,
}

pub async fn run(options: Options) -> Result<()> {
    let shape = match options.sparse {
        true => Shape { blocks: 50_000, logs: 1, tokens: true },
        false => Shape { blocks: options.blocks, logs: options.logs, tokens: options.tokens },
    };
    ensure!(shape.tokens || shape.logs <= 200, "more than 200 logs only with --tokens");
    let blocks = shape.blocks;
    let stoa = options.subject.program()?;
    let workload = Workload::open(&options.cache, shape).await?;
    let truth = compare::Truth::of(&workload).await?;
    let events = truth.count();
    say(&format!("{events} logs in {blocks} blocks, head {}", workload.head));
    let floor = floor::measure(&workload).await?;
    say(&format!(
        "{:<22} {:>8.2} s {:>7.2} s cpu",
        "fetch and parse alone", floor.wall_s, floor.cpu_s
    ));
    let bench = Bench { stoa, workload, truth, throttle: options.throttle };
    let (mut runs, mut reprojected) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        for kind in [Kind::Raw, Kind::Projected, Kind::ProjectedProven] {
            if kind == Kind::ProjectedProven && !options.proven {
                continue;
            }
            let (run, again) = bench.measure(kind).await?;
            runs.push(run);
            reprojected.extend(again);
        }
    }
    let ponder = match options.ponder {
        true => ponder::measure(&options.cache, &bench.workload, events).await?,
        false => Vec::new(),
    };
    let rpc = bench.count_calls().await?;
    say(&format!("{} calls in {} requests: {:?}", rpc.calls, rpc.requests, rpc.by_method));
    let report = Report {
        bench: "index",
        blocks,
        events,
        head: bench.workload.head,
        throttle: options.throttle,
        anchor_wall_s: 2.7,
        anchor_cpu_s: 3.1,
        anchor_rss_mb: 711.0,
        floor,
        runs,
        reprojected,
        ponder,
        rpc,
        revision: options.subject.revision,
        cores: std::thread::available_parallelism().map_or(1, usize::from),
    };
    say(&serde_json::to_string(&report)?);
    Ok(())
}

struct Bench {
    stoa: PathBuf,
    workload: Workload,
    truth: compare::Truth,
    throttle: Option<f64>,
}

impl Bench {
    /// One run on a cluster of its own, with the settings of the anchor's; if it projects, all of
    /// it is projected anew afterwards.
    async fn measure(&self, kind: Kind) -> Result<(Run, Option<reproject::Reprojected>)> {
        let load_before = load_average();
        let home = cluster_home()?;
        let postgres = start_cluster(home.path())?;
        let database = postgres.url("index");
        let config = self.write_config(home.path(), &self.workload.url, kind)?;
        let servers = [postgres.id().context("the cluster is not ours")?];
        let before = (Use::of_tree(servers[0]), Use::of(self.workload.node_id()));
        let started = Instant::now();
        let watched = self.start(&database, &config)?.wait(PATIENCE)?;
        let wall = started.elapsed().as_secs_f64();
        let after = (Use::of_tree(servers[0]), Use::of(self.workload.node_id()));
        let rows = self.truth.compare(&database).await?;
        ensure!(rows.are_right(), "the rows differ from the node's logs: {rows:?}");
        let run = Run {
            kind,
            wall_s: cents(wall),
            events_per_second: (self.truth.count() as f64 / wall).round(),
            own_cpu_s: cents(watched.cpu_s),
            postgres_cpu_s: cents(after.0.cpu_s - before.0.cpu_s),
            node_cpu_s: cents(after.1.cpu_s - before.1.cpu_s),
            peak_rss_mb: (watched.peak_rss_mb).round(),
            rows,
            load_before,
        };
        say(&format!(
            "{:<22} {:>8.2} s {:>7.2} s cpu + {:.2} s Postgres, {} events/s, {} MB; node {:.2} s; \
             load {}",
            run.kind.label(),
            run.wall_s,
            run.own_cpu_s,
            run.postgres_cpu_s,
            run.events_per_second,
            run.peak_rss_mb,
            run.node_cpu_s,
            run.load_before,
        ));
        if kind == Kind::Raw {
            return Ok((run, None));
        }
        let again = reproject::measure(&self.stoa, &database, servers[0], run.rows.right).await?;
        Ok((run, Some(again)))
    }

    /// The same once more, not timed, through a proxy that counts.
    async fn count_calls(&self) -> Result<calls::Calls> {
        let home = cluster_home()?;
        let postgres = start_cluster(home.path())?;
        let proxy = calls::Proxy::before(&self.workload.url).await?;
        let config = self.write_config(home.path(), &proxy.url, Kind::Projected)?;
        let database = postgres.url("index");
        let running = self.start(&database, &config)?;
        tokio::task::spawn_blocking(move || running.wait(PATIENCE)).await??;
        let rows = self.truth.compare(&database).await?;
        ensure!(rows.are_right(), "the rows differ from the node's logs: {rows:?}");
        Ok(proxy.calls())
    }

    fn start(&self, database: &str, config: &Path) -> Result<Watched> {
        let mut command = Command::new(&self.stoa);
        command
            .args(["--log", "warn", "index", "run", "--until-head"])
            .arg("--config")
            .arg(config)
            .args(["--database-url", database])
            .stdin(Stdio::null());
        Watched::start(command)
    }

    fn write_config(&self, home: &Path, rpc: &str, kind: Kind) -> Result<PathBuf> {
        let (proven, projected) = (kind == Kind::ProjectedProven, kind != Kind::Raw);
        let mut text = format!("[indexer]\nprove_settled = {proven}\n");
        text.push_str(&format!("[[endpoints]]\nurl = \"{rpc}\"\ntimeout_ms = 60000\n"));
        if let Some(rate) = self.throttle {
            text.push_str(&format!("requests_per_second = {rate:?}\nburst = {rate:?}\n"));
        }
        for (address, standard) in &self.workload.contracts {
            text.push_str(&format!(
                "[[sources]]\naddress = \"{address}\"\nstandard = \"{standard}\"\n\
                 start_block = 1\nprojected = {projected}\n"
            ));
        }
        let path = home.join("stoa.toml");
        fs::write(&path, text)?;
        Ok(path)
    }
}

fn cluster_home() -> Result<tempfile::TempDir> {
    Ok(tempfile::Builder::new()
        .prefix("stoa-bench-index")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir()?)
}

fn start_cluster(home: &Path) -> Result<Postgres> {
    let postgres = Postgres::start(&PostgresOptions {
        directory: home.join("postgres"),
        durable: true,
        connections_max: 32,
    })?;
    postgres.ensure_database("index")?;
    Ok(postgres)
}

fn cents(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

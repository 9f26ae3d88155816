//! `bench stream`: thousands of clients on one node, each a WebSocket, and how long a fact takes to
//! each of them; what a client costs the server in memory; and connections that are cut at random
//! and resumed, after which each client must have every fact once. Beside it, in the same run: a
//! bare broadcaster of tokio-tungstenite with as many clients and messages as long.
//!
//! Facts are put where use cases put them, in the outbox, so that nothing but the log and the
//! stream is measured, and the moment of the commit is known.

pub mod broadcaster;
mod client;
mod source;

use crate::{
    cpu::Cpu,
    quantile::{Quantiles, rounded},
    report::load_average,
    say,
    server::{Server, Start},
    subject::Subject,
};
use anyhow::{Context, Result, ensure};
use clap::Args;
use client::{Crowd, Kind};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde::Serialize;
use source::Source;
use std::{fs, time::Duration};

/// Files of a process beside its sockets.
const FILES_BESIDE: u64 = 200;
/// Facts before those that count.
const WARM_UP: usize = 3;

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Clients, each with a connection of its own.
    #[arg(long, default_value_t = 10_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=19_000))]
    clients: u32,
    /// Facts that are timed, each to all clients.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    facts: u32,
    /// Time between two of them, in milliseconds.
    #[arg(long, default_value_t = 1_000)]
    every_ms: u64,
    /// Facts during which connections are cut.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    cut_facts: u32,
    /// Each message ends its connection with this probability, in thousandths.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=500))]
    cut_permille: u32,
    #[command(flatten)]
    subject: Subject,
}

#[derive(Debug, Serialize)]
struct Report {
    bench: &'static str,
    clients: u32,
    facts: u32,
    every_ms: u64,
    message_bytes: usize,
    /// From the commit to each client.
    stoa: Figures,
    /// The bare broadcaster: from handing over to each client.
    bare: Figures,
    /// p99 of the engine to the broadcaster's.
    p99_ratio: f64,
    cut: Cut,
    cpu_seconds: Cpu,
    load_before: String,
    revision: String,
    cores: usize,
}

#[derive(Debug, Serialize)]
struct Figures {
    fact_to_client: Quantiles,
    connected_per_second: f64,
    /// Resident memory of the server, more than before the clients came, for each of them.
    bytes_per_client: u64,
}

#[derive(Debug, Default, Serialize)]
struct Cut {
    facts: u32,
    cuts: usize,
    received: usize,
    gaps: usize,
    doubles: usize,
}

pub async fn run(options: Options) -> Result<()> {
    let load_before = load_average();
    let wanted = u64::from(options.clients) + FILES_BESIDE;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    ensure!(most >= wanted, "{wanted} open files are needed, and {most} allowed (ulimit -n)");
    // The servers that we start inherit it.
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let bare = measure_bare(&options).await?;
    say(&format!("bare broadcaster  {bare:?}"));
    let server = Server::start_with(&options.subject.program()?, &Start::default()).await?;
    server.season().await?;
    let cpu = Cpu::of(server.id());
    let source = Source::engine(&server).await?;
    let address = server.dev.http.strip_prefix("http://").context("not plain HTTP")?;
    let (crowd, stoa) = measure(&options, server.id(), (address, Kind::Engine), source).await?;
    say(&format!("engine            {stoa:?}"));
    let cut = cut(&options, crowd).await?;
    let report = Report {
        bench: "stream",
        clients: options.clients,
        facts: options.facts,
        every_ms: options.every_ms,
        message_bytes: source::MESSAGE,
        p99_ratio: rounded(stoa.fact_to_client.p99_ms / bare.fact_to_client.p99_ms),
        stoa,
        bare,
        cut,
        cpu_seconds: Cpu::of(server.id()).since(&cpu),
        load_before,
        revision: options.subject.revision,
        cores: std::thread::available_parallelism().map_or(1, usize::from),
    };
    say(&serde_json::to_string(&report)?);
    let Cut { gaps, doubles, .. } = report.cut;
    ensure!(gaps == 0 && doubles == 0, "{gaps} gaps, {doubles} doubles");
    Ok(())
}

async fn measure_bare(options: &Options) -> Result<Figures> {
    let bare = broadcaster::Process::start().await?;
    let source = Source::bare(&bare).await?;
    let of = (bare.address.as_str(), Kind::Bare);
    Ok(measure(options, bare.id(), of, source).await?.1)
}

async fn measure(
    options: &Options,
    server: u32,
    (address, kind): (&str, Kind),
    source: Source,
) -> Result<(Crowd, Figures)> {
    let before = resident(server)?;
    let mut crowd = Crowd::connect(address, kind, source, options.clients).await?;
    let every = Duration::from_millis(options.every_ms);
    crowd.tell(WARM_UP, every).await?;
    let grown = resident(server)?.saturating_sub(before);
    let times = crowd.tell(options.facts as usize, every).await?;
    let figures = Figures {
        fact_to_client: Quantiles::of(times),
        connected_per_second: rounded(crowd.connected_per_second),
        bytes_per_client: grown / u64::from(options.clients),
    };
    Ok((crowd, figures))
}

async fn cut(options: &Options, mut crowd: Crowd) -> Result<Cut> {
    crowd.cut_permille(options.cut_permille);
    let every = Duration::from_millis(options.every_ms);
    crowd.tell(options.cut_facts as usize, every).await?;
    let told = crowd.end().await?;
    Ok(Cut {
        facts: options.cut_facts,
        cuts: told.cuts,
        received: told.received,
        gaps: told.gaps,
        doubles: told.doubles,
    })
}

/// Bytes.
fn resident(process: u32) -> Result<u64> {
    let statm = fs::read_to_string(format!("/proc/{process}/statm"))?;
    let pages: u64 = statm.split(' ').nth(1).context("no figure")?.parse()?;
    Ok(pages * 4_096)
}

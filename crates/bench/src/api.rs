//! `bench api`: reads and writes at fixed rates, each due at its time whether the ones before were
//! answered or not, beside handlers of the same framework that do nothing, or one `SELECT`.
//!
//! For each kind of request: the highest rate at which 99 of 100 are answered within 100 ms, in one
//! of three rounds, and at half of that, how long answers take, in the middle one of three. A
//! shared machine stands still now and then, whoever is measured. Waiting for a free connection
//! counts as time to the answer.

mod open;
mod requests;

use crate::{
    api::{
        open::Latency,
        requests::{Kind, Requests, Site},
    },
    cpu::Cpu,
    load::{self, Wanted},
    quantile::rounded,
    report::load_average,
    say,
    server::{DevFile, Server, Start},
    subject::Subject,
};
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;
use std::time::{Duration, Instant};

/// A rate is borne when 99 of 100 answers take no longer.
const BORNE: Duration = Duration::from_millis(100);
/// Where the search begins, and how it goes on.
const FIRST_RATE: f64 = 400.0;
const STEP: f64 = 1.5;
const HALVINGS: u32 = 3;
/// Rounds of one rate.
const TRIES: usize = 3;
/// Items that reads go over.
const ITEMS: usize = 200;
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Keep-alive connections.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Seconds of each round of the search; the round at half the peak takes twice as long.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Only these kinds of request.
    #[arg(long, value_enum, value_delimiter = ',')]
    kinds: Vec<Kind>,
    #[command(flatten)]
    subject: Subject,
}

#[derive(Debug, Serialize)]
struct Report {
    bench: &'static str,
    clients: usize,
    kinds: Vec<Figures>,
    /// A read of one item to a bare `SELECT` of its row (bar 0.6).
    item_to_select: Option<f64>,
    /// A read of one item that is kept to a bare handler (bar 0.5).
    cached_to_bare: Option<f64>,
    /// At half of its peak, p99 of an item to a bare handler's (bar 5).
    item_to_bare_p99: Option<f64>,
    load_before: String,
    revision: String,
    cores: usize,
}

/// Of one kind of request.
#[derive(Clone, Debug, Serialize)]
struct Figures {
    kind: Kind,
    /// Requests per second.
    peak: f64,
    at_half: Latency,
    /// Processor seconds per second at half the peak.
    cpu: Cpu,
}

pub async fn run(options: Options) -> Result<()> {
    let load_before = load_average();
    let server = Server::start_with(&options.subject.program()?, &Start::default()).await?;
    server.season().await?;
    let site = prepare(&server).await?;
    let mut kinds = Vec::new();
    for kind in Kind::ALL {
        if !options.kinds.is_empty() && !options.kinds.contains(&kind) {
            continue;
        }
        let figures = measure(&options, &server, &site, kind).await?;
        let Figures { peak, at_half, .. } = &figures;
        say(&format!(
            "{:<8} {peak:>8.0} a second; at half of that p50 {:.1}, p99 {:.1}, p99.9 {:.1} ms",
            kind.name(),
            at_half.p50_ms,
            at_half.p99_ms,
            at_half.p999_ms,
        ));
        kinds.push(figures);
    }
    let of = |kind| kinds.iter().find(|figures: &&Figures| figures.kind == kind);
    let both = |a, b| of(a).zip(of(b));
    let report = Report {
        bench: "api",
        clients: options.clients,
        item_to_select: both(Kind::Item, Kind::Select).map(|(a, b)| rounded(a.peak / b.peak)),
        cached_to_bare: both(Kind::Cached, Kind::Bare).map(|(a, b)| rounded(a.peak / b.peak)),
        item_to_bare_p99: both(Kind::Item, Kind::Bare)
            .map(|(a, b)| rounded(a.at_half.p99_ms / b.at_half.p99_ms)),
        kinds,
        load_before,
        revision: options.subject.revision,
        cores: std::thread::available_parallelism().map_or(1, usize::from),
    };
    say(&serde_json::to_string(&report)?);
    Ok(())
}

/// Items on chain and in the index, and the bare handlers on the same database.
async fn prepare(server: &Server) -> Result<Site> {
    let wanted = Wanted::many(&uuid::Uuid::now_v7().to_string(), ITEMS);
    load::run(&server.dev, wanted, 8).await?;
    let started = Instant::now();
    let items = loop {
        let items = items(&server.dev).await?;
        if items.len() >= ITEMS {
            break items;
        }
        ensure!(started.elapsed() < PATIENCE, "only {} of {ITEMS} items", items.len());
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    Site::start(server, items).await
}

/// Contract and token id of each.
async fn items(dev: &DevFile) -> Result<Vec<(String, String)>> {
    let url = format!("{}/api/v1/items?limit=200", dev.http);
    let page: serde_json::Value = reqwest::get(url).await?.json().await?;
    let items = page["items"].as_array().context("no list of items")?;
    let text = |item: &serde_json::Value, name: &str| item[name].as_str().map(str::to_owned);
    Ok(items.iter().filter_map(|item| text(item, "contract").zip(text(item, "token_id"))).collect())
}

async fn measure(options: &Options, server: &Server, site: &Site, kind: Kind) -> Result<Figures> {
    let requests = site.requests(kind);
    let lasting = Duration::from_secs_f64(options.seconds);
    let round = |rate, lasting| open::run(&requests, options.clients, rate, lasting);
    // Connections, caches and plans are made before it counts.
    round(FIRST_RATE, lasting / 2).await?;
    let peak = peak(&requests, options.clients, lasting).await?;
    let before = Cpu::of(server.id());
    let mut halves = Vec::new();
    for _ in 0..TRIES {
        halves.push(round(peak / 2.0, 2 * lasting).await?.latency);
    }
    let mut cpu = Cpu::of(server.id()).since(&before);
    let seconds = 2.0 * options.seconds * TRIES as f64;
    cpu.0.values_mut().for_each(|spent| *spent /= seconds);
    halves.sort_by_key(Latency::p99);
    Ok(Figures { kind, peak: peak.round(), at_half: halves.swap_remove(TRIES / 2), cpu })
}

/// The highest rate that is borne: found by steps up, then between the last two.
async fn peak(requests: &Requests, clients: usize, lasting: Duration) -> Result<f64> {
    let (mut borne, mut rate) = (0.0, FIRST_RATE);
    while is_borne(requests, clients, rate, lasting).await? {
        (borne, rate) = (rate, rate * STEP);
    }
    for _ in 0..HALVINGS {
        let between = f64::midpoint(borne, rate);
        if is_borne(requests, clients, between, lasting).await? {
            borne = between;
        } else {
            rate = between;
        }
    }
    ensure!(borne > 0.0, "not even {FIRST_RATE} a second are borne");
    Ok(borne)
}

async fn is_borne(
    requests: &Requests,
    clients: usize,
    rate: f64,
    lasting: Duration,
) -> Result<bool> {
    for _ in 0..TRIES {
        let round = open::run(requests, clients, rate, lasting).await?;
        if round.is_whole() && round.latency.p99() <= BORNE {
            return Ok(true);
        }
        // What was too much is still being worked off.
        tokio::time::sleep(lasting / 4).await;
    }
    Ok(false)
}

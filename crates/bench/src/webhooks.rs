//! `bench webhooks`: many endpoints, each told of the mints of one owner, at a fixed rate; how long
//! it takes from a fact to its delivery. First all are alive; then, on a fresh server, a tenth is
//! dead: connections refused, requests never answered, and 500, a third each. What counts are the
//! others, the same ones in both.

mod receiver;

use crate::{
    cpu::Cpu,
    quantile::Quantiles,
    report::load_average,
    say,
    server::{Server, Start},
    subject::Subject,
};
use alloy_primitives::{Address, keccak256};
use anyhow::{Context, Result, ensure};
use clap::Args;
use receiver::{Receiver, Taken};
use reqwest::Client;
use serde::Serialize;
use serde_json::json;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

/// Some raw block.
const URI: &str = "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
/// Every tenth endpoint is dead, where some are.
const DEAD_EACH: usize = 10;
/// Without a delivery that is due for so long, one is lost.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests under way that make or warm up.
const TOGETHER: usize = 16;

#[derive(Args, Clone, Debug)]
pub struct Options {
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..=9_999))]
    endpoints: u32,
    /// Facts a second, each wanted by one endpoint.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    rate: u32,
    /// Seconds that are measured.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Seconds of the same before that.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=600))]
    warm_up: u32,
    #[command(flatten)]
    subject: Subject,
}

#[derive(Debug, Serialize)]
struct Report {
    bench: &'static str,
    endpoints: u32,
    dead: usize,
    facts_per_second: u32,
    seconds: u32,
    all_alive: Round,
    some_dead: Round,
    /// Of the living, with the dead beside them, to without: what has to stay near 1.
    ratio_p50: f64,
    ratio_p99: f64,
    load_before: String,
    revision: String,
    cores: usize,
    optimised: bool,
}

/// What was measured of one server.
#[derive(Clone, Debug, Serialize)]
struct Round {
    /// From the fact to the request at the endpoint, of those that are alive in both rounds.
    fact_to_delivery: Quantiles,
    delivered: usize,
    /// Came a second time.
    repeated: usize,
    /// Requests that dead ones got and did not take.
    refused: usize,
    cpu_seconds: Cpu,
}

pub async fn run(options: Options) -> Result<()> {
    let load_before = load_average();
    let all_alive = measure(&options, false).await?;
    let some_dead = measure(&options, true).await?;
    let ratio = |of: fn(&Quantiles) -> f64| {
        let (with, without) = (of(&some_dead.fact_to_delivery), of(&all_alive.fact_to_delivery));
        (with / without.max(0.1) * 100.0).round() / 100.0
    };
    let report = Report {
        bench: "webhooks",
        endpoints: options.endpoints,
        dead: (0..options.endpoints as usize).filter(|n| is_dead(*n)).count(),
        facts_per_second: options.rate,
        seconds: options.seconds,
        ratio_p50: ratio(|times| times.p50_ms),
        ratio_p99: ratio(|times| times.p99_ms),
        all_alive,
        some_dead,
        load_before,
        revision: options.subject.revision.clone(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        optimised: !cfg!(debug_assertions),
    };
    for (name, round) in [("all alive", &report.all_alive), ("a tenth dead", &report.some_dead)] {
        let Quantiles { p50_ms, p95_ms, p99_ms, max_ms } = round.fact_to_delivery;
        say(&format!(
            "{name:<13} p50 {p50_ms:.1} ms, p95 {p95_ms:.1} ms, p99 {p99_ms:.1} ms, \
             max {max_ms:.1} ms; {} delivered, {} repeated, {} refused",
            round.delivered, round.repeated, round.refused,
        ));
    }
    say(&format!(
        "with dead ones to without: p50 × {}, p99 × {}",
        report.ratio_p50, report.ratio_p99
    ));
    say(&serde_json::to_string(&report)?);
    Ok(())
}

fn is_dead(endpoint: usize) -> bool {
    endpoint.is_multiple_of(DEAD_EACH)
}

async fn measure(options: &Options, with_dead: bool) -> Result<Round> {
    let config = "[webhooks]\nallowed_networks = [\"127.0.0.1\"]\nendpoints_max = 20000\n";
    let start = Start { config: Some(config.to_owned()), ..Start::default() };
    let server = Server::start_with(&options.subject.program()?, &start).await?;
    server.season().await?;
    let receiver = Receiver::start().await?;
    let api = Arc::new(Api::of(&server)?);
    let count = options.endpoints as usize;
    in_parallel(count, |n| {
        let (api, url) = (api.clone(), receiver.url(n, with_dead.then(|| kind(n)).flatten()));
        async move { api.make_endpoint(n, &url).await }
    })
    .await?;
    let mut asked = 0;
    api.mint_at(options, options.warm_up, &mut asked).await?;
    let cpu = Cpu::of(server.id());
    let began = asked;
    api.mint_at(options, options.seconds, &mut asked).await?;
    let due: Vec<usize> = (began..asked).filter(|n| !is_dead(n % count)).collect();
    let taken = await_all(&receiver, &due).await?;
    let cpu_seconds = Cpu::of(server.id()).since(&cpu);
    let times: Vec<Duration> = due.iter().filter_map(|n| Some(taken.get(n)?.after)).collect();
    Ok(Round {
        delivered: times.len(),
        fact_to_delivery: Quantiles::of(times),
        repeated: taken.values().map(|taken| taken.times - 1).sum(),
        refused: receiver.refused(),
        cpu_seconds,
    })
}

/// How a dead one is dead.
fn kind(endpoint: usize) -> Option<receiver::Dead> {
    use receiver::Dead;
    let kinds = [Dead::Refusing, Dead::Hanging, Dead::Failing];
    is_dead(endpoint).then(|| kinds[endpoint / DEAD_EACH % kinds.len()])
}

/// Until all that are due were taken, by the number of their mint.
async fn await_all(receiver: &Receiver, due: &[usize]) -> Result<HashMap<usize, Taken>> {
    let (mut progress, mut before) = (Instant::now(), 0);
    loop {
        let taken = receiver.taken();
        let there = due.iter().filter(|n| taken.contains_key(n)).count();
        if there == due.len() {
            return Ok(taken);
        }
        if there > before {
            (progress, before) = (Instant::now(), there);
        }
        ensure!(progress.elapsed() < PATIENCE, "only {there} of {} were delivered", due.len());
        sleep(Duration::from_millis(100)).await;
    }
}

struct Api {
    http: Client,
    origin: String,
    key: String,
}

impl Api {
    fn of(server: &Server) -> Result<Self> {
        let http = Client::builder().timeout(Duration::from_secs(30)).build()?;
        let dev = &server.dev;
        Ok(Self { http, origin: dev.http.clone(), key: dev.operator_api_key.clone() })
    }

    async fn post(&self, path: &str, key: &str, body: &serde_json::Value) -> Result<()> {
        let request = self.http.post(format!("{}/api/v1/{path}", self.origin));
        let request = request.bearer_auth(&self.key).header("idempotency-key", key);
        let request = request.header("x-request-id", key).json(body);
        let response = request.send().await?;
        let status = response.status();
        ensure!(status.is_success(), "{path}: {status} {}", response.text().await?);
        Ok(())
    }

    /// Told when somebody asks for a mint for its owner.
    async fn make_endpoint(&self, n: usize, url: &str) -> Result<()> {
        let body = json!({ "url": url, "topics": ["mints"], "events": ["mint_requested"],
            "addresses": [owner(n)] });
        self.post("webhooks", &format!("endpoint-{n}"), &body).await
    }

    /// Ask for mints for so long, one owner after the other, whether or not the ones before were
    /// answered. The number of each is its label.
    async fn mint_at(
        self: &Arc<Self>,
        options: &Options,
        seconds: u32,
        asked: &mut usize,
    ) -> Result<()> {
        let began = Instant::now();
        let total = (options.rate * seconds) as usize;
        let mut under_way = JoinSet::new();
        for n in 0..total {
            let at = Duration::from_secs_f64(n as f64 / f64::from(options.rate));
            sleep(at.saturating_sub(began.elapsed())).await;
            let (api, number, count) = (self.clone(), *asked, options.endpoints as usize);
            under_way.spawn(async move {
                let body = json!({ "to": owner(number % count), "uri": URI });
                api.post("mints", &number.to_string(), &body).await
            });
            *asked += 1;
            while let Some(done) = under_way.try_join_next() {
                done??;
            }
        }
        while let Some(done) = under_way.join_next().await {
            done??;
        }
        Ok(())
    }
}

fn owner(endpoint: usize) -> Address {
    Address::from_word(keccak256(format!("owner {endpoint}")))
}

async fn in_parallel<F: Future<Output = Result<()>> + Send + 'static>(
    count: usize,
    make: impl Fn(usize) -> F,
) -> Result<()> {
    let mut under_way = JoinSet::new();
    for n in 0..count {
        if under_way.len() >= TOGETHER {
            under_way.join_next().await.context("something is under way")???;
        }
        under_way.spawn(make(n));
    }
    while let Some(done) = under_way.join_next().await {
        done??;
    }
    Ok(())
}

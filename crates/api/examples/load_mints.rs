//! How many mints one API process accepts: 16 clients with keep-alive, each mint with a key of its
//! own. Prints one JSON object. `cargo run --release -p api --example load_mints [COUNT]`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, dead_code)]

#[path = "../tests/it/harness.rs"]
mod harness;

use harness::{ALICE, URI};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const CLIENTS: usize = 16;

#[tokio::main]
async fn main() {
    let count: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let api = Arc::new(harness::start().await);
    run(&api, 500, "warm").await;
    let started = Instant::now();
    let mut times = run(&api, count, "load").await;
    let seconds = started.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: f64| {
        let place = ((times.len() as f64 * share) as usize).min(times.len() - 1);
        times[place].as_secs_f64() * 1000.0
    };
    let figures = json!({
        "accepted": times.len(),
        "per_second": (times.len() as f64 / seconds).round(),
        "p50_ms": at(0.50),
        "p99_ms": at(0.99),
        "clients": CLIENTS,
        "optimised": !cfg!(debug_assertions),
    });
    println!("{figures}");
}

async fn run(api: &Arc<harness::Api>, count: usize, name: &'static str) -> Vec<Duration> {
    let next = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (api, next) = (api.clone(), next.clone());
            tokio::spawn(async move {
                let request = json!({ "to": ALICE, "uri": URI });
                let mut times = Vec::new();
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= count {
                        return times;
                    }
                    let started = Instant::now();
                    let response = api.mint(&format!("{name}-{i}"), &request).await;
                    assert_eq!(response.status(), 202);
                    response.bytes().await.unwrap();
                    times.push(started.elapsed());
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for client in clients {
        all.extend(client.await.unwrap());
    }
    all
}

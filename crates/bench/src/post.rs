//! Transfers, asked for by many clients at once: as fast as they are answered, or at a fixed rate.

use alloy_primitives::{Address, keccak256};
use anyhow::{Context, Result, bail};
use reqwest::Client;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Who is asked.
#[derive(Clone, Debug)]
pub struct Target {
    pub http: String,
    pub key: String,
    pub chain_id: u64,
}

/// One wei to somebody whom nobody else pays.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub to: Address,
    key: String,
}

impl Transfer {
    /// `count` of them, no two with the same recipient or key.
    pub fn many(run: &str, count: usize) -> Arc<[Self]> {
        (0..count)
            .map(|i| Self {
                to: Address::from_word(keccak256(format!("{run}:to:{i}"))),
                key: format!("{run}-{i}"),
            })
            .collect()
    }
}

/// How fast to ask.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Each client asks anew when it is answered.
    Closed,
    /// So many a second are due, whether the earlier ones were answered or not; waiting for a free
    /// client counts as time to the answer.
    Open(f64),
}

/// Ask for all of them by `clients` keep-alive clients; how long each answer took.
pub async fn run(
    target: &Target,
    transfers: &Arc<[Transfer]>,
    clients: usize,
    pace: Pace,
) -> Result<Vec<Duration>> {
    let http = Client::builder()
        .timeout(Duration::from_secs(60))
        .pool_max_idle_per_host(clients)
        .build()?;
    let (next, started) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let (transfers, next, http, target) =
            (transfers.clone(), next.clone(), http.clone(), target.clone());
        tasks.spawn(async move {
            let mut took = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(transfer) = transfers.get(number) else { return anyhow::Ok(took) };
                let due = match pace {
                    Pace::Closed => Instant::now(),
                    Pace::Open(rate) => started + Duration::from_secs_f64(number as f64 / rate),
                };
                tokio::time::sleep_until(due.into()).await;
                ask(&http, &target, transfer).await?;
                took.push(due.elapsed());
            }
        });
    }
    let mut all = Vec::with_capacity(transfers.len());
    while let Some(done) = tasks.join_next().await {
        all.extend(done.context("a client died")??);
    }
    Ok(all)
}

async fn ask(http: &Client, target: &Target, transfer: &Transfer) -> Result<()> {
    let response = http
        .post(format!("{}/api/v1/transactions", target.http))
        .bearer_auth(&target.key)
        .header("Idempotency-Key", &transfer.key)
        .json(&json!({
            "chain_id": target.chain_id,
            "role": "operator",
            "to": transfer.to.to_checksum(None),
            "value": "1",
        }))
        .send()
        .await
        .context("the API does not answer")?;
    let status = response.status();
    let body: Value = response.json().await.context("the answer is no JSON")?;
    if status.as_u16() != 202 {
        bail!("a transfer was refused: {status}: {body}");
    }
    Ok(())
}

//! The floor: all logs fetched and parsed, four ranges at a time, and thrown away.

use super::{cents, usage::Use, workload::Workload};
use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{borrow::Cow, time::Instant};

const IN_FLIGHT: usize = 4;
/// Ranges of about the length that an indexer would ask for.
const PARTS: u64 = 16;

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Floor {
    pub wall_s: f64,
    pub cpu_s: f64,
    pub bytes: u64,
    pub logs: u64,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    result: Vec<Log<'a>>,
}

/// The fields that an indexer needs, not decoded.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Log<'a> {
    #[serde(borrow)]
    address: Cow<'a, str>,
    #[serde(borrow)]
    topics: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(borrow)]
    block_hash: Cow<'a, str>,
}

pub async fn measure(workload: &Workload) -> Result<Floor> {
    let http = Client::builder().build()?;
    let addresses: Vec<&str> =
        workload.contracts.iter().map(|(address, _)| address.as_str()).collect();
    let step = usize::try_from((workload.head / PARTS).max(1))?;
    let asked = (0..=workload.head).step_by(step).map(|first| {
        let last = workload.head.min(first + step as u64 - 1);
        let filter = json!([{ "address": addresses, "fromBlock": format!("{first:#x}"),
                              "toBlock": format!("{last:#x}") }]);
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": filter });
        let request = http.post(&workload.url).json(&call);
        async move {
            let body = request.send().await?.error_for_status()?.bytes().await?;
            tokio::task::spawn_blocking(move || {
                let answer: Answer<'_> = serde_json::from_slice(&body)?;
                let whole = answer.result.iter().all(|log| {
                    log.address.len() == 42
                        && log.topics.len() <= 4
                        && log.data.len() >= 2
                        && log.block_hash.len() == 66
                });
                ensure!(whole, "a log is cut short");
                Ok((body.len() as u64, answer.result.len() as u64))
            })
            .await
            .context("parsing failed")?
        }
    });
    let asked: Vec<_> = asked.collect();
    let (before, started) = (Use::of(std::process::id()), Instant::now());
    let sizes: Vec<(u64, u64)> =
        stream::iter(asked).buffer_unordered(IN_FLIGHT).try_collect().await?;
    let wall_s = cents(started.elapsed().as_secs_f64());
    let cpu_s = cents(Use::of(std::process::id()).cpu_s - before.cpu_s);
    let (bytes, logs) =
        sizes.iter().fold((0, 0), |(bytes, logs), size| (bytes + size.0, logs + size.1));
    Ok(Floor { wall_s, cpu_s, bytes, logs })
}

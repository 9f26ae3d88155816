//! The chain's word on what happened, and the engine's.

use crate::{
    clients::{Accepted, Kind},
    server::DevFile,
};
use alloy_primitives::{Address, U256, hex};
use anyhow::{Context, Result};
use chain::Endpoint;
use reqwest::Client;
use serde_json::{Value, json};
use std::time::Duration;

/// `balanceOf(address)`.
const BALANCE_OF: &str = "0x70a08231";
const BATCH_MAX: usize = 200;

/// How often each job took effect, in the order of the jobs.
pub async fn effects(node: &Endpoint, dev: &DevFile, jobs: &[Accepted]) -> Result<Vec<U256>> {
    let collection = dev.contracts.get("default_collection").context("no collection")?;
    let mut counts = Vec::with_capacity(jobs.len());
    for part in jobs.chunks(BATCH_MAX) {
        let calls: Vec<(&str, Value)> = part
            .iter()
            .map(|job| match job.kind {
                Kind::Transfer => ("eth_getBalance", json!([job.to, "latest"])),
                Kind::Mint => ("eth_call", json!([balance_of(collection, job.to), "latest"])),
            })
            .collect();
        for answer in node.batch::<U256>(&calls).await? {
            counts.push(answer?);
        }
    }
    Ok(counts)
}

fn balance_of(collection: &str, owner: Address) -> Value {
    let input = format!("{BALANCE_OF}{}", hex::encode(owner.into_word()));
    json!({ "to": collection, "input": input })
}

/// What the engine says of a job; none when it does not say.
pub async fn status(http: &Client, dev: &DevFile, job: &Accepted) -> Option<Value> {
    let kind = match job.kind {
        Kind::Transfer => "transactions",
        Kind::Mint => "mints",
    };
    let url = format!("{}/api/v1/{kind}/{}", dev.http, job.id);
    let request = http.get(url).bearer_auth(&dev.operator_api_key);
    request.timeout(Duration::from_secs(5)).send().await.ok()?.json().await.ok()
}

//! Mints, asked for by many clients at once.

use crate::server::DevFile;
use alloy_primitives::{Address, keccak256};
use anyhow::{Context, Result, bail};
use data_encoding::BASE32_NOPAD;
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

/// A mint to ask for.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub to: Address,
    pub uri: String,
    pub key: String,
}

impl Wanted {
    /// `count` of them, no two with the same recipient, content or key.
    pub fn many(run: &str, count: usize) -> Vec<Self> {
        (0..count)
            .map(|i| Self {
                to: Address::from_word(keccak256(format!("{run}:to:{i}"))),
                uri: raw_cid_uri(keccak256(format!("{run}:content:{i}")).0),
                key: format!("{run}-{i}"),
            })
            .collect()
    }
}

/// `ipfs://` and the CIDv1 of a raw block whose SHA-256 is `digest`, in base 32.
fn raw_cid_uri(digest: [u8; 32]) -> String {
    let cid: Vec<u8> = [0x01, 0x55, 0x12, 0x20].into_iter().chain(digest).collect();
    format!("ipfs://b{}", BASE32_NOPAD.encode(&cid).to_lowercase())
}

/// An accepted mint.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub id: String,
    pub asked: Instant,
    pub answered: Instant,
}

/// Ask for all of them by `clients` keep-alive clients.
pub async fn run(dev: &DevFile, wanted: Vec<Wanted>, clients: usize) -> Result<Vec<Accepted>> {
    let http = Client::builder()
        .timeout(Duration::from_secs(60))
        .pool_max_idle_per_host(clients)
        .build()?;
    let url = format!("{}/api/v1/mints", dev.http);
    let (wanted, next): (Arc<[Wanted]>, _) = (wanted.into(), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let (wanted, next) = (wanted.clone(), next.clone());
        let (http, url, key) = (http.clone(), url.clone(), dev.operator_api_key.clone());
        tasks.spawn(async move {
            let mut accepted = Vec::new();
            while let Some(mint) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                accepted.push(ask(&http, &url, &key, mint).await?);
            }
            anyhow::Ok(accepted)
        });
    }
    let mut all = Vec::with_capacity(wanted.len());
    while let Some(done) = tasks.join_next().await {
        all.extend(done.context("a client died")??);
    }
    Ok(all)
}

async fn ask(http: &Client, url: &str, key: &str, mint: &Wanted) -> Result<Accepted> {
    let asked = Instant::now();
    let response = http
        .post(url)
        .bearer_auth(key)
        .header("Idempotency-Key", &mint.key)
        .json(&json!({ "to": mint.to.to_checksum(None), "uri": mint.uri }))
        .send()
        .await
        .context("the API does not answer")?;
    let status = response.status();
    let body: Value = response.json().await.context("the answer is no JSON")?;
    let answered = Instant::now();
    if status.as_u16() != 202 {
        bail!("a mint was refused: {status}: {body}");
    }
    let id = body["id"].as_str().context("a job without an id")?.to_owned();
    Ok(Accepted { id, asked, answered })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_block_has_its_known_cid() {
        let digest = alloy_primitives::hex!(
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        let known = "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
        assert_eq!(raw_cid_uri(digest), known);
    }

    #[test]
    fn no_two_mints_are_alike() {
        let mut mints = Wanted::many("a", 300);
        mints.extend(Wanted::many("b", 300));
        for field in
            [|m: &Wanted| m.to.to_string(), |m: &Wanted| m.uri.clone(), |m: &Wanted| m.key.clone()]
        {
            let mut seen: Vec<String> = mints.iter().map(field).collect();
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), 600);
        }
    }
}

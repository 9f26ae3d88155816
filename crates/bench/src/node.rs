//! The node, by JSON-RPC over HTTP.

use alloy_primitives::{Address, U256};
use anyhow::{Context, Result, bail};
use reqwest::Client;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Calls in one HTTP request.
const BATCH_MAX: usize = 250;

#[derive(Clone, Debug)]
pub struct Node {
    http: Client,
    url: String,
}

/// What one block holds.
#[derive(Clone, Copy, Debug)]
pub struct BlockUse {
    pub transactions: usize,
    pub gas_used: u64,
    pub gas_limit: u64,
}

impl Node {
    pub fn new(url: &str) -> Result<Self> {
        let http = Client::builder().timeout(Duration::from_secs(30)).build()?;
        Ok(Self { http, url: url.to_owned() })
    }

    pub async fn call(&self, method: &str, params: Value) -> Result<Value> {
        let mut answers = self.batch(&[(method, params)]).await?;
        answers.pop().context("the node gave no answer")
    }

    /// Answers in the order of the calls.
    pub async fn batch(&self, calls: &[(&str, Value)]) -> Result<Vec<Value>> {
        let mut results = Vec::with_capacity(calls.len());
        for part in calls.chunks(BATCH_MAX) {
            let request: Vec<Value> = part
                .iter()
                .enumerate()
                .map(|(id, (method, params))| {
                    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
                })
                .collect();
            let response = self.http.post(&self.url).json(&request).send().await?;
            let mut answers: Vec<Value> = response.error_for_status()?.json().await?;
            answers.sort_by_key(|answer| answer["id"].as_u64());
            for answer in answers {
                if !answer["error"].is_null() {
                    bail!("the node refused: {}", answer["error"]);
                }
                results.push(answer["result"].clone());
            }
        }
        anyhow::ensure!(results.len() == calls.len(), "the node left calls unanswered");
        Ok(results)
    }

    /// How long one call takes, until the last byte of its answer is here; and the answer.
    pub async fn timed(&self, method: &str, params: Value) -> Result<(Duration, Value)> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let started = Instant::now();
        let response = self.http.post(&self.url).json(&request).send().await?;
        let body = response.error_for_status()?.bytes().await?;
        let took = started.elapsed();
        let answer: Value = serde_json::from_slice(&body)?;
        Ok((took, answer["result"].clone()))
    }

    /// Hand over signed bytes: one HTTP request, as any sender would.
    pub async fn send(&self, raw: &str) -> Result<()> {
        let request = json!({
            "jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [raw],
        });
        let response = self.http.post(&self.url).json(&request).send().await?;
        let answer: Value = response.error_for_status()?.json().await?;
        if !answer["error"].is_null() {
            bail!("the node refused a transaction: {}", answer["error"]);
        }
        Ok(())
    }

    pub async fn number(&self, method: &str, params: Value) -> Result<u64> {
        quantity(&self.call(method, params).await?)
    }

    /// `balanceOf` or `totalSupply` and their like: one word in the answer, for each call.
    pub async fn words(&self, contract: Address, inputs: &[String]) -> Result<Vec<U256>> {
        let calls: Vec<_> = inputs
            .iter()
            .map(|input| ("eth_call", json!([{ "to": contract, "data": input }, "latest"])))
            .collect();
        let answers = self.batch(&calls).await?;
        answers
            .iter()
            .map(|word| Ok(word.as_str().context("a call gave nothing")?.parse::<U256>()?))
            .collect()
    }

    /// The blocks from `first` to `last`.
    pub async fn blocks(&self, first: u64, last: u64) -> Result<Vec<BlockUse>> {
        let calls: Vec<_> = (first..=last)
            .map(|number| ("eth_getBlockByNumber", json!([format!("{number:#x}"), false])))
            .collect();
        let blocks = self.batch(&calls).await?;
        blocks
            .iter()
            .map(|block| {
                Ok(BlockUse {
                    transactions: block["transactions"].as_array().map_or(0, Vec::len),
                    gas_used: quantity(&block["gasUsed"])?,
                    gas_limit: quantity(&block["gasLimit"])?,
                })
            })
            .collect()
    }
}

/// A JSON-RPC quantity.
pub fn quantity(value: &Value) -> Result<u64> {
    let text = value.as_str().and_then(|text| text.strip_prefix("0x"));
    Ok(u64::from_str_radix(text.context("not a quantity")?, 16)?)
}

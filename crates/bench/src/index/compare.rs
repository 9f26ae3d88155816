//! What the node itself says, and whether the rows say the same.

use super::workload::Workload;
use crate::node::{Node, quantity};
use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, Row};
use std::collections::BTreeMap;

/// Blocks asked for at once.
const STEP: u64 = 50;

/// A log without its place: block hash, transaction, its index, contract, topics, data, time.
type Content = (String, String, i64, String, String, String, i64);

/// All logs of the workload's contracts, by block and place in it.
#[derive(Debug)]
pub struct Truth(BTreeMap<(i64, i64), Content>);

/// How the rows compare.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Rows {
    pub right: u64,
    pub missing: u64,
    pub extra: u64,
    pub different: u64,
}

impl Rows {
    pub fn are_right(self) -> bool {
        self.missing + self.extra + self.different == 0
    }
}

impl Truth {
    /// Asked without any filter but the addresses, and read by other code than the indexer's.
    pub async fn of(workload: &Workload) -> Result<Self> {
        let node = Node::new(&workload.url)?;
        let addresses: Vec<&str> =
            workload.contracts.iter().map(|(address, _)| address.as_str()).collect();
        let mut logs = BTreeMap::new();
        for first in (0..=workload.head).step_by(usize::try_from(STEP)?) {
            let last = workload.head.min(first + STEP - 1);
            let filter = json!([{ "address": addresses, "fromBlock": format!("{first:#x}"),
                                  "toBlock": format!("{last:#x}") }]);
            let found = node.call("eth_getLogs", filter).await?;
            for log in found.as_array().context("no list of logs")? {
                let (place, content) = read(log)?;
                logs.insert(place, content);
            }
        }
        Ok(Self(logs))
    }

    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }

    pub async fn compare(&self, database: &str) -> Result<Rows> {
        let mut connection = PgConnection::connect(database).await?;
        let rows = sqlx::query(
            "select block_number, log_index::int8, encode(block_hash, 'hex'),
                    encode(tx_hash, 'hex'), tx_index::int8, encode(address, 'hex'),
                    encode(topics, 'hex'), encode(data, 'hex'),
                    extract(epoch from mined_at)::int8
               from raw_logs",
        )
        .fetch_all(&mut connection)
        .await?;
        let mut found = Rows { right: 0, missing: 0, extra: 0, different: 0 };
        for row in &rows {
            let content: Content = (
                row.try_get(2)?,
                row.try_get(3)?,
                row.try_get(4)?,
                row.try_get(5)?,
                row.try_get(6)?,
                row.try_get(7)?,
                row.try_get(8)?,
            );
            match self.0.get(&(row.try_get(0)?, row.try_get(1)?)) {
                Some(true_content) if *true_content == content => found.right += 1,
                Some(_) => found.different += 1,
                None => found.extra += 1,
            }
        }
        found.missing = self.count() - found.right - found.different;
        Ok(found)
    }
}

fn read(log: &Value) -> Result<((i64, i64), Content)> {
    let number = |name: &str| -> Result<i64> { Ok(i64::try_from(quantity(&log[name])?)?) };
    let hex = |value: &Value| -> Result<String> {
        let text = value.as_str().and_then(|text| text.strip_prefix("0x"));
        Ok(text.context("no hex")?.to_ascii_lowercase())
    };
    let topics = log["topics"].as_array().context("no topics")?;
    let topics: Vec<String> = topics.iter().map(hex).collect::<Result<_>>()?;
    let content = (
        hex(&log["blockHash"])?,
        hex(&log["transactionHash"])?,
        number("transactionIndex")?,
        hex(&log["address"])?,
        topics.concat(),
        hex(&log["data"])?,
        number("blockTimestamp")?,
    );
    Ok(((number("blockNumber")?, number("logIndex")?), content))
}

//! `raw_logs` in bulk: rows made ready away from the database, and sent as one binary COPY.

use crate::{DbError, raw_logs::RawLog};
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::ChainId;

const COPY: &str = "copy raw_logs (chain_id, block_number, block_hash, log_index, tx_hash, \
                    tx_index, address, topics, data, mined_at) from stdin (format binary)";
const COLUMNS: i16 = 10;
/// Signature, flags and length of the header's extension ("COPY", Binary Format).
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = (-1i16).to_be_bytes();
/// Bytes of one message.
const PART: usize = 1 << 18;
/// 2000-01-01T00:00:00Z, which Postgres counts from, in Unix seconds.
const EPOCH: i128 = 946_684_800;

/// Logs of one chain as Postgres takes them.
#[derive(Clone, Debug)]
pub struct CopyRows {
    chain: ChainId,
    bytes: Vec<u8>,
    count: u64,
}

impl CopyRows {
    /// None yet, with room for about `capacity` of them.
    #[must_use]
    pub fn new(chain: ChainId, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEADER.len() + capacity.saturating_mul(320));
        bytes.extend_from_slice(HEADER);
        Self { chain, bytes, count: 0 }
    }

    pub fn push(&mut self, log: &RawLog) {
        self.bytes.extend_from_slice(&COLUMNS.to_be_bytes());
        self.field(&self.chain.as_i64().to_be_bytes());
        self.field(&log.block_number.to_be_bytes());
        self.field(log.block_hash.as_slice());
        self.field(&log.log_index.to_be_bytes());
        self.field(log.tx_hash.as_slice());
        self.field(&log.tx_index.to_be_bytes());
        self.field(log.address.as_slice());
        self.length(log.topics.len() * 32);
        for topic in &log.topics {
            self.bytes.extend_from_slice(topic.as_slice());
        }
        self.field(&log.data);
        match log.mined_at.and_then(micros) {
            Some(micros) => self.field(&micros.to_be_bytes()),
            None => self.bytes.extend_from_slice(&(-1i32).to_be_bytes()),
        }
        self.count += 1;
    }

    /// Rows so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    fn field(&mut self, value: &[u8]) {
        self.length(value.len());
        self.bytes.extend_from_slice(value);
    }

    /// A field above 2 GiB is none that Postgres or a node's answer could hold.
    fn length(&mut self, length: usize) {
        let length = i32::try_from(length).expect("invariant: a field is shorter than an answer");
        self.bytes.extend_from_slice(&length.to_be_bytes());
    }
}

fn micros(time: OffsetDateTime) -> Option<i64> {
    i64::try_from(time.unix_timestamp_nanos() / 1_000 - EPOCH * 1_000_000).ok()
}

/// Add the rows in the caller's transaction. A row that is there already fails it: whoever holds
/// the checkpoint reads each block once.
///
/// # Errors
/// [`DbError`]; the transaction must be given up.
pub async fn record(db: &mut PgConnection, rows: &CopyRows) -> Result<(), DbError> {
    if rows.count == 0 {
        return Ok(());
    }
    let mut copy = db.copy_in_raw(COPY).await?;
    for part in rows.bytes.chunks(PART) {
        copy.send(part).await?;
    }
    copy.send(TRAILER.as_slice()).await?;
    let taken = copy.finish().await?;
    assert_eq!(taken, rows.count, "invariant: Postgres takes every row or none");
    Ok(())
}

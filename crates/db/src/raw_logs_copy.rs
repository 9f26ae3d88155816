//! `raw_logs` in bulk: rows made ready away from the database, and sent as one binary COPY.

use crate::{DbError, copy::CopyBuffer, raw_logs::RawLog};
use sqlx::PgConnection;
use vocab::ChainId;

const COPY: &str = "copy raw_logs (chain_id, block_number, block_hash, log_index, tx_hash, \
                    tx_index, address, topics, data, mined_at) from stdin (format binary)";
const COLUMNS: i16 = 10;

/// Logs of one chain as Postgres takes them.
#[derive(Clone, Debug)]
pub struct CopyRows {
    chain: ChainId,
    rows: CopyBuffer,
}

impl CopyRows {
    /// None yet, with room for about `capacity` of them.
    #[must_use]
    pub fn new(chain: ChainId, capacity: usize) -> Self {
        Self { chain, rows: CopyBuffer::new(capacity.saturating_mul(320)) }
    }

    /// These.
    #[must_use]
    pub fn of(chain: ChainId, logs: &[&RawLog]) -> Self {
        let mut rows = Self::new(chain, logs.len());
        logs.iter().for_each(|log| rows.push(log));
        rows
    }

    pub fn push(&mut self, log: &RawLog) {
        let rows = &mut self.rows;
        rows.row(COLUMNS);
        rows.field(&self.chain.as_i64().to_be_bytes());
        rows.field(&log.block_number.to_be_bytes());
        rows.field(log.block_hash.as_slice());
        rows.field(&log.log_index.to_be_bytes());
        rows.field(log.tx_hash.as_slice());
        rows.field(&log.tx_index.to_be_bytes());
        rows.field(log.address.as_slice());
        rows.parts(log.topics.iter().map(|topic| topic.as_slice()));
        rows.field(&log.data);
        rows.time(log.mined_at);
    }

    /// Rows so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.rows.count()
    }
}

/// Add the rows in the caller's transaction. A row that is there already fails it: whoever holds
/// the checkpoint reads each block once.
///
/// # Errors
/// [`DbError`]; the transaction must be given up.
pub async fn record(db: &mut PgConnection, rows: &CopyRows) -> Result<(), DbError> {
    rows.rows.send(db, COPY).await
}

//! Logs that are read by an ABI: what they say becomes rows, and nothing else.

use abi::Contract;
use db::{
    DbError, PgConnection,
    decoded_logs::{self, DecodedRow, UnreadRow},
    raw_logs::RawLog,
};
use indexer::{Reads, Sources};
use serde_json::Value;
use std::sync::Arc;
use vocab::ChainId;

/// Bytes of data that are decoded, as `abi` has it.
const DATA_MAX: usize = 16 * 1024;
/// Bytes of JSON that are kept of a log.
const ARGS_LEN_MAX: usize = 64 * 1024;
/// Rows that are written by one statement.
const PIECE: usize = 5_000;

/// Reads logs by the events of a contract's ABI.
#[derive(Debug)]
pub(crate) struct Reader(pub(crate) Arc<Contract>);

impl Reads for Reader {
    fn read(&self, log: &RawLog) -> Result<DecodedRow, &'static str> {
        if log.data.len() > DATA_MAX {
            return Err("too_long");
        }
        let mut said = self.0.decode_log(&log.topics, &log.data).ok_or("data")?;
        without_nul(&mut said.args);
        if said.args.to_string().len() > ARGS_LEN_MAX {
            return Err("too_long");
        }
        Ok(DecodedRow {
            block_number: log.block_number,
            log_index: log.log_index,
            contract: log.address,
            event: said.event,
            signature: said.signature,
            args: said.args,
        })
    }
}

/// Postgres holds no NUL in JSON.
fn without_nul(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', "\u{fffd}"),
        Value::Array(values) => values.iter_mut().for_each(without_nul),
        Value::Object(fields) => fields.values_mut().for_each(without_nul),
        _ => {}
    }
}

/// Write what those of `logs` say that are read by an ABI, in the caller's transaction. The rows
/// are of single blocks: a reorg deletes them.
pub(crate) async fn record_decoded(
    db: &mut PgConnection,
    chain: ChainId,
    sources: &Sources,
    logs: &[RawLog],
) -> Result<(), DbError> {
    for piece in logs.chunks(PIECE) {
        let (mut rows, mut unread) = (Vec::new(), Vec::new());
        for log in piece {
            match sources.reader_of(log).map(|reader| reader.read(log)) {
                None => {}
                Some(Ok(row)) => rows.push(row),
                Some(Err(reason)) => unread.push(UnreadRow {
                    block_number: log.block_number,
                    log_index: log.log_index,
                    contract: log.address,
                    reason,
                }),
            }
        }
        decoded_logs::record(db, chain, &rows).await?;
        decoded_logs::record_unread(db, chain, &unread).await?;
        if !unread.is_empty() {
            metrics::counter!("events_decode_errors_total", "chain" => chain.to_string())
                .increment(unread.len() as u64);
            tracing::warn!(chain.id = %chain, logs = unread.len(),
                "logs could not be decoded by their ABI; they are kept raw");
        }
    }
    Ok(())
}

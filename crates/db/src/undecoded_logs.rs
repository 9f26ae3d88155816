//! `undecoded_logs`: logs of followed contracts that changed nothing, because they can't be read.

use crate::{Addr, DbError};
use sqlx::PgConnection;
use vocab::{Address, ChainId};

/// One such log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UndecodedLog {
    pub block_number: u64,
    pub log_index: u32,
    pub contract: Address,
    /// `topics`, `data` or `too_long`.
    pub reason: &'static str,
}

/// Add rows in the caller's transaction.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    rows: &[UndecodedLog],
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = rows.iter().map(|r| r.block_number.cast_signed()).collect();
    let places: Vec<i32> = rows.iter().map(|r| r.log_index.cast_signed()).collect();
    let contracts: Vec<Addr> = rows.iter().map(|r| Addr(r.contract)).collect();
    let reasons: Vec<String> = rows.iter().map(|r| r.reason.to_owned()).collect();
    sqlx::query!(
        "insert into undecoded_logs (chain_id, block_number, log_index, contract, reason)
         select $1, * from unnest($2::int8[], $3::int4[], $4::bytea[], $5::text[])",
        chain.as_i64(),
        &numbers,
        &places,
        &contracts as _,
        &reasons,
    )
    .execute(db)
    .await?;
    Ok(())
}

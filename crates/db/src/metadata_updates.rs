//! `metadata_updates`: which token ids' metadata changed, and when (ERC-4906, ERC-1155's `URI`).

use crate::{Addr, DbError, Numeric};
use sqlx::PgConnection;
use vocab::{Address, ChainId, U256};

/// One notice: what was resolved of `first..=last` before its block is stale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataUpdate {
    pub block_number: u64,
    pub log_index: u32,
    pub contract: Address,
    pub first: U256,
    pub last: U256,
    /// ERC-1155 only. Holds no NUL.
    pub uri: Option<String>,
}

/// Add rows in the caller's transaction.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    rows: &[MetadataUpdate],
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = rows.iter().map(|r| r.block_number.cast_signed()).collect();
    let places: Vec<i32> = rows.iter().map(|r| r.log_index.cast_signed()).collect();
    let contracts: Vec<Addr> = rows.iter().map(|r| Addr(r.contract)).collect();
    let first: Vec<Numeric> = rows.iter().map(|r| Numeric(r.first)).collect();
    let last: Vec<Numeric> = rows.iter().map(|r| Numeric(r.last)).collect();
    let uris: Vec<Option<&str>> = rows.iter().map(|r| r.uri.as_deref()).collect();
    sqlx::query!(
        "insert into metadata_updates (chain_id, block_number, log_index, contract,
                                       first_token_id, last_token_id, uri)
         select $1, * from unnest($2::int8[], $3::int4[], $4::bytea[], $5::numeric[],
                                  $6::numeric[], $7::text[])",
        chain.as_i64(),
        &numbers,
        &places,
        &contracts as _,
        &first as _,
        &last as _,
        &uris as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

//! `undo_records`: what projection rows were before each block of the reorg window. Each
//! projection restores its own table from them (`items::restore`, `collections::restore`).

use crate::DbError;
use serde_json::Value;
use sqlx::PgConnection;
use vocab::ChainId;

/// The row under `key` before block `block_number` changed it; no image when there was none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoRecord {
    pub block_number: u64,
    pub projection: &'static str,
    pub key: Value,
    pub image: Option<Value>,
}

/// Add records, oldest first, in the caller's transaction.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    records: &[UndoRecord],
) -> Result<(), DbError> {
    if records.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = records.iter().map(|r| r.block_number.cast_signed()).collect();
    let projections: Vec<String> = records.iter().map(|r| r.projection.to_owned()).collect();
    let keys: Vec<Value> = records.iter().map(|r| r.key.clone()).collect();
    let images: Vec<Option<Value>> = records.iter().map(|r| r.image.clone()).collect();
    sqlx::query!(
        "insert into undo_records (chain_id, block_number, projection, key, image)
         select $1, * from unnest($2::int8[], $3::text[], $4::jsonb[], $5::jsonb[])",
        chain.as_i64(),
        &numbers,
        &projections,
        &keys,
        &images as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forget the records of blocks above `ancestor`, which were unwound.
pub async fn record_unwound(
    db: &mut PgConnection,
    chain: ChainId,
    ancestor: u64,
) -> Result<(), DbError> {
    sqlx::query!(
        "delete from undo_records where chain_id = $1 and block_number > $2",
        chain.as_i64(),
        ancestor.cast_signed(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forget the records of blocks up to `anchor`, which can no longer be unwound.
pub async fn record_anchor(
    db: &mut PgConnection,
    chain: ChainId,
    anchor: u64,
) -> Result<(), DbError> {
    sqlx::query!(
        "delete from undo_records where chain_id = $1 and block_number <= $2",
        chain.as_i64(),
        anchor.cast_signed(),
    )
    .execute(db)
    .await?;
    Ok(())
}

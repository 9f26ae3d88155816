//! All that is indexed of a chain, thrown away together.

use crate::{DbError, digest::TABLES};
use sqlx::{AssertSqlSafe, PgConnection};
use vocab::ChainId;

/// What belongs to the index beside the tables that are compared.
const BESIDE: [&str; 5] =
    ["undo_records", "balance_readings", "blocks", "index_progress", "checkpoints"];
/// There may be much of it.
const PATIENCE: &str = "set local statement_timeout = 0";

/// Remove every row of a chain's index in the caller's transaction, its checkpoint with them.
/// Contracts that a command has added are to be read beside the head again; those that were
/// followed no more are forgotten.
///
/// # Errors
/// [`DbError`]; the transaction must be given up.
pub async fn clear(db: &mut PgConnection, chain: ChainId) -> Result<(), DbError> {
    sqlx::query(PATIENCE).execute(&mut *db).await?;
    for table in TABLES.iter().map(|table| table.table).chain(BESIDE) {
        // Made of names in the constants only.
        let sql = AssertSqlSafe(format!("delete from {table} where chain_id = $1"));
        sqlx::query(sql).bind(chain.as_i64()).execute(&mut *db).await?;
    }
    sqlx::query!(
        "delete from index_sources where chain_id = $1 and last_block is not null",
        chain.as_i64(),
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update index_sources
            set height = case when configured then null else greatest(start_block, 1) - 1 end,
                hash = null
          where chain_id = $1",
        chain.as_i64(),
    )
    .execute(db)
    .await?;
    Ok(())
}

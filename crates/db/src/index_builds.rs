//! Secondary indexes of the chain's tables that are built after the first bulk load, and not by a
//! migration: a load into a table without them is faster, and an index made at once is smaller.

use crate::DbError;
use sqlx::{Connection, PgConnection};

/// Whoever builds holds it, so that two processes don't build together.
const LOCK: &str = "select pg_advisory_xact_lock(hashtextextended('index_builds', 0))";
/// A build may take longer than any other statement.
const PATIENCE: &str = "set local statement_timeout = 0";
/// A log is named by its block's hash and its place in it, whatever height the block has.
const BUILDS: [&str; 1] = ["create unique index if not exists raw_logs_block_hash_key
    on raw_logs (chain_id, block_hash, log_index)"];

/// Is any of them not there?
pub async fn missing(db: &mut PgConnection) -> Result<bool, DbError> {
    let row =
        sqlx::query!(r#"select to_regclass('raw_logs_block_hash_key') is null as "missing!""#)
            .fetch_one(db)
            .await?;
    Ok(row.missing)
}

/// Build what is missing. Done again it does nothing. While it builds, nobody writes those tables;
/// that is once in the life of a database.
///
/// # Errors
/// [`DbError`]: nothing was built. [`DbError::Constraint`] or [`DbError::Query`] when rows
/// contradict an index.
pub async fn ensure(db: &mut PgConnection) -> Result<(), DbError> {
    if !missing(db).await? {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    for statement in [PATIENCE, LOCK].into_iter().chain(BUILDS) {
        sqlx::query(statement).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

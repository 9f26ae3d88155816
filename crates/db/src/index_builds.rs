//! Secondary indexes of the chain's tables that are built after the first bulk load, and not by a
//! migration: a load into a table without them is faster, and an index made at once is smaller.

use crate::DbError;
use sqlx::{Connection, PgConnection};

/// Whoever builds holds it, so that two processes don't build together.
const LOCK: &str = "select pg_advisory_xact_lock(hashtextextended('index_builds', 0))";
/// A build may take longer than any other statement.
const PATIENCE: &str = "set local statement_timeout = 0";
/// Name and definition. The first says that a log is named by its block's hash and its place in
/// it, whatever height the block has. None begins like the primary key of its table: while a table
/// has no statistics, a search by that key might go by it, and read all that begins the same. What
/// differs most from row to row comes first: Postgres sorts by that alone as far as it can.
const BUILDS: [(&str, &str); 8] = [
    (
        "raw_logs_block_hash_key",
        "create unique index if not exists raw_logs_block_hash_key
             on raw_logs (block_hash, log_index, chain_id)",
    ),
    (
        "raw_logs_address_idx",
        "create index if not exists raw_logs_address_idx
             on raw_logs (address, chain_id, block_number, log_index)",
    ),
    (
        "items_owner_idx",
        "create index if not exists items_owner_idx
             on items (owner, chain_id, contract, token_id)",
    ),
    (
        "items_holder_idx",
        "create index if not exists items_holder_idx on items (contract, owner, chain_id)",
    ),
    (
        "transfers_item_idx",
        "create index if not exists transfers_item_idx
             on transfers (token_id, contract, chain_id, block_number, log_index, place)",
    ),
    (
        "transfers_sender_idx",
        "create index if not exists transfers_sender_idx
             on transfers (sender, chain_id, block_number, log_index, place)",
    ),
    (
        "transfers_recipient_idx",
        "create index if not exists transfers_recipient_idx
             on transfers (recipient, chain_id, block_number, log_index, place)",
    ),
    (
        "balances_account_idx",
        "create index if not exists balances_account_idx
             on balances (account, chain_id, contract, token_id)",
    ),
];

/// Is any of them not there?
pub async fn missing(db: &mut PgConnection) -> Result<bool, DbError> {
    let names = BUILDS.map(|(name, _)| name.to_owned());
    let row = sqlx::query!(
        r#"select exists (select 1 from unnest($1::text[]) as wanted (name)
                           where to_regclass(name) is null) as "missing!""#,
        &names,
    )
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
    let builds = BUILDS.into_iter().map(|(_, statement)| statement);
    for statement in [PATIENCE, LOCK].into_iter().chain(builds) {
        sqlx::query(statement).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

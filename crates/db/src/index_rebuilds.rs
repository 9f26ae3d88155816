//! `index_rebuilds` and `index_rebuild_chains`: which projections are being made anew, and how far.
//! Named with their schema, as whoever rebuilds looks at another one ([`crate::shadow`]).

use crate::{DbError, Hash};
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::{B256, ChainId};

/// A rebuild that was begun and has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuildRow {
    pub name: String,
    pub tables: Vec<String>,
    /// Digest of what decides how logs are read.
    pub sources: B256,
    pub started_at: OffsetDateTime,
}

/// How far the new tables of one chain are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebuildChain {
    pub chain: ChainId,
    /// They hold what all blocks up to here say; none yet: -1.
    pub height: i64,
    /// Up to here nothing can be unwound.
    pub settled_height: i64,
    /// Read of blocks up to there.
    pub logs: i64,
}

/// The one that was begun, if any.
pub async fn load(db: &mut PgConnection) -> Result<Option<RebuildRow>, DbError> {
    let row = sqlx::query!(
        r#"select name, tables, sources as "sources: Hash", started_at
             from public.index_rebuilds"#
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| RebuildRow {
        name: row.name,
        tables: row.tables,
        sources: row.sources.0,
        started_at: row.started_at,
    }))
}

/// Note in the caller's transaction that one is begun, of all chains that are indexed. One that
/// is there already fails it.
pub async fn record_begun(
    db: &mut PgConnection,
    name: &str,
    tables: &[String],
    sources: B256,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into public.index_rebuilds (name, tables, sources) values ($1, $2, $3)",
        name,
        tables,
        sources.as_slice(),
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into public.index_rebuild_chains (chain_id, height, settled_height, logs)
         select chain_id, -1, -1, 0 from public.checkpoints"
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forget it in the caller's transaction.
pub async fn record_ended(db: &mut PgConnection) -> Result<(), DbError> {
    sqlx::query!("delete from public.index_rebuilds").execute(&mut *db).await?;
    sqlx::query!("delete from public.index_rebuild_chains").execute(db).await?;
    Ok(())
}

/// Of one chain; none when it was not indexed when the rebuild was begun.
pub async fn load_chain(
    db: &mut PgConnection,
    chain: ChainId,
) -> Result<Option<RebuildChain>, DbError> {
    let row = sqlx::query!(
        "select height, settled_height, logs from public.index_rebuild_chains where chain_id = $1",
        chain.as_i64(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| RebuildChain {
        chain,
        height: row.height,
        settled_height: row.settled_height,
        logs: row.logs,
    }))
}

/// Note how far a chain is, in the transaction that wrote its rows.
pub async fn record_chain(db: &mut PgConnection, at: RebuildChain) -> Result<(), DbError> {
    sqlx::query!(
        "update public.index_rebuild_chains set height = $2, settled_height = $3, logs = $4
          where chain_id = $1",
        at.chain.as_i64(),
        at.height,
        at.settled_height,
        at.logs,
    )
    .execute(db)
    .await?;
    Ok(())
}

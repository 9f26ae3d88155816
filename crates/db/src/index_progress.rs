//! `index_progress`: how the reading of settled blocks gets on, for who asks from another process.

use crate::{
    DbError, Hash,
    index_sources::{self, SourceRow},
};
use sqlx::PgConnection;
use std::time::Duration;
use time::OffsetDateTime;
use vocab::{BlockRef, ChainId};

/// One run over settled blocks, up to now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The last block before the run.
    pub base: u64,
    /// The last block of the run.
    pub target: u64,
    /// Logs committed by it.
    pub logs: u64,
    /// For what its commits waited: answers of the node, decoding them, the database.
    pub node: Duration,
    pub decode: Duration,
    pub database: Duration,
    pub started_at: OffsetDateTime,
    /// When the last commit of the run was made.
    pub updated_at: OffsetDateTime,
}

impl Progress {
    /// How much of the run lies behind a chain that is indexed to `height`: 0 to 100.
    #[must_use]
    pub fn percent(&self, height: u64) -> f64 {
        let whole = self.target.saturating_sub(self.base);
        let done = height.min(self.target).saturating_sub(self.base);
        if whole == 0 { 100.0 } else { 100.0 * done as f64 / whole as f64 }
    }

    /// Of the run up to its last commit.
    #[must_use]
    pub fn logs_per_second(&self) -> f64 {
        self.logs as f64 / self.seconds()
    }

    /// How long the rest takes at the rate so far; none when there is none.
    #[must_use]
    pub fn eta(&self, height: u64) -> Option<Duration> {
        let left = self.target.checked_sub(height).filter(|left| *left > 0)?;
        let done = height.saturating_sub(self.base).max(1);
        let seconds = self.seconds() * left as f64 / done as f64;
        Duration::try_from_secs_f64(seconds).ok()
    }

    fn seconds(&self) -> f64 {
        (self.updated_at - self.started_at).as_seconds_f64().max(0.001)
    }
}

/// How far one chain is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainIndex {
    pub chain: ChainId,
    pub block: BlockRef,
    /// `live`, `paused` or `reorg_too_deep`.
    pub state: String,
    pub detail: Option<String>,
    /// None before the first settled range.
    pub progress: Option<Progress>,
    /// Contracts of others, by address.
    pub sources: Vec<SourceRow>,
}

/// Note in the caller's transaction how far the run is. `updated_at` is the database's own.
pub async fn record(db: &mut PgConnection, chain: ChainId, run: &Progress) -> Result<(), DbError> {
    let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    sqlx::query!(
        "insert into index_progress (chain_id, base_block, target_block, logs, node_ms, decode_ms,
                                     database_ms, started_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (chain_id) do update
            set base_block = excluded.base_block, target_block = excluded.target_block,
                logs = excluded.logs, node_ms = excluded.node_ms, decode_ms = excluded.decode_ms,
                database_ms = excluded.database_ms, started_at = excluded.started_at,
                updated_at = now()",
        chain.as_i64(),
        run.base.cast_signed(),
        run.target.cast_signed(),
        run.logs.cast_signed(),
        millis(run.node),
        millis(run.decode),
        millis(run.database),
        run.started_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// All chains that have an index, by id.
pub async fn load(db: &mut PgConnection) -> Result<Vec<ChainIndex>, DbError> {
    let rows = sqlx::query!(
        r#"select c.chain_id, c.height, c.hash as "hash: Hash", c.state, c.state_detail,
                  p.base_block as "base_block?", p.target_block as "target_block?",
                  p.logs as "logs?", p.node_ms as "node_ms?", p.decode_ms as "decode_ms?",
                  p.database_ms as "database_ms?", p.started_at as "started_at?",
                  p.updated_at as "updated_at?"
             from checkpoints c left join index_progress p on p.chain_id = c.chain_id
            order by c.chain_id"#,
    )
    .fetch_all(&mut *db)
    .await?;
    let time = |millis: Option<i64>| Duration::from_millis(millis.unwrap_or(0).unsigned_abs());
    let mut indexes: Vec<ChainIndex> = rows
        .into_iter()
        .map(|row| ChainIndex {
            chain: ChainId::from_i64(row.chain_id),
            block: BlockRef { number: row.height.cast_unsigned(), hash: row.hash.0 },
            state: row.state,
            detail: row.state_detail,
            progress: row.started_at.zip(row.updated_at).map(|(started_at, updated_at)| Progress {
                base: row.base_block.unwrap_or(0).cast_unsigned(),
                target: row.target_block.unwrap_or(0).cast_unsigned(),
                logs: row.logs.unwrap_or(0).cast_unsigned(),
                node: time(row.node_ms),
                decode: time(row.decode_ms),
                database: time(row.database_ms),
                started_at,
                updated_at,
            }),
            sources: Vec::new(),
        })
        .collect();
    for index in &mut indexes {
        index.sources = index_sources::load(db, index.chain).await?;
    }
    Ok(indexes)
}

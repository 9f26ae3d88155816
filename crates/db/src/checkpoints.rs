//! `checkpoints`: how far each chain is indexed, and the right to write it.
//!
//! The advisory lock ([`Election`]) keeps rivals from wasting work; what keeps them from harm is
//! the epoch, which every commit names ([`record_advance`]).

use crate::{Db, DbError, Hash};
use sqlx::{Connection, PgConnection};
use vocab::{BlockRef, ChainId, LevelHeights};

/// The state of one chain's index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub block: BlockRef,
    /// Up to which blocks what is indexed is auditable and final.
    pub levels: LevelHeights,
    /// The highest block that an endpoint has called finalized, where the window goes by that.
    pub finalized: Option<BlockRef>,
    /// Rises with each writer that takes over.
    pub epoch: i64,
    /// Why the chain is stopped, if it is.
    pub stopped: Option<String>,
    /// An operator has it wait.
    pub paused: bool,
}

struct Row {
    height: i64,
    hash: Hash,
    auditable_height: Option<i64>,
    final_height: Option<i64>,
    finalized_height: Option<i64>,
    finalized_hash: Option<Hash>,
    epoch: i64,
    state: String,
    state_detail: Option<String>,
}

impl From<Row> for Checkpoint {
    fn from(row: Row) -> Self {
        let paused = row.state == "paused";
        let stopped = (row.state != "live" && !paused)
            .then(|| row.state_detail.unwrap_or_else(|| row.state.clone()));
        let block =
            |height: i64, hash: Hash| BlockRef { number: height.cast_unsigned(), hash: hash.0 };
        Self {
            block: block(row.height, row.hash),
            levels: LevelHeights {
                auditable: row.auditable_height.map(i64::cast_unsigned),
                final_: row.final_height.map(i64::cast_unsigned),
            },
            finalized: row
                .finalized_height
                .zip(row.finalized_hash)
                .map(|(at, hash)| block(at, hash)),
            epoch: row.epoch,
            stopped,
            paused,
        }
    }
}

pub async fn load(db: &mut PgConnection, chain: ChainId) -> Result<Option<Checkpoint>, DbError> {
    let row = sqlx::query_as!(
        Row,
        r#"select height, hash as "hash: Hash", auditable_height, final_height, finalized_height,
                  finalized_hash as "finalized_hash: Hash", epoch, state, state_detail
             from checkpoints where chain_id = $1"#,
        chain.as_i64(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Into::into))
}

/// Make the first checkpoint of a chain; false when it has one.
pub async fn record_first(
    db: &mut PgConnection,
    chain: ChainId,
    block: BlockRef,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "insert into checkpoints (chain_id, height, hash, epoch) values ($1, $2, $3, 0)
         on conflict do nothing",
        chain.as_i64(),
        block.number.cast_signed(),
        block.hash.as_slice(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Take over: from here on, commits of earlier epochs fail. None while there is no checkpoint.
pub async fn raise_epoch(
    db: &mut PgConnection,
    chain: ChainId,
) -> Result<Option<Checkpoint>, DbError> {
    let row = sqlx::query_as!(
        Row,
        r#"update checkpoints set epoch = epoch + 1, updated_at = now() where chain_id = $1
           returning height, hash as "hash: Hash", auditable_height, final_height,
                     finalized_height, finalized_hash as "finalized_hash: Hash", epoch, state,
                     state_detail"#,
        chain.as_i64(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Into::into))
}

/// Where a checkpoint goes.
#[derive(Clone, Copy, Debug)]
pub struct Advance {
    pub block: BlockRef,
    pub levels: LevelHeights,
    pub finalized: Option<BlockRef>,
}

/// Move the checkpoint in the caller's transaction, which must roll back when this is false:
/// somebody else has written.
pub async fn record_advance(
    db: &mut PgConnection,
    chain: ChainId,
    expected: &Checkpoint,
    to: Advance,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update checkpoints
            set height = $5, hash = $6, auditable_height = $7, final_height = $8,
                finalized_height = $9, finalized_hash = $10, updated_at = now()
          where chain_id = $1 and height = $2 and hash = $3 and epoch = $4 and state = 'live'",
        chain.as_i64(),
        expected.block.number.cast_signed(),
        expected.block.hash.as_slice(),
        expected.epoch,
        to.block.number.cast_signed(),
        to.block.hash.as_slice(),
        to.levels.auditable.map(u64::cast_signed),
        to.levels.final_.map(u64::cast_signed),
        to.finalized.map(|block| block.number.cast_signed()),
        to.finalized.as_ref().map(|block| block.hash.as_slice()),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Set the checkpoint back, in a transaction that has taken over ([`raise_epoch`]). What is above
/// it is neither auditable nor final any more, and what was called finalized there is forgotten.
pub async fn record_rewound(
    db: &mut PgConnection,
    chain: ChainId,
    to: BlockRef,
) -> Result<(), DbError> {
    sqlx::query!(
        "update checkpoints
            set height = $2, hash = $3,
                auditable_height = case when auditable_height > $2 then $2
                                        else auditable_height end,
                final_height = case when final_height > $2 then $2 else final_height end,
                finalized_height = case when finalized_height <= $2 then finalized_height end,
                finalized_hash = case when finalized_height <= $2 then finalized_hash end,
                updated_at = now()
          where chain_id = $1",
        chain.as_i64(),
        to.number.cast_signed(),
        to.hash.as_slice(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Stop the chain for an operator to look at. False when somebody else has written.
pub async fn record_too_deep(
    db: &mut PgConnection,
    chain: ChainId,
    expected: &Checkpoint,
    detail: &str,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update checkpoints
            set state = 'reorg_too_deep', state_detail = $5, updated_at = now()
          where chain_id = $1 and height = $2 and hash = $3 and epoch = $4",
        chain.as_i64(),
        expected.block.number.cast_signed(),
        expected.block.hash.as_slice(),
        expected.epoch,
        detail,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Let a stopped chain go on from where it stopped. Gives its checkpoint; none when it was not
/// stopped. The indexer looks at the node again, and stops again if nothing has changed.
pub async fn record_resumed(
    db: &mut PgConnection,
    chain: ChainId,
) -> Result<Option<Checkpoint>, DbError> {
    let row = sqlx::query_as!(
        Row,
        r#"update checkpoints set state = 'live', state_detail = null, updated_at = now()
            where chain_id = $1 and state = 'reorg_too_deep'
           returning height, hash as "hash: Hash", auditable_height, final_height,
                     finalized_height, finalized_hash as "finalized_hash: Hash", epoch, state,
                     state_detail"#,
        chain.as_i64(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Into::into))
}

/// Have the indexer of a chain wait: once this is committed it commits nothing. Gives the
/// checkpoint; none when the chain is unknown, paused or stopped.
pub async fn record_paused(
    db: &mut PgConnection,
    chain: ChainId,
) -> Result<Option<Checkpoint>, DbError> {
    let row = sqlx::query_as!(
        Row,
        r#"update checkpoints set state = 'paused', updated_at = now()
            where chain_id = $1 and state = 'live'
           returning height, hash as "hash: Hash", auditable_height, final_height,
                     finalized_height, finalized_hash as "finalized_hash: Hash", epoch, state,
                     state_detail"#,
        chain.as_i64(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Into::into))
}

/// Let a paused chain go on. Gives the checkpoint; none when it was not paused.
pub async fn record_unpaused(
    db: &mut PgConnection,
    chain: ChainId,
) -> Result<Option<Checkpoint>, DbError> {
    let row = sqlx::query_as!(
        Row,
        r#"update checkpoints set state = 'live', updated_at = now()
            where chain_id = $1 and state = 'paused'
           returning height, hash as "hash: Hash", auditable_height, final_height,
                     finalized_height, finalized_hash as "finalized_hash: Hash", epoch, state,
                     state_detail"#,
        chain.as_i64(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Into::into))
}

/// The exclusive right to index one chain, held by a session of its own. It ends with the session,
/// so it needs a direct connection (no transaction-pooling proxy between).
#[derive(Debug)]
pub struct Election(PgConnection);

impl Election {
    /// Try to win. None while another session holds the right.
    pub async fn stand(db: &Db, chain: ChainId) -> Result<Option<Self>, DbError> {
        let mut session = db.acquire().await?.detach();
        // A holder whose machine vanished is noticed within about ten seconds (TCP only).
        for (name, seconds) in [("idle", "4"), ("interval", "2"), ("count", "3")] {
            sqlx::query!(
                r#"select set_config('tcp_keepalives_' || $1, $2, false) as "set!""#,
                name,
                seconds
            )
            .fetch_one(&mut session)
            .await?;
        }
        let won = sqlx::query!(
            r#"select pg_try_advisory_lock(hashtextextended('indexer:' || $1::text, 0)) as "won!""#,
            chain.to_string(),
        )
        .fetch_one(&mut session)
        .await?
        .won;
        if won {
            return Ok(Some(Self(session)));
        }
        session.close().await?;
        Ok(None)
    }

    /// Fails when the session, and so the right, is gone.
    pub async fn check(&mut self) -> Result<(), DbError> {
        Ok(self.0.ping().await?)
    }

    /// Give the right back at once.
    pub async fn resign(self) -> Result<(), DbError> {
        Ok(self.0.close().await?)
    }
}

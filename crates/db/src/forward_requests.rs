//! `forward_requests`: what users signed, which sponsor pays, and what it cost.

use crate::{Addr, DbError, Hash, Numeric};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;
use vocab::{Address, B256, ChainId, JobStatus, PrincipalId, U256};

/// A request to record. Its transaction is recorded first, in the same commit.
#[derive(Clone, Copy, Debug)]
pub struct NewForwardRequest {
    pub id: Uuid,
    pub sponsor_id: Uuid,
    pub chain_id: ChainId,
    pub forwarder: Address,
    pub user: Address,
    pub nonce: i64,
    pub digest: B256,
    pub target: Address,
    pub selector: [u8; 4],
    pub gas: i64,
    pub deadline_at: OffsetDateTime,
    pub transaction_id: Uuid,
    pub day: Date,
    pub reserved_wei: U256,
    pub now: OffsetDateTime,
}

/// Wait for the lock of a user's requests, until the end of the transaction. Taken before the
/// sponsor's row.
pub async fn lock_user(
    db: &mut PgConnection,
    chain: ChainId,
    forwarder: Address,
    user: Address,
) -> Result<(), DbError> {
    let name = format!("forward:{chain}:{forwarder}:{user}");
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", name).execute(db).await?;
    Ok(())
}

/// Nonces from `first` on of a user's requests that may still take effect or have taken it, lowest
/// first, at most 1,000.
pub async fn load_live_nonces(
    db: &mut PgConnection,
    chain: ChainId,
    forwarder: Address,
    user: Address,
    first: i64,
) -> Result<Vec<i64>, DbError> {
    let rows = sqlx::query!(
        "select r.nonce
           from forward_requests r join transactions t on t.id = r.transaction_id
          where r.chain_id = $1 and r.forwarder = $2 and r.user_address = $3 and r.nonce >= $4
            and t.status not in ('failed', 'expired', 'cancelled') and not t.reverted
          order by r.nonce limit 1000",
        chain.as_i64(),
        forwarder.as_slice(),
        user.as_slice(),
        first,
    )
    .fetch_all(db)
    .await?;
    let mut nonces: Vec<i64> = rows.into_iter().map(|row| row.nonce).collect();
    // A reorg can bring back a request whose nonce another has by now.
    nonces.dedup();
    Ok(nonces)
}

/// Was this very request accepted before, by whichever sponsor?
pub async fn is_known(
    db: &mut PgConnection,
    chain: ChainId,
    forwarder: Address,
    digest: B256,
) -> Result<bool, DbError> {
    let row = sqlx::query!(
        r#"select exists (select 1 from forward_requests
            where chain_id = $1 and forwarder = $2 and digest = $3) as "known!""#,
        chain.as_i64(),
        forwarder.as_slice(),
        digest.as_slice(),
    )
    .fetch_one(db)
    .await?;
    Ok(row.known)
}

/// Record an accepted request. The constraint `forward_requests_digest_key` when it was accepted
/// before.
pub async fn record(db: &mut PgConnection, new: NewForwardRequest) -> Result<(), DbError> {
    sqlx::query!(
        "insert into forward_requests (id, sponsor_id, chain_id, forwarder, user_address, nonce,
                                       digest, target, selector, gas, deadline_at, transaction_id,
                                       day, reserved_wei, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        new.id,
        new.sponsor_id,
        new.chain_id.as_i64(),
        new.forwarder.as_slice(),
        new.user.as_slice(),
        new.nonce,
        new.digest.as_slice(),
        new.target.as_slice(),
        new.selector.as_slice(),
        new.gas,
        new.deadline_at,
        new.transaction_id,
        new.day,
        Numeric(new.reserved_wei) as _,
        new.now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A request with its transaction as it stands.
#[derive(Clone, Debug)]
pub struct ForwardRequestRow {
    pub id: Uuid,
    pub sponsor_id: Uuid,
    pub chain_id: i64,
    pub forwarder: Address,
    pub user_address: Address,
    pub nonce: i64,
    pub digest: Hash,
    pub target: Address,
    /// Four bytes.
    pub selector: Vec<u8>,
    pub gas: i64,
    pub deadline_at: OffsetDateTime,
    pub transaction_id: Uuid,
    pub reserved_wei: U256,
    pub cost_wei: Option<Numeric>,
    pub settled_at: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
    pub status: String,
    pub reason: Option<String>,
    pub reverted: bool,
    pub tx_hash: Option<Hash>,
    pub block_number: Option<i64>,
    pub block_hash: Option<Hash>,
}

/// Which requests to list. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForwardRequestFilter {
    pub id: Option<Uuid>,
    pub transaction_id: Option<Uuid>,
    pub sponsor_id: Option<Uuid>,
    /// Of the sponsor.
    pub principal_id: Option<PrincipalId>,
    pub user: Option<Address>,
    pub status: Option<JobStatus>,
}

/// Requests older than `before` by id, newest first.
pub async fn list(
    db: &mut PgConnection,
    filter: ForwardRequestFilter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<ForwardRequestRow>, DbError> {
    Ok(sqlx::query_as!(
        ForwardRequestRow,
        r#"select r.id, r.sponsor_id, r.chain_id, r.forwarder as "forwarder: Addr",
                  r.user_address as "user_address: Addr", r.nonce, r.digest as "digest: Hash",
                  r.target as "target: Addr", r.selector, r.gas, r.deadline_at, r.transaction_id,
                  r.reserved_wei as "reserved_wei: Numeric", r.cost_wei as "cost_wei: Numeric",
                  r.settled_at, r.created_at, t.status, t.reason, t.reverted,
                  t.tx_hash as "tx_hash: Hash", t.block_number, t.block_hash as "block_hash: Hash"
             from forward_requests r
             join transactions t on t.id = r.transaction_id
             join sponsors s on s.id = r.sponsor_id
            where ($1::uuid is null or r.id = $1)
              and ($2::uuid is null or r.transaction_id = $2)
              and ($3::uuid is null or r.sponsor_id = $3)
              and ($4::uuid is null or s.principal_id = $4)
              and ($5::bytea is null or r.user_address = $5)
              and ($6::text is null or t.status = $6)
              and ($7::uuid is null or r.id < $7)
            order by r.id desc limit $8"#,
        filter.id,
        filter.transaction_id,
        filter.sponsor_id,
        filter.principal_id.map(|id| id.0),
        filter.user.map(Addr) as _,
        filter.status.map(JobStatus::as_str),
        before,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// A request whose transaction has ended, and whose reservation still stands.
#[derive(Clone, Debug)]
pub struct Unsettled {
    pub id: Uuid,
    pub sponsor_id: Uuid,
    pub chain_id: i64,
    pub transaction_id: Uuid,
    pub reserved_wei: U256,
    /// What was mined at its nonce, and where; none when nothing was.
    pub tx_hash: Option<Hash>,
    pub block_hash: Option<Hash>,
    /// It ended longer ago than was asked about.
    pub is_old: bool,
}

/// Oldest first, after `after` by id. Old are those that ended more than `old_secs` seconds ago.
pub async fn load_unsettled(
    db: &mut PgConnection,
    after: Uuid,
    old_secs: f64,
    limit: i64,
) -> Result<Vec<Unsettled>, DbError> {
    Ok(sqlx::query_as!(
        Unsettled,
        r#"select r.id, r.sponsor_id, r.chain_id, r.transaction_id,
                  r.reserved_wei as "reserved_wei: Numeric",
                  t.tx_hash as "tx_hash: Hash", t.block_hash as "block_hash: Hash",
                  t.updated_at < now() - make_interval(secs => $2) as "is_old!"
             from forward_requests r join transactions t on t.id = r.transaction_id
            where r.settled_at is null and r.id > $1
              and t.status in ('final', 'failed', 'expired', 'cancelled')
            order by r.id limit $3"#,
        after,
        old_secs,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// What a settlement needs of a request.
#[derive(Clone, Debug)]
pub struct Settling {
    pub sponsor_id: Uuid,
    pub user_address: Address,
    pub day: Date,
    pub reserved_wei: U256,
}

/// Record what a request cost, once: none when it was settled before, or when its transaction has
/// no longer ended in this block (none: nowhere).
pub async fn record_cost(
    db: &mut PgConnection,
    (id, block): (Uuid, Option<B256>),
    cost: U256,
    now: OffsetDateTime,
) -> Result<Option<Settling>, DbError> {
    // The lock first, and the state by another statement, which sees what was committed while the
    // lock was waited for: who takes an end back holds the same lock.
    sqlx::query!("select id from forward_requests where id = $1 for update", id)
        .fetch_optional(&mut *db)
        .await?;
    Ok(sqlx::query_as!(
        Settling,
        r#"update forward_requests r set cost_wei = $2, settled_at = $3
             from transactions t
            where r.id = $1 and r.settled_at is null and t.id = r.transaction_id
              and t.status in ('final', 'failed', 'expired', 'cancelled')
              and t.block_hash is not distinct from $4::bytea
        returning r.sponsor_id, r.user_address as "user_address: Addr", r.day,
                  r.reserved_wei as "reserved_wei: Numeric""#,
        id,
        Numeric(cost) as _,
        now,
        block.map(Hash) as _,
    )
    .fetch_optional(db)
    .await?)
}

/// A settlement that no longer holds.
#[derive(Clone, Debug)]
pub struct Reopened {
    pub id: Uuid,
    pub settling: Settling,
    /// What it was taken to cost.
    pub cost_wei: U256,
}

/// The ends of these transactions are taken back: their requests are open again. Gives those that
/// were settled, by sponsor; all are locked.
pub async fn record_reopened(
    db: &mut PgConnection,
    transactions: &[Uuid],
) -> Result<Vec<Reopened>, DbError> {
    let rows = sqlx::query!(
        r#"select id, sponsor_id, user_address as "user_address: Addr", day,
                  reserved_wei as "reserved_wei: Numeric", cost_wei as "cost_wei: Numeric"
             from forward_requests where transaction_id = any($1)
            order by sponsor_id, id for update"#,
        transactions,
    )
    .fetch_all(&mut *db)
    .await?;
    let settled = rows.into_iter().filter_map(|row| {
        let settling = Settling {
            sponsor_id: row.sponsor_id,
            user_address: row.user_address.into(),
            day: row.day,
            reserved_wei: row.reserved_wei.into(),
        };
        Some(Reopened { id: row.id, settling, cost_wei: row.cost_wei?.into() })
    });
    let settled: Vec<Reopened> = settled.collect();
    let ids: Vec<Uuid> = settled.iter().map(|one| one.id).collect();
    sqlx::query!(
        "update forward_requests set cost_wei = null, settled_at = null where id = any($1)",
        &ids,
    )
    .execute(db)
    .await?;
    Ok(settled)
}

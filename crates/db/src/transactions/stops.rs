//! Jobs that somebody steps in on: stopped, hurried, replaced, driven again, undone.

use crate::{DbError, Hash, Numeric};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{ChainId, U256};

/// A job that is locked until the caller's transaction ends.
#[derive(Clone, Debug)]
pub struct Locked {
    pub chain_id: i64,
    pub role: String,
    pub kind: String,
    pub status: String,
    pub reverted: bool,
    pub tx_hash: Option<Hash>,
    pub request_id: Option<String>,
    pub ordering_key: Option<String>,
    pub ordering_on_failure: String,
    pub deadline_at: Option<OffsetDateTime>,
    /// Some of its nonces is not settled: bytes of it may still be mined.
    pub unsettled: bool,
    /// Its undo was queued.
    pub compensated: bool,
    /// A job that was to take its place is not cancelled.
    pub replaced: bool,
}

pub async fn lock(db: &mut PgConnection, id: Uuid) -> Result<Option<Locked>, DbError> {
    // Two statements: what stands in other rows must be read after the lock is had.
    let found = sqlx::query!("select id from transactions where id = $1 for update", id)
        .fetch_optional(&mut *db)
        .await?;
    if found.is_none() {
        return Ok(None);
    }
    Ok(sqlx::query_as!(
        Locked,
        r#"select t.chain_id, t.role, t.kind, t.status, t.reverted, t.tx_hash as "tx_hash: Hash",
                  t.request_id, t.ordering_key, t.ordering_on_failure, t.deadline_at,
                  exists (select 1 from nonces n where n.transaction_id = t.id
                             and n.is_unsettled)
                      as "unsettled!",
                  exists (select 1 from transactions c where c.compensates = t.id)
                      as "compensated!",
                  exists (select 1 from transactions r
                           where r.replaces = t.id and r.status <> 'cancelled') as "replaced!"
             from transactions t where t.id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await?)
}

/// Its lane is to void its nonce. A second request changes nothing.
pub async fn record_cancel_requested(db: &mut PgConnection, id: Uuid) -> Result<(), DbError> {
    sqlx::query!(
        "update transactions set cancel_requested_at = coalesce(cancel_requested_at, now())
          where id = $1",
        id,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Its lane is to price it anew as soon as it is next to be mined. None leaves a value as it is.
pub async fn record_bump_requested(
    db: &mut PgConnection,
    id: Uuid,
    urgency: Option<&'static str>,
    fee_cap_wei: Option<U256>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update transactions
            set asked_terms = coalesce(asked_terms, jsonb_build_object(
                    'urgency', urgency, 'fee_cap_wei', fee_cap_wei::text,
                    'deadline_at', deadline_at)),
                bump_requested_at = now(), urgency = coalesce($2, urgency),
                fee_cap_wei = coalesce($3, fee_cap_wei)
          where id = $1",
        id,
        urgency,
        fee_cap_wei.map(Numeric) as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A job that is driven again starts afresh, at its old place in the order of acceptance.
pub async fn record_redriven(
    db: &mut PgConnection,
    id: Uuid,
    deadline: Option<OffsetDateTime>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update transactions
            set asked_terms = coalesce(asked_terms, jsonb_build_object(
                    'urgency', urgency, 'fee_cap_wei', fee_cap_wei::text,
                    'deadline_at', deadline_at)),
                redrives = redrives + 1, nonce = null, tx_hash = null, reverted = false,
                wallet = case when wallet_given then wallet end, claimed_until = null, stalls = 0,
                stop_as = null, cancel_requested_at = null, bump_requested_at = null,
                submitted_at = null, deadline_at = $2,
                approval_request = null, approval_wanted_at = null
          where id = $1",
        id,
        deadline,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How these jobs end should the voids of their nonces be mined: `ends[i]` for `ids[i]`.
pub async fn record_stop_as(
    db: &mut PgConnection,
    ids: &[Uuid],
    ends: &[String],
) -> Result<(), DbError> {
    sqlx::query!(
        "update transactions t set stop_as = u.stop_as
           from unnest($1::uuid[], $2::text[]) as u (id, stop_as) where t.id = u.id",
        ids,
        ends,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A job that has ended, with the undo that it declared.
#[derive(Clone, Debug)]
pub struct Compensation {
    pub id: Uuid,
    pub role: String,
    pub request_id: Option<String>,
    pub principal_id: Option<Uuid>,
    pub compensation: Value,
}

/// Of these jobs, those which declared an undo that is not queued yet.
pub async fn load_compensations(
    db: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<Compensation>, DbError> {
    Ok(sqlx::query_as!(
        Compensation,
        r#"select t.id, t.role, t.request_id, t.principal_id, t.compensation as "compensation!"
             from transactions t
            where t.id = any($1) and t.compensation is not null
              and not exists (select 1 from transactions c where c.compensates = t.id)"#,
        ids,
    )
    .fetch_all(db)
    .await?)
}

/// What a change of state names a job by.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub id: Uuid,
    pub kind: String,
    pub request_id: Option<String>,
}

/// Queued jobs that were to take the place of one of these.
pub async fn load_replacements(
    db: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<Waiting>, DbError> {
    Ok(sqlx::query_as!(
        Waiting,
        "select id, kind, request_id from transactions
          where replaces = any($1) and status = 'queued' order by id for update",
        ids,
    )
    .fetch_all(db)
    .await?)
}

/// Queued jobs whose deadline has passed, by the database's clock.
pub async fn load_overdue(
    db: &mut PgConnection,
    chain: ChainId,
    limit: i64,
) -> Result<Vec<Waiting>, DbError> {
    Ok(sqlx::query_as!(
        Waiting,
        "select id, kind, request_id from transactions
          where chain_id = $1 and deadline_at <= now() and is_queued
          order by deadline_at limit $2 for update skip locked",
        chain.as_i64(),
        limit,
    )
    .fetch_all(db)
    .await?)
}

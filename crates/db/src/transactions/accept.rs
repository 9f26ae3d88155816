//! A job asked for by a request: job, answer and fact in one statement.

use super::requests::NewTransaction;
use crate::{Addr, DbError, Numeric};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::PrincipalId;

/// A job with the answer and the fact that go into the same commit.
#[derive(Clone, Copy, Debug)]
pub struct NewAccept<'a> {
    /// Carries principal, key and fingerprint too; it replaces and compensates nothing.
    pub row: &'a NewTransaction,
    pub principal_id: PrincipalId,
    /// The caller's Idempotency-Key.
    pub key: &'a str,
    /// Number of the advisory lock of (principal, key).
    pub lock: i64,
    pub fingerprint: &'a [u8; 32],
    pub now: OffsetDateTime,
    pub status: i16,
    pub body: &'a [u8],
    pub expires_at: OffsetDateTime,
    /// A mint of this key made after this counts as its answer, of another request.
    pub mints_after: OffsetDateTime,
    pub fact_topic: &'a str,
    pub fact_kind: &'a str,
    pub fact_attributes: &'a Value,
    pub fact_data: &'a Value,
}

/// What became of a [`NewAccept`].
#[derive(Clone, Debug)]
pub enum Accepted {
    /// Job, answer and fact are committed.
    New,
    /// A rival with the same key is at work.
    Locked,
    /// This key was answered, and the answer has not expired.
    Answered { fingerprint: Vec<u8>, status: i16, body: Vec<u8> },
    /// This key has a job, but no answer any more.
    Exists,
}

/// Record a job in one statement, which is one transaction and one round trip: try the lock of its
/// key, look for an earlier answer, insert job, answer and fact. Why this is safe: see
/// `mint_jobs::requests::record`.
// tidy: allow(sizes) one statement with all its columns
pub async fn record_accepted(
    db: &mut PgConnection,
    new: NewAccept<'_>,
) -> Result<Accepted, DbError> {
    let job = new.row;
    let row = sqlx::query!(
        r#"with lock as materialized (
               select pg_try_advisory_xact_lock($1) as held
           ), seen as materialized (
               select k.fingerprint, k.status, k.body
                 from lock, idempotency_keys k
                where lock.held and k.principal_id = $2 and k.key = $3 and k.expires_at > $4
               union all
               select m.fingerprint, 0::smallint, ''::bytea
                 from lock, mint_jobs m
                where lock.held and m.principal_id = $2 and m.request_id = $3
                  and m.created_at > $32
                limit 1
           ), job as (
               insert into transactions
                      (id, chain_id, role, wallet, kind, label, priority, urgency, fee_cap_wei,
                       recipient, value_wei, input, gas_limit, not_before, deadline_at,
                       ordering_key, ordering_on_failure, compensation, principal_id,
                       idempotency_key, fingerprint, request_id, wallet_given, queue_rank,
                       created_at, updated_at)
               select $5, $6, $7, $8::bytea, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
                      $20, $21, $22, $2, $3, $23, $24, $8::bytea is not null,
                      (extract(epoch from clock_timestamp()) * 1000)::bigint
                          - $11::int2::bigint * 30000, $4, $4
                 from lock where held and not exists (select 1 from seen)
               on conflict (principal_id, idempotency_key) where idempotency_key is not null
                  do nothing
               returning id
           ), answer as (
               insert into idempotency_keys
                      (principal_id, key, fingerprint, status, body, created_at, expires_at)
               select $2, $3, $23, $25, $26, $4, $27 from job
               on conflict (principal_id, key) do update
                  set fingerprint = excluded.fingerprint, status = excluded.status,
                      body = excluded.body, created_at = excluded.created_at,
                      expires_at = excluded.expires_at
           ), fact as (
               insert into outbox (topic, kind, attributes, chain_id, data)
               select $28, $29, $30, $6, $31 from job
           )
           select lock.held as "held!", exists (select 1 from job) as "recorded!",
                  seen.fingerprint as "fingerprint?", seen.status as "status?", seen.body as "body?"
             from lock left join seen on true"#,
        new.lock,
        new.principal_id.0,
        new.key,
        new.now,
        job.id,
        job.chain_id.as_i64(),
        job.role,
        job.wallet.map(Addr) as _,
        job.kind,
        job.label,
        job.priority,
        job.urgency,
        job.fee_cap_wei.map(Numeric) as _,
        job.recipient.map(Addr) as _,
        Numeric(job.value_wei) as _,
        job.input,
        job.gas_limit,
        job.not_before,
        job.deadline_at,
        job.ordering_key,
        job.ordering_on_failure,
        job.compensation,
        new.fingerprint.as_slice(),
        job.request_id,
        new.status,
        new.body,
        new.expires_at,
        new.fact_topic,
        new.fact_kind,
        new.fact_attributes,
        new.fact_data,
        new.mints_after,
    )
    .fetch_one(db)
    .await?;
    Ok(match (row.fingerprint, row.status, row.body) {
        _ if !row.held => Accepted::Locked,
        (Some(fingerprint), Some(status), Some(body)) => {
            Accepted::Answered { fingerprint, status, body }
        }
        _ if row.recorded => Accepted::New,
        _ => Accepted::Exists,
    })
}

//! Mint jobs as their callers see them: asked for, looked at, listed.

use crate::{Addr, DbError, Hash, Numeric};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{Address, ChainId, JobStatus, MintId, PrincipalId, U256};

/// A mint job as stored.
#[derive(Clone, Debug)]
pub struct MintJob {
    pub id: Uuid,
    pub principal_id: Uuid,
    pub fingerprint: Vec<u8>,
    pub chain_id: i64,
    pub contract: Address,
    pub recipient: Address,
    pub uri: Option<String>,
    pub status: String,
    pub reason: Option<String>,
    pub token_id: Option<Numeric>,
    pub tx_hash: Option<Hash>,
    pub block_number: Option<i64>,
    pub block_hash: Option<Hash>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub submitted_at: Option<OffsetDateTime>,
    pub tentative_at: Option<OffsetDateTime>,
    pub final_at: Option<OffsetDateTime>,
    /// The batch that it is in now.
    pub transaction_id: Option<Uuid>,
    /// Id of the HTTP request that made it.
    pub http_request_id: Option<String>,
}

/// A mint to be asked for, with the answer and the fact that go into the same commit.
#[derive(Clone, Copy, Debug)]
pub struct NewMint<'a> {
    pub id: MintId,
    pub principal_id: PrincipalId,
    /// The caller's Idempotency-Key.
    pub key: &'a str,
    /// Number of the advisory lock of (principal, key).
    pub lock: i64,
    pub fingerprint: &'a [u8; 32],
    pub chain_id: ChainId,
    pub contract: Address,
    pub recipient: Address,
    pub uri: Option<&'a str>,
    /// Id of the HTTP request, for following it through the logs.
    pub http_request_id: &'a str,
    pub now: OffsetDateTime,
    pub status: i16,
    pub body: &'a [u8],
    pub expires_at: OffsetDateTime,
    pub fact_topic: &'a str,
    pub fact_kind: &'a str,
    pub fact_attributes: &'a Value,
    pub fact_data: &'a Value,
}

/// What became of a [`NewMint`].
#[derive(Clone, Debug)]
pub enum Recorded {
    /// Job, answer and fact are committed.
    New,
    /// A rival with the same key is at work.
    Locked,
    /// This key was answered, and the answer has not expired.
    Answered { fingerprint: Vec<u8>, status: i16, body: Vec<u8> },
    /// This key has a job, but no answer any more: see [`load_by_key`].
    JobExists,
}

/// Record a mint request in one statement, which is one transaction and one round trip: try the
/// lock of its key, look for an earlier answer, insert job, answer and fact.
///
/// The statement's snapshot may be older than its lock. A rival that committed in between is then
/// not seen in `seen`, but found by the unique key of `mint_jobs`: `JobExists`.
pub async fn record(db: &mut PgConnection, mint: NewMint<'_>) -> Result<Recorded, DbError> {
    let row = sqlx::query!(
        r#"with lock as materialized (
               select pg_try_advisory_xact_lock($1) as held
           ), seen as materialized (
               select k.fingerprint, k.status, k.body
                 from lock, idempotency_keys k
                where lock.held and k.principal_id = $2 and k.key = $3 and k.expires_at > $4
           ), job as (
               insert into mint_jobs (id, principal_id, request_id, fingerprint, chain_id,
                                      contract, recipient, uri, http_request_id, created_at,
                                      updated_at)
               select $5, $2, $3, $6, $7, $8, $9, $10, $11, $4, $4
                 from lock where held and not exists (select 1 from seen)
               on conflict (principal_id, request_id) do nothing
               returning id
           ), answer as (
               insert into idempotency_keys
                      (principal_id, key, fingerprint, status, body, created_at, expires_at)
               select $2, $3, $6, $12, $13, $4, $14 from job
               on conflict (principal_id, key) do update
                  set fingerprint = excluded.fingerprint, status = excluded.status,
                      body = excluded.body, created_at = excluded.created_at,
                      expires_at = excluded.expires_at
           ), fact as (
               insert into outbox (topic, kind, attributes, chain_id, data)
               select $15, $16, $17, $7, $18 from job
           )
           select lock.held as "held!", exists (select 1 from job) as "recorded!",
                  seen.fingerprint as "fingerprint?", seen.status as "status?", seen.body as "body?"
             from lock left join seen on true"#,
        mint.lock,
        mint.principal_id.0,
        mint.key,
        mint.now,
        mint.id.0,
        mint.fingerprint.as_slice(),
        mint.chain_id.as_i64(),
        mint.contract.as_slice(),
        mint.recipient.as_slice(),
        mint.uri,
        mint.http_request_id,
        mint.status,
        mint.body,
        mint.expires_at,
        mint.fact_topic,
        mint.fact_kind,
        mint.fact_attributes,
        mint.fact_data,
    )
    .fetch_one(db)
    .await?;
    Ok(match (row.fingerprint, row.status, row.body) {
        _ if !row.held => Recorded::Locked,
        (Some(fingerprint), Some(status), Some(body)) => {
            Recorded::Answered { fingerprint, status, body }
        }
        _ if row.recorded => Recorded::New,
        _ => Recorded::JobExists,
    })
}

pub async fn load(db: &mut PgConnection, id: MintId) -> Result<Option<MintJob>, DbError> {
    Ok(sqlx::query_as!(
        MintJob,
        r#"select id, principal_id, fingerprint, chain_id, contract as "contract: Addr",
                  recipient as "recipient: Addr", uri, status, reason,
                  token_id as "token_id: Numeric", tx_hash as "tx_hash: Hash", block_number,
                  block_hash as "block_hash: Hash", created_at, updated_at, submitted_at,
                  tentative_at, final_at, transaction_id, http_request_id
             from mint_jobs where id = $1"#,
        id.0,
    )
    .fetch_optional(db)
    .await?)
}

/// The job that a principal's Idempotency-Key made, however long ago.
pub async fn load_by_key(
    db: &mut PgConnection,
    principal_id: PrincipalId,
    key: &str,
) -> Result<Option<MintJob>, DbError> {
    Ok(sqlx::query_as!(
        MintJob,
        r#"select id, principal_id, fingerprint, chain_id, contract as "contract: Addr",
                  recipient as "recipient: Addr", uri, status, reason,
                  token_id as "token_id: Numeric", tx_hash as "tx_hash: Hash", block_number,
                  block_hash as "block_hash: Hash", created_at, updated_at, submitted_at,
                  tentative_at, final_at, transaction_id, http_request_id
             from mint_jobs where principal_id = $1 and request_id = $2"#,
        principal_id.0,
        key,
    )
    .fetch_optional(db)
    .await?)
}

/// Id of the job whose intent an item's log named.
pub async fn load_id_by_intent(
    db: &mut PgConnection,
    chain: ChainId,
    contract: Address,
    intent: U256,
) -> Result<Option<MintId>, DbError> {
    let row = sqlx::query!(
        "select id from mint_jobs where chain_id = $1 and contract = $2 and intent = $3",
        chain.as_i64(),
        contract.as_slice(),
        Numeric(intent) as _,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| MintId(r.id)))
}

/// Which jobs to list. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct MintFilter {
    pub id: Option<MintId>,
    pub principal_id: Option<PrincipalId>,
    pub status: Option<JobStatus>,
    pub chain: Option<ChainId>,
    pub contract: Option<Address>,
    pub token_id: Option<U256>,
    pub recipient: Option<Address>,
}

/// Newest first, at most `limit`, only those before the job `before` if one is given.
pub async fn list(
    db: &mut PgConnection,
    filter: MintFilter,
    before: Option<MintId>,
    limit: i64,
) -> Result<Vec<MintJob>, DbError> {
    Ok(sqlx::query_as!(
        MintJob,
        r#"select id, principal_id, fingerprint, chain_id, contract as "contract: Addr",
                  recipient as "recipient: Addr", uri, status, reason,
                  token_id as "token_id: Numeric", tx_hash as "tx_hash: Hash", block_number,
                  block_hash as "block_hash: Hash", created_at, updated_at, submitted_at,
                  tentative_at, final_at, transaction_id, http_request_id
             from mint_jobs
            where ($1::uuid is null or principal_id = $1)
              and ($2::text is null or status = $2)
              and ($3::int8 is null or chain_id = $3)
              and ($4::bytea is null or contract = $4)
              and ($5::bytea is null or recipient = $5)
              and ($6::uuid is null or id < $6)
              and ($8::uuid is null or id = $8)
              and ($9::numeric is null or token_id = $9)
            order by id desc limit $7"#,
        filter.principal_id.map(|id| id.0),
        filter.status.map(JobStatus::as_str),
        filter.chain.map(ChainId::as_i64),
        filter.contract.as_ref().map(|a| a.as_slice()),
        filter.recipient.as_ref().map(|a| a.as_slice()),
        before.map(|id| id.0),
        limit,
        filter.id.map(|id| id.0),
        filter.token_id.map(Numeric) as _,
    )
    .fetch_all(db)
    .await?)
}

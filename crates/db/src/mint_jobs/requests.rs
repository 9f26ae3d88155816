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

/// A mint to be asked for, with the fact that goes into the same commit.
#[derive(Clone, Debug)]
pub struct NewMint {
    pub id: MintId,
    pub principal_id: PrincipalId,
    /// The caller's Idempotency-Key.
    pub key: String,
    /// Number of the advisory lock of (principal, key).
    pub lock: i64,
    pub fingerprint: [u8; 32],
    pub chain_id: ChainId,
    pub contract: Address,
    pub recipient: Address,
    pub uri: Option<String>,
    /// Id of the HTTP request, for following it through the logs.
    pub http_request_id: String,
    pub now: OffsetDateTime,
    /// A transaction of this key made after this counts as its answer, of another request.
    pub jobs_after: OffsetDateTime,
    pub fact_attributes: Value,
    pub fact_data: Value,
}

/// What became of a [`NewMint`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Job and fact are committed.
    New,
    /// A rival with the same key is at work.
    Locked,
    /// This key was answered for something that is no mint.
    Answered { fingerprint: Vec<u8>, status: i16, body: Vec<u8> },
    /// This key has a job: see [`load_by_key`].
    JobExists,
}

/// Record mint requests in one statement, which is one transaction and one round trip: try the
/// lock of each key, look for an earlier answer, insert jobs and facts (`topic`, `kind`). What
/// became of each is given in the order asked. The caller sees to it that no two have the same key:
/// the second would be told to exist.
///
/// The job is its own idempotency row: what was answered follows from columns that never change.
/// The statement's snapshot may be older than its locks. A rival that committed in between is
/// found by the unique key of `mint_jobs`: `JobExists`.
// tidy: allow(sizes) one statement with all its columns
pub async fn record(
    db: &mut PgConnection,
    (topic, kind): (&str, &str),
    mints: &[&NewMint],
) -> Result<Vec<Recorded>, DbError> {
    let rows = sqlx::query_as!(
        RecordedRow,
        r#"with asked as materialized (
               select u.*, pg_try_advisory_xact_lock(u.lock) as held
                 from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int8[], $5::bytea[],
                             $6::int8[], $7::bytea[], $8::bytea[], $9::text[], $10::text[],
                             $11::timestamptz[], $12::timestamptz[], $13::jsonb[],
                             $14::jsonb[])
                      with ordinality
                      as u(id, principal_id, key, lock, fingerprint, chain_id, contract,
                           recipient, uri, http_request_id, at, jobs_after, attributes, data,
                           place)
           ), seen as materialized (
               select a.id, s.*
                 from asked a
                cross join lateral (
                      select k.fingerprint, k.status, k.body
                        from idempotency_keys k
                       where k.principal_id = a.principal_id and k.key = a.key
                         and k.expires_at > a.at
                       union all
                      select t.fingerprint, 0::smallint, ''::bytea
                        from transactions t
                       where t.principal_id = a.principal_id and t.idempotency_key = a.key
                         and t.created_at > a.jobs_after
                       limit 1) s
                where a.held
           ), job as (
               insert into mint_jobs (id, principal_id, request_id, fingerprint, chain_id,
                                      contract, recipient, uri, http_request_id, created_at,
                                      updated_at)
               select a.id, a.principal_id, a.key, a.fingerprint, a.chain_id, a.contract,
                      a.recipient, a.uri, a.http_request_id, a.at, a.at
                 from asked a
                where a.held and not exists (select 1 from seen s where s.id = a.id)
                order by a.place
               on conflict (principal_id, request_id) do nothing
               returning id
           ), fact as (
               insert into outbox (topic, kind, attributes, chain_id, data)
               select $15, $16, a.attributes, a.chain_id, a.data
                 from asked a join job j on j.id = a.id order by a.place
           )
           select a.held as "held!", j.id is not null as "recorded!",
                  s.fingerprint as "fingerprint?", s.status as "status?", s.body as "body?"
             from asked a left join job j on j.id = a.id left join seen s on s.id = a.id
            order by a.place"#,
        &each(mints, |m| m.id.0),
        &each(mints, |m| m.principal_id.0),
        &each(mints, |m| m.key.as_str()) as _,
        &each(mints, |m| m.lock),
        &each(mints, |m| m.fingerprint.as_slice()) as _,
        &each(mints, |m| m.chain_id.as_i64()),
        &each(mints, |m| Addr(m.contract)) as _,
        &each(mints, |m| Addr(m.recipient)) as _,
        &each(mints, |m| m.uri.as_deref()) as _,
        &each(mints, |m| m.http_request_id.as_str()) as _,
        &each(mints, |m| m.now),
        &each(mints, |m| m.jobs_after),
        &each(mints, |m| &m.fact_attributes) as _,
        &each(mints, |m| &m.fact_data) as _,
        topic,
        kind,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// One column of the rows to be.
fn each<'a, T>(mints: &[&'a NewMint], of: impl Fn(&'a NewMint) -> T) -> Vec<T> {
    mints.iter().map(|mint| of(mint)).collect()
}

struct RecordedRow {
    held: bool,
    recorded: bool,
    fingerprint: Option<Vec<u8>>,
    status: Option<i16>,
    body: Option<Vec<u8>>,
}

impl From<RecordedRow> for Recorded {
    fn from(row: RecordedRow) -> Self {
        match (row.fingerprint, row.status, row.body) {
            _ if !row.held => Self::Locked,
            (Some(fingerprint), Some(status), Some(body)) => {
                Self::Answered { fingerprint, status, body }
            }
            _ if row.recorded => Self::New,
            _ => Self::JobExists,
        }
    }
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

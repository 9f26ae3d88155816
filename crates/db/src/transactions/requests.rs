//! Jobs as those see them who ask for them: queued, looked at, listed.

use crate::{Addr, DbError, Hash, Numeric};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{Address, ChainId, JobStatus, PrincipalId, TransactionId, U256};

/// A job to insert. Texts are bounded by the schema.
#[derive(Clone, Debug)]
pub struct NewTransaction {
    pub id: Uuid,
    pub chain_id: ChainId,
    pub role: String,
    pub wallet: Option<Address>,
    pub kind: String,
    pub label: Option<String>,
    /// -1000 to 1000.
    pub priority: i16,
    pub urgency: &'static str,
    pub fee_cap_wei: Option<U256>,
    pub recipient: Option<Address>,
    pub value_wei: U256,
    pub input: Vec<u8>,
    pub gas_limit: Option<i64>,
    pub not_before: Option<OffsetDateTime>,
    pub deadline_at: Option<OffsetDateTime>,
    pub ordering_key: Option<String>,
    /// `block` or `free`
    pub ordering_on_failure: &'static str,
    pub replaces: Option<Uuid>,
    pub compensation: Option<Value>,
    pub compensates: Option<Uuid>,
    pub principal_id: Option<Uuid>,
    pub idempotency_key: Option<String>,
    pub fingerprint: Option<[u8; 32]>,
    pub request_id: Option<String>,
}

/// Insert a queued job. One that replaces another takes its place in the order of acceptance.
pub async fn record_queued(db: &mut PgConnection, new: &NewTransaction) -> Result<(), DbError> {
    sqlx::query!(
        "insert into transactions (id, chain_id, role, wallet, kind, label, priority, urgency,
                                   fee_cap_wei, recipient, value_wei, input, gas_limit,
                                   not_before, deadline_at, ordering_key, ordering_on_failure,
                                   replaces, compensation, compensates, principal_id,
                                   idempotency_key, fingerprint, request_id, wallet_given,
                                   queue_rank, seq)
         values ($1, $2, $3, $4::bytea, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                 $17, $18, $19, $20, $21, $22, $23, $24, $4::bytea is not null,
                 (extract(epoch from clock_timestamp()) * 1000)::bigint - $7::int2::bigint * 30000,
                 coalesce((select seq from transactions where id = $18),
                          nextval(pg_get_serial_sequence('transactions', 'seq'))))",
        new.id,
        new.chain_id.as_i64(),
        new.role,
        new.wallet.map(Addr) as _,
        new.kind,
        new.label,
        new.priority,
        new.urgency,
        new.fee_cap_wei.map(Numeric) as _,
        new.recipient.map(Addr) as _,
        Numeric(new.value_wei) as _,
        new.input,
        new.gas_limit,
        new.not_before,
        new.deadline_at,
        new.ordering_key,
        new.ordering_on_failure,
        new.replaces,
        new.compensation,
        new.compensates,
        new.principal_id,
        new.idempotency_key,
        new.fingerprint.as_ref().map(<[u8; 32]>::as_slice),
        new.request_id,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A job as it stands.
#[derive(Clone, Debug)]
pub struct Transaction {
    pub id: Uuid,
    pub chain_id: i64,
    pub role: String,
    pub kind: String,
    pub label: Option<String>,
    pub status: String,
    pub reason: Option<String>,
    pub priority: i16,
    pub urgency: String,
    pub fee_cap_wei: Option<Numeric>,
    pub recipient: Option<Addr>,
    pub value_wei: U256,
    pub gas_limit: Option<i64>,
    pub wallet: Option<Addr>,
    pub nonce: Option<i64>,
    pub tx_hash: Option<Hash>,
    pub block_number: Option<i64>,
    pub block_hash: Option<Hash>,
    pub reverted: bool,
    pub not_before: Option<OffsetDateTime>,
    pub deadline_at: Option<OffsetDateTime>,
    pub ordering_key: Option<String>,
    pub ordering_on_failure: String,
    pub cancel_requested_at: Option<OffsetDateTime>,
    pub replaces: Option<Uuid>,
    pub compensation: Option<Value>,
    pub compensates: Option<Uuid>,
    pub redrives: i32,
    pub principal_id: Option<Uuid>,
    pub fingerprint: Option<Vec<u8>>,
    pub request_id: Option<String>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub wallet_given: bool,
    /// `urgency`, `fee_cap_wei` and `deadline_at` as they were asked for, once one was changed.
    pub asked_terms: Option<Value>,
}

pub async fn load(db: &mut PgConnection, id: Uuid) -> Result<Option<Transaction>, DbError> {
    Ok(sqlx::query_as!(
        Transaction,
        r#"select id, chain_id, role, kind, label, status, reason, priority, urgency,
                  fee_cap_wei as "fee_cap_wei: Numeric", recipient as "recipient: Addr",
                  value_wei as "value_wei: Numeric", gas_limit, wallet as "wallet: Addr", nonce,
                  tx_hash as "tx_hash: Hash", block_number, block_hash as "block_hash: Hash",
                  reverted, not_before, deadline_at, ordering_key, ordering_on_failure,
                  cancel_requested_at, replaces, compensation, compensates, redrives,
                  principal_id, fingerprint, request_id, created_at, updated_at, wallet_given,
                  asked_terms
             from transactions where id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await?)
}

/// The job that a principal asked for under this key.
pub async fn load_by_key(
    db: &mut PgConnection,
    principal: PrincipalId,
    key: &str,
) -> Result<Option<Transaction>, DbError> {
    Ok(sqlx::query_as!(
        Transaction,
        r#"select id, chain_id, role, kind, label, status, reason, priority, urgency,
                  fee_cap_wei as "fee_cap_wei: Numeric", recipient as "recipient: Addr",
                  value_wei as "value_wei: Numeric", gas_limit, wallet as "wallet: Addr", nonce,
                  tx_hash as "tx_hash: Hash", block_number, block_hash as "block_hash: Hash",
                  reverted, not_before, deadline_at, ordering_key, ordering_on_failure,
                  cancel_requested_at, replaces, compensation, compensates, redrives,
                  principal_id, fingerprint, request_id, created_at, updated_at, wallet_given,
                  asked_terms
             from transactions where principal_id = $1 and idempotency_key = $2"#,
        principal.0,
        key,
    )
    .fetch_optional(db)
    .await?)
}

/// Which jobs to list. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransactionFilter<'a> {
    pub chain_id: Option<ChainId>,
    pub status: Option<JobStatus>,
    pub kind: Option<&'a str>,
    pub wallet: Option<Address>,
    pub role: Option<&'a str>,
    pub principal_id: Option<PrincipalId>,
    pub ordering_key: Option<&'a str>,
    /// Only ids from this one on, which is to say: only jobs as young.
    pub since: Option<TransactionId>,
}

/// Jobs older than `before` by id, newest first.
pub async fn list(
    db: &mut PgConnection,
    filter: TransactionFilter<'_>,
    before: Option<TransactionId>,
    limit: i64,
) -> Result<Vec<Transaction>, DbError> {
    Ok(sqlx::query_as!(
        Transaction,
        r#"select id, chain_id, role, kind, label, status, reason, priority, urgency,
                  fee_cap_wei as "fee_cap_wei: Numeric", recipient as "recipient: Addr",
                  value_wei as "value_wei: Numeric", gas_limit, wallet as "wallet: Addr", nonce,
                  tx_hash as "tx_hash: Hash", block_number, block_hash as "block_hash: Hash",
                  reverted, not_before, deadline_at, ordering_key, ordering_on_failure,
                  cancel_requested_at, replaces, compensation, compensates, redrives,
                  principal_id, fingerprint, request_id, created_at, updated_at, wallet_given,
                  asked_terms
             from transactions
            where ($1::int8 is null or chain_id = $1) and ($2::text is null or status = $2)
              and ($3::text is null or kind = $3) and ($4::bytea is null or wallet = $4)
              and ($5::text is null or role = $5) and ($6::uuid is null or principal_id = $6)
              and ($7::text is null or ordering_key = $7) and ($8::uuid is null or id < $8)
              and ($10::uuid is null or id >= $10)
              and ($2 is distinct from 'queued' or is_queued)
              and ($2 is null or $2 not in ('failed', 'expired', 'cancelled') or ended_as = $2)
            order by id desc limit $9"#,
        filter.chain_id.map(ChainId::as_i64),
        filter.status.map(JobStatus::as_str),
        filter.kind,
        filter.wallet.map(Addr) as _,
        filter.role,
        filter.principal_id.map(|id| id.0),
        filter.ordering_key,
        before.map(|id| id.0),
        limit,
        filter.since.map(|id| id.0),
    )
    .fetch_all(db)
    .await?)
}

/// Is there a job of this kind to this receiver that has not ended, or is younger than `seconds`?
pub async fn is_paid(
    db: &mut PgConnection,
    chain: ChainId,
    kind: &str,
    recipient: Address,
    seconds: f64,
) -> Result<bool, DbError> {
    let row = sqlx::query!(
        r#"select exists (
               select 1 from transactions
                where chain_id = $1 and kind = $2 and recipient = $3
                  and (status not in ('final', 'failed', 'expired', 'cancelled')
                       or created_at > now() - make_interval(secs => $4)
                          and created_at < now() + make_interval(secs => $4))) as "paid!""#,
        chain.as_i64(),
        kind,
        recipient.as_slice(),
        seconds,
    )
    .fetch_one(db)
    .await?;
    Ok(row.paid)
}

/// How many jobs of a role wait, counted up to `limit`.
pub async fn load_depth(
    db: &mut PgConnection,
    chain: ChainId,
    role: &str,
    limit: i64,
) -> Result<i64, DbError> {
    let row = sqlx::query!(
        r#"select count(*) as "waiting!" from (
               select 1 from transactions
                where chain_id = $1 and role = $2 and is_queued limit $3) as waiting"#,
        chain.as_i64(),
        role,
        limit,
    )
    .fetch_one(db)
    .await?;
    Ok(row.waiting)
}

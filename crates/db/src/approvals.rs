//! `approvals`, and jobs that wait for them.

use crate::{Addr, DbError, Hash};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{Address, B256, ChainId};

/// An operator's signature under one act. Its form was checked.
#[derive(Clone, Debug)]
pub struct NewApproval {
    pub transaction_id: Uuid,
    /// EIP-712 hash.
    pub hash: B256,
    pub act: B256,
    pub operator: Address,
    pub salt: B256,
    /// r, s, v: 65 bytes.
    pub signature: Vec<u8>,
    /// Seconds since 1970.
    pub expires: i64,
    /// Who brings it.
    pub principal_id: Uuid,
}

/// Keep it. False: it is there already, perhaps in the signature's other form.
pub async fn record(db: &mut PgConnection, new: &NewApproval) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "insert into approvals (transaction_id, hash, act, operator, salt, signature, expires,
                                principal_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
        new.transaction_id,
        new.hash.as_slice(),
        new.act.as_slice(),
        new.operator.as_slice(),
        new.salt.as_slice(),
        new.signature,
        new.expires,
        new.principal_id,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An approval as it was brought.
#[derive(Clone, Debug)]
pub struct Approval {
    pub transaction_id: Uuid,
    pub hash: Hash,
    pub act: Hash,
    pub operator: Addr,
    pub salt: Hash,
    pub signature: Vec<u8>,
    /// Seconds since 1970.
    pub expires: i64,
    pub created_at: OffsetDateTime,
}

/// All approvals of these jobs, oldest first.
pub async fn load_of(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Approval>, DbError> {
    Ok(sqlx::query_as!(
        Approval,
        r#"select transaction_id, hash as "hash: Hash", act as "act: Hash",
                  operator as "operator: Addr", salt as "salt: Hash", signature, expires,
                  created_at
             from approvals where transaction_id = any($1) order by created_at, hash"#,
        ids,
    )
    .fetch_all(db)
    .await?)
}

/// What a job needs, and how it stands.
#[derive(Clone, Debug)]
pub struct Wanting {
    pub id: Uuid,
    pub chain_id: i64,
    pub role: String,
    pub kind: String,
    pub status: String,
    pub request_id: Option<String>,
    /// What the signer asked for last; none: it never did.
    pub request: Option<Value>,
    /// Since when no lane takes it.
    pub wanted_at: Option<OffsetDateTime>,
}

/// The job, locked until the caller's transaction ends.
pub async fn lock(db: &mut PgConnection, id: Uuid) -> Result<Option<Wanting>, DbError> {
    Ok(sqlx::query_as!(
        Wanting,
        "select id, chain_id, role, kind, status, request_id, approval_request as request,
                approval_wanted_at as wanted_at
           from transactions where id = $1 for update",
        id,
    )
    .fetch_optional(db)
    .await?)
}

/// What the job needs; none: there is no such job.
pub async fn load(db: &mut PgConnection, id: Uuid) -> Result<Option<Wanting>, DbError> {
    Ok(sqlx::query_as!(
        Wanting,
        "select id, chain_id, role, kind, status, request_id, approval_request as request,
                approval_wanted_at as wanted_at
           from transactions where id = $1",
        id,
    )
    .fetch_optional(db)
    .await?)
}

/// Of these jobs, those that have a nonce and nothing sent, locked.
pub async fn lock_reserved(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Wanting>, DbError> {
    Ok(sqlx::query_as!(
        Wanting,
        "select id, chain_id, role, kind, status, request_id, approval_request as request,
                approval_wanted_at as wanted_at
           from transactions where id = any($1) and status = 'reserved' order by id for update",
        ids,
    )
    .fetch_all(db)
    .await?)
}

/// Queued jobs wait for approvals of what `wallet` is to sign: `requests[i]` for `ids[i]`. They
/// stay with that wallet, whose key is part of what is approved.
pub async fn record_wanted(
    db: &mut PgConnection,
    wallet: Address,
    ids: &[Uuid],
    requests: &[Value],
) -> Result<(), DbError> {
    sqlx::query!(
        "update transactions t
            set wallet = $1, approval_request = u.request,
                approval_wanted_at = coalesce(t.approval_wanted_at, now())
           from unnest($2::uuid[], $3::jsonb[]) as u (id, request)
          where t.id = u.id and t.status = 'queued'",
        wallet.as_slice(),
        ids,
        requests,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lanes may take the job again, at once.
pub async fn record_given(db: &mut PgConnection, id: Uuid) -> Result<(), DbError> {
    sqlx::query!(
        "update transactions
            set approval_wanted_at = null, claimed_until = null, stalls = 0, updated_at = now()
          where id = $1 and status = 'queued'",
        id,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Queued jobs that stay with this wallet for their approvals' sake may go to another, which needs
/// approvals of its own.
pub async fn release(
    db: &mut PgConnection,
    chain: ChainId,
    wallet: Address,
) -> Result<(), DbError> {
    sqlx::query!(
        "update transactions
            set wallet = null, approval_request = null, approval_wanted_at = null
          where chain_id = $1 and wallet = $2 and is_queued and not wallet_given
            and approval_request is not null",
        chain.as_i64(),
        wallet.as_slice(),
    )
    .execute(db)
    .await?;
    Ok(())
}

//! The way of mint jobs into transactions: what waits, who gets which intent and transaction, and
//! what becomes of jobs while they follow their transaction (before the index sees them).

use crate::{Addr, DbError, Hash, Numeric};
use sqlx::PgConnection;
use uuid::Uuid;
use vocab::{Address, B256, ChainId, JobStatus, TransactionId, U256};

/// Collections with waiting jobs that stand on chain, those with the oldest job first.
pub async fn load_waiting_collections(
    db: &mut PgConnection,
    chain: ChainId,
    limit: i64,
) -> Result<Vec<Address>, DbError> {
    // Jumps from collection to collection in the index of waiting jobs, however many jobs each has.
    let rows = sqlx::query!(
        r#"with recursive waiting as (
               (select contract, id from mint_jobs
                 where chain_id = $1 and waiting
                 order by contract, id limit 1)
               union all
               select n.contract, n.id from waiting w, lateral (
                   select contract, id from mint_jobs
                    where chain_id = $1 and waiting and contract > w.contract
                    order by contract, id limit 1) n
           )
           select w.contract as "contract!: Addr" from waiting w
             join collection_requests r on r.chain_id = $1 and r.contract = w.contract
            where r.status in ('tentative', 'auditable', 'final')
               or exists (select 1 from collections c
                           where c.chain_id = $1 and c.contract = w.contract)
            order by w.id limit $2"#,
        chain.as_i64(),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.contract.0).collect())
}

/// How many wallets of a role there are, and how many transactions of a kind are under way (queued,
/// reserved, submitted or unknown).
pub async fn load_load(
    db: &mut PgConnection,
    chain: ChainId,
    role: &str,
    kind: &str,
) -> Result<(i64, i64), DbError> {
    let row = sqlx::query!(
        r#"select (select count(*) from wallets where chain_id = $1 and role = $2) as "wallets!",
                  (select count(*) from transactions
                    where chain_id = $1 and role = $2 and kind = $3 and is_queued)
                + (select count(*) from nonces n join transactions t on t.id = n.transaction_id
                    where n.chain_id = $1 and n.is_open and t.kind = $3) as "open!""#,
        chain.as_i64(),
        role,
        kind,
    )
    .fetch_one(db)
    .await?;
    Ok((row.wallets, row.open))
}

/// What batches of a collection are made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchTarget {
    /// `digest`, `base_uri` or `free_uri`.
    pub content_mode: String,
    pub base_uri: String,
    pub next_intent: U256,
}

/// The collection, locked, so that its intents are handed out by one transaction at a time.
pub async fn lock_target(
    db: &mut PgConnection,
    chain: ChainId,
    contract: Address,
) -> Result<Option<BatchTarget>, DbError> {
    Ok(sqlx::query_as!(
        BatchTarget,
        r#"select content_mode, base_uri, next_intent as "next_intent: Numeric"
             from collection_requests where chain_id = $1 and contract = $2
              for no key update"#,
        chain.as_i64(),
        contract.as_slice(),
    )
    .fetch_optional(db)
    .await?)
}

/// The first intents were given out: the next is `next`. Never goes back.
pub async fn record_next_intent(
    db: &mut PgConnection,
    chain: ChainId,
    contract: Address,
    next: U256,
) -> Result<(), DbError> {
    sqlx::query!(
        "update collection_requests set next_intent = $3
          where chain_id = $1 and contract = $2 and next_intent < $3",
        chain.as_i64(),
        contract.as_slice(),
        Numeric(next) as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A job that waits for a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub id: Uuid,
    pub principal_id: Uuid,
    pub recipient: Address,
    pub uri: Option<String>,
    /// Of the HTTP request that made the job.
    pub http_request_id: Option<String>,
}

/// How many jobs of a collection wait, counted up to `limit`, and the oldest. Locks nothing.
pub async fn peek_waiting(
    db: &mut PgConnection,
    chain: ChainId,
    contract: Address,
    limit: i64,
) -> Result<(i64, Option<Uuid>), DbError> {
    let row = sqlx::query!(
        r#"select count(*) as "count!", (array_agg(id order by id))[1] as oldest
             from (select id from mint_jobs where chain_id = $1 and contract = $2 and waiting
                    order by id limit $3) w"#,
        chain.as_i64(),
        contract.as_slice(),
        limit,
    )
    .fetch_one(db)
    .await?;
    Ok((row.count, row.oldest))
}

/// The oldest waiting jobs of a collection, locked; those that another transaction holds (it may
/// be cancelling them) are passed over.
pub async fn claim_waiting(
    db: &mut PgConnection,
    chain: ChainId,
    contract: Address,
    limit: i64,
) -> Result<Vec<Waiting>, DbError> {
    Ok(sqlx::query_as!(
        Waiting,
        r#"select id, principal_id, recipient as "recipient: Addr", uri, http_request_id
             from mint_jobs
            where chain_id = $1 and contract = $2 and waiting
            order by id limit $3 for update skip locked"#,
        chain.as_i64(),
        contract.as_slice(),
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Give jobs their transaction and, if they have none yet, their intents. Gives how many took them;
/// the caller rolls back unless all did.
pub async fn record_batch(
    db: &mut PgConnection,
    transaction: TransactionId,
    ids: &[Uuid],
    intents: &[U256],
) -> Result<u64, DbError> {
    let intents: Vec<Numeric> = intents.iter().copied().map(Numeric).collect();
    let done = sqlx::query!(
        "update mint_jobs m
            set transaction_id = $1, intent = u.intent, waiting = false, updated_at = now()
           from unnest($2::uuid[], $3::numeric[]) as u(id, intent)
          where m.id = u.id and m.status = 'queued'
            and (m.intent is null or m.intent = u.intent)",
        transaction.0,
        ids,
        &intents as _,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// A job that follows its transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Following {
    pub id: Uuid,
    pub principal_id: Uuid,
    pub transaction_id: Option<Uuid>,
    pub contract: Address,
    pub recipient: Address,
    pub uri: Option<String>,
    pub intent: Option<Numeric>,
    pub status: String,
    pub reason: Option<String>,
    pub tx_hash: Option<Hash>,
    /// Of the HTTP request that made the job.
    pub http_request_id: Option<String>,
}

/// The jobs of these transactions that still follow them, locked, in the order of their intents.
pub async fn lock_following(
    db: &mut PgConnection,
    transactions: &[Uuid],
) -> Result<Vec<Following>, DbError> {
    Ok(sqlx::query_as!(
        Following,
        r#"select id, principal_id, transaction_id, contract as "contract: Addr",
                  recipient as "recipient: Addr", uri, intent as "intent: Numeric", status, reason,
                  tx_hash as "tx_hash: Hash", http_request_id
             from mint_jobs
            where transaction_id = any($1)
              and status in ('queued', 'reserved', 'submitted', 'unknown')
            order by contract, intent for update"#,
        transactions,
    )
    .fetch_all(db)
    .await?)
}

/// The new state of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    pub id: Uuid,
    pub status: JobStatus,
    pub reason: Option<String>,
    /// The hash under which it was sent last; none when it is under no transaction's hash.
    pub tx_hash: Option<B256>,
}

/// Write the new states of jobs that [`lock_following`] gave.
pub async fn record_followed(db: &mut PgConnection, jobs: &[Followed]) -> Result<(), DbError> {
    if jobs.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = jobs.iter().map(|job| job.id).collect();
    let statuses: Vec<&str> = jobs.iter().map(|job| job.status.as_str()).collect();
    let reasons: Vec<Option<String>> = jobs.iter().map(|job| job.reason.clone()).collect();
    let hashes: Vec<Option<Hash>> = jobs.iter().map(|job| job.tx_hash.map(Hash)).collect();
    sqlx::query!(
        "update mint_jobs m
            set status = u.status, reason = u.reason, tx_hash = u.tx_hash, updated_at = now(),
                submitted_at = case when u.status in ('submitted', 'unknown')
                                    then coalesce(m.submitted_at, now()) else m.submitted_at end
           from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[])
                as u(id, status, reason, tx_hash)
          where m.id = u.id and m.status in ('queued', 'reserved', 'submitted', 'unknown')",
        &ids,
        &statuses as _,
        &reasons as _,
        &hashes as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// End a waiting job that can't be made part of any transaction.
pub async fn record_refused(db: &mut PgConnection, id: Uuid, reason: &str) -> Result<(), DbError> {
    sqlx::query!(
        "update mint_jobs set status = 'failed', reason = $2, waiting = false, updated_at = now()
          where id = $1 and status = 'queued' and waiting",
        id,
        reason,
    )
    .execute(db)
    .await?;
    Ok(())
}

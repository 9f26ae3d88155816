//! `transactions`: calls that must reach a chain once.
//!
//! Every change of state names the state that it starts from, so that a row which has moved on
//! stays as it is; the answer says which rows moved.

pub mod accept;
pub mod ordering;
pub mod requests;
pub mod stops;

pub use requests::{NewTransaction, Transaction, load, record_queued};

use crate::{Addr, DbError, Hash, Numeric};
use sqlx::PgConnection;
use uuid::Uuid;
use vocab::{Address, B256, BlockRef, ChainId, U256};

/// A queued job that a lane looks at.
#[derive(Clone, Debug)]
pub struct Ready {
    pub id: Uuid,
    pub kind: String,
    pub priority: i16,
    pub recipient: Option<Addr>,
    pub value_wei: U256,
    pub input: Vec<u8>,
    pub gas_limit: Option<i64>,
    pub request_id: Option<String>,
    /// Seconds since it was queued.
    pub age: f64,
}

/// Which jobs a lane takes.
#[derive(Clone, Copy, Debug)]
pub struct ClaimFilter<'a> {
    pub chain_id: ChainId,
    pub role: &'a str,
    pub wallet: Address,
    pub limit: i64,
    /// How long other lanes leave the jobs alone.
    pub seconds: f64,
}

/// Take ready jobs, most urgent first, which no other lane looks at. This only keeps lanes from
/// working in vain on the same jobs; a job belongs to a lane when it is reserved.
pub async fn claim_ready(
    db: &mut PgConnection,
    filter: ClaimFilter<'_>,
) -> Result<Vec<Ready>, DbError> {
    let mut ready = sqlx::query_as!(
        Ready,
        r#"with ready as (
               select id from transactions
                where chain_id = $1 and role = $2 and status = 'queued'
                  and (wallet is null or wallet = $3)
                  and (not_before is null or not_before <= now())
                  and (claimed_until is null or claimed_until <= now())
                order by priority desc, id limit $4
                  for update skip locked)
           update transactions t set claimed_until = now() + make_interval(secs => $5)
             from ready where t.id = ready.id
           returning t.id, t.kind, t.priority, t.recipient as "recipient: Addr",
                     t.value_wei as "value_wei: Numeric", t.input, t.gas_limit, t.request_id,
                     extract(epoch from now() - t.created_at)::float8 as "age!""#,
        filter.chain_id.as_i64(),
        filter.role,
        filter.wallet.as_slice(),
        filter.limit,
        filter.seconds,
    )
    .fetch_all(db)
    .await?;
    ready.sort_by_key(|job| (std::cmp::Reverse(job.priority), job.id));
    Ok(ready)
}

/// Leave queued jobs alone for a while.
pub async fn postpone(db: &mut PgConnection, ids: &[Uuid], seconds: f64) -> Result<(), DbError> {
    sqlx::query!(
        "update transactions set claimed_until = now() + make_interval(secs => $2)
          where id = any($1) and status = 'queued'",
        ids,
        seconds,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Of these jobs, lock those still queued.
pub async fn lock_queued(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    let rows = sqlx::query!(
        "select id from transactions where id = any($1) and status = 'queued' for update",
        ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Queued jobs get their wallet and nonce.
pub async fn record_reserved(
    db: &mut PgConnection,
    wallet: Address,
    ids: &[Uuid],
    nonces: &[i64],
) -> Result<(), DbError> {
    sqlx::query!(
        "update transactions t
            set status = 'reserved', wallet = $1, nonce = u.nonce, claimed_until = null,
                updated_at = now()
           from unnest($2::uuid[], $3::int8[]) as u (id, nonce)
          where t.id = u.id and t.status = 'queued'",
        wallet.as_slice(),
        ids,
        nonces,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A change of state of one job.
#[derive(Clone, Debug)]
pub struct Change {
    pub id: Uuid,
    pub from: &'static str,
    pub to: &'static str,
    pub reason: Option<String>,
    pub tx_hash: Option<B256>,
    pub block: Option<BlockRef>,
    pub reverted: bool,
}

/// Make the changes whose job is still in the state that they start from; gives their ids.
pub async fn record_changes(
    db: &mut PgConnection,
    changes: &[Change],
) -> Result<Vec<Uuid>, DbError> {
    let ids: Vec<Uuid> = changes.iter().map(|c| c.id).collect();
    let from: Vec<String> = changes.iter().map(|c| c.from.to_owned()).collect();
    let to: Vec<String> = changes.iter().map(|c| c.to.to_owned()).collect();
    let reasons: Vec<Option<String>> = changes.iter().map(|c| c.reason.clone()).collect();
    let hashes: Vec<Option<Hash>> = changes.iter().map(|c| c.tx_hash.map(Hash)).collect();
    let numbers: Vec<Option<i64>> =
        changes.iter().map(|c| c.block.map(|b| b.number.cast_signed())).collect();
    let blocks: Vec<Option<Hash>> = changes.iter().map(|c| c.block.map(|b| Hash(b.hash))).collect();
    let reverted: Vec<bool> = changes.iter().map(|c| c.reverted).collect();
    let rows = sqlx::query!(
        "update transactions t
            set status = u.new, reason = u.reason, tx_hash = coalesce(u.tx_hash, t.tx_hash),
                block_number = u.number, block_hash = u.block, reverted = u.reverted,
                updated_at = now()
           from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::int8[],
                       $7::bytea[], $8::bool[])
                as u (id, old, new, reason, tx_hash, number, block, reverted)
          where t.id = u.id and t.status = u.old
         returning t.id",
        &ids,
        &from,
        &to,
        &reasons as _,
        &hashes as _,
        &numbers as _,
        &blocks as _,
        &reverted,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Put jobs whose nonce went to a stranger's transaction back in the queue; the nonce is void.
pub async fn record_requeued(db: &mut PgConnection, ids: &[Uuid]) -> Result<(), DbError> {
    sqlx::query!("update nonces set state = 'void' where transaction_id = any($1)", ids,)
        .execute(&mut *db)
        .await?;
    sqlx::query!("update transactions set nonce = null, tx_hash = null where id = any($1)", ids,)
        .execute(db)
        .await?;
    Ok(())
}

/// A job on chain.
#[derive(Clone, Debug)]
pub struct Mined {
    pub id: Uuid,
    pub kind: String,
    pub status: String,
    pub reason: Option<String>,
    pub tx_hash: Option<Hash>,
    pub block_number: i64,
    pub block_hash: B256,
    pub reverted: bool,
    pub request_id: Option<String>,
}

/// Mined jobs of a wallet whose block is not (or no longer) ours, lowest block first. Blocks below
/// our oldest header can't be judged and do not count.
pub async fn load_orphaned(
    db: &mut PgConnection,
    chain: ChainId,
    wallet: Address,
    limit: i64,
) -> Result<Vec<Mined>, DbError> {
    Ok(sqlx::query_as!(
        Mined,
        r#"select t.id, t.kind, t.status, t.reason, t.tx_hash as "tx_hash: Hash",
                  t.block_number as "block_number!", t.block_hash as "block_hash!: Hash",
                  t.reverted, t.request_id
             from transactions t
            where t.chain_id = $1 and t.wallet = $2
              and t.status in ('tentative', 'auditable', 'final')
              and t.block_number >= (select min(number) from blocks where chain_id = $1)
              and not exists (select 1 from blocks b
                      where b.chain_id = $1 and b.number = t.block_number
                        and b.hash = t.block_hash)
            order by t.block_number, t.nonce limit $3"#,
        chain.as_i64(),
        wallet.as_slice(),
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Mined jobs of a wallet in blocks up to `height` on our chain, in the given states, lowest first.
pub async fn load_mined(
    db: &mut PgConnection,
    chain: ChainId,
    wallet: Address,
    states: &[String],
    height: i64,
    limit: i64,
) -> Result<Vec<Mined>, DbError> {
    Ok(sqlx::query_as!(
        Mined,
        r#"select t.id, t.kind, t.status, t.reason, t.tx_hash as "tx_hash: Hash",
                  t.block_number as "block_number!", t.block_hash as "block_hash!: Hash",
                  t.reverted, t.request_id
             from transactions t
             join blocks b on b.chain_id = t.chain_id and b.number = t.block_number
                          and b.hash = t.block_hash
            where t.chain_id = $1 and t.wallet = $2 and t.status in ('tentative', 'auditable')
              and t.status = any($3) and t.block_number <= $4
            order by t.block_number, t.nonce limit $5"#,
        chain.as_i64(),
        wallet.as_slice(),
        states,
        height,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Mined jobs of a wallet in blocks below our oldest header: too old to be judged by our headers.
pub async fn load_below_window(
    db: &mut PgConnection,
    chain: ChainId,
    wallet: Address,
    limit: i64,
) -> Result<Vec<Mined>, DbError> {
    Ok(sqlx::query_as!(
        Mined,
        r#"select t.id, t.kind, t.status, t.reason, t.tx_hash as "tx_hash: Hash",
                  t.block_number as "block_number!", t.block_hash as "block_hash!: Hash",
                  t.reverted, t.request_id
             from transactions t
            where t.chain_id = $1 and t.wallet = $2 and t.status in ('tentative', 'auditable')
              and t.block_number < (select min(number) from blocks where chain_id = $1)
            order by t.block_number, t.nonce limit $3"#,
        chain.as_i64(),
        wallet.as_slice(),
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Which of these block hashes are on our chain.
pub async fn load_canonical(
    db: &mut PgConnection,
    chain: ChainId,
    hashes: &[B256],
) -> Result<Vec<B256>, DbError> {
    let hashes: Vec<Hash> = hashes.iter().copied().map(Hash).collect();
    let rows = sqlx::query!(
        r#"select hash as "hash: Hash" from blocks where chain_id = $1 and hash = any($2)"#,
        chain.as_i64(),
        &hashes as _,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.hash.0).collect())
}

/// Our head, by the indexer's checkpoint.
pub async fn load_checkpoint(
    db: &mut PgConnection,
    chain: ChainId,
) -> Result<Option<BlockRef>, DbError> {
    let row = sqlx::query!(
        r#"select height, hash as "hash: Hash" from checkpoints where chain_id = $1"#,
        chain.as_i64(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| BlockRef { number: r.height.cast_unsigned(), hash: r.hash.0 }))
}

/// How many jobs of a role wait, and for how many seconds the oldest has.
#[derive(Clone, Debug, PartialEq)]
pub struct Depth {
    pub role: String,
    pub waiting: i64,
    pub oldest: f64,
}

pub async fn load_depths(db: &mut PgConnection, chain: ChainId) -> Result<Vec<Depth>, DbError> {
    Ok(sqlx::query_as!(
        Depth,
        r#"select role, count(*) as "waiting!",
                  extract(epoch from now() - min(created_at))::float8 as "oldest!"
             from transactions
            where chain_id = $1 and status = 'queued'
              and (not_before is null or not_before <= now())
            group by role"#,
        chain.as_i64(),
    )
    .fetch_all(db)
    .await?)
}

/// What a job calls.
#[derive(Clone, Debug)]
pub struct Call {
    pub recipient: Option<Addr>,
    pub value_wei: U256,
    pub input: Vec<u8>,
}

pub async fn load_call(db: &mut PgConnection, id: Uuid) -> Result<Option<Call>, DbError> {
    Ok(sqlx::query_as!(
        Call,
        r#"select recipient as "recipient: Addr", value_wei as "value_wei: Numeric", input
             from transactions where id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await?)
}

/// What facts about a job name it by.
#[derive(Clone, Debug)]
pub struct Label {
    pub id: Uuid,
    pub kind: String,
    pub request_id: Option<String>,
}

pub async fn load_labels(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Label>, DbError> {
    Ok(sqlx::query_as!(
        Label,
        "select id, kind, request_id from transactions where id = any($1)",
        ids,
    )
    .fetch_all(db)
    .await?)
}

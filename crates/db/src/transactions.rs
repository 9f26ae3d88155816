//! `transactions`: calls that must reach a chain once.
//!
//! Every change of state names the state that it starts from, so that a row which has moved on
//! stays as it is; the answer says which rows moved.

pub mod accept;
pub mod ordering;
pub mod requests;
pub mod sources;
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
    pub queue_rank: i64,
    pub seq: i64,
    pub urgency: String,
    pub fee_cap_wei: Option<Numeric>,
    pub recipient: Option<Addr>,
    pub value_wei: U256,
    pub input: Vec<u8>,
    pub gas_limit: Option<i64>,
    pub ordering_key: Option<String>,
    /// An earlier job of its key is queued: its effect is not at the head yet.
    pub behind_queued: bool,
    /// An earlier job of its key has a nonce and is not mined.
    pub behind_sent: bool,
    pub request_id: Option<String>,
    /// The signer once wanted others to approve it.
    pub asked_approval: bool,
    /// Seconds since it was queued.
    pub age: f64,
    /// Who is behind it: see [`sources`].
    pub source: String,
}

impl Ready {
    /// Its calls can't be judged yet by running them at the head.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.behind_queued || self.behind_sent
    }
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
    /// No claim lasts longer, [`postpone`]d ones included. One that seems to is from before the
    /// database's clock went back, and void.
    pub seconds_max: f64,
    /// Which jobs are left alone: those of `paused_kinds[i]` from `paused_sources[i]`.
    pub paused_kinds: &'a [String],
    pub paused_sources: &'a [String],
}

/// How many jobs of a role wait and are not claimed, counted up to `limit`. Claims that seem to
/// last longer than `seconds_max` are void.
pub async fn load_unclaimed(
    db: &mut PgConnection,
    chain: ChainId,
    role: &str,
    seconds_max: f64,
    limit: i64,
) -> Result<i64, DbError> {
    let row = sqlx::query!(
        r#"select count(*) as "waiting!" from (
               select 1 from transactions
                where chain_id = $1 and role = $2 and is_queued
                  and (claimed_until is null or claimed_until <= now()
                       or claimed_until > now() + make_interval(secs => $3))
                limit $4) as waiting"#,
        chain.as_i64(),
        role,
        seconds_max,
        limit,
    )
    .fetch_one(db)
    .await?;
    Ok(row.waiting)
}

/// Take ready jobs, first in the queue first, which no other lane looks at. This only keeps lanes
/// from working in vain on the same jobs; a job belongs to a lane when it is reserved. Of each
/// ordering key the first job at most is taken: see [`ordering::load_followers`]. A draining wallet
/// takes only what empties it.
pub async fn claim_ready(
    db: &mut PgConnection,
    filter: ClaimFilter<'_>,
) -> Result<Vec<Ready>, DbError> {
    let mut ready = sqlx::query_as!(
        Ready,
        r#"with ready as (
               select t.id from transactions t
                where t.chain_id = $1 and t.role = $2 and t.is_queued
                  and (t.wallet is null or t.wallet = $3)
                  and (t.not_before is null or t.not_before <= now())
                  and (t.deadline_at is null or t.deadline_at > now())
                  and (t.claimed_until is null or t.claimed_until <= now()
                       or t.claimed_until > now() + make_interval(secs => $7))
                  and t.approval_wanted_at is null
                  and ($6::text[] = '{}'
                       or (t.kind,
                           coalesce(nullif(concat_ws('/', t.principal_id, t.ordering_key), ''),
                                    encode(t.recipient, 'hex'), ''))
                          not in (select k, s from unnest($6, $8::text[]) as p (k, s)))
                  and (t.kind = 'drain' or not exists (select 1 from wallets w
                          where w.chain_id = $1 and w.address = $3 and w.draining))
                  and (t.replaces is null or exists (select 1 from transactions r
                          where r.id = t.replaces
                            and r.status in ('failed', 'expired', 'cancelled')))
                  and (t.ordering_key is null or not exists (select 1 from transactions p
                          where p.chain_id = t.chain_id and p.role = t.role
                            and p.ordering_key = t.ordering_key and p.seq < t.seq
                            and p.holds_order
                            and case
                                when p.status = 'queued' then true
                                when p.status in ('failed', 'expired')
                                    then p.ordering_on_failure = 'block'
                                when p.status in ('tentative', 'auditable')
                                    then p.wallet <> $3
                                         or p.ordering_on_failure = 'block' and p.reverted
                                else p.wallet <> $3 or p.ordering_on_failure = 'block'
                                end))
                order by t.queue_rank, t.seq limit $4
                  for update skip locked)
           update transactions t set claimed_until = now() + make_interval(secs => $5)
             from ready where t.id = ready.id
           returning t.id, t.kind, t.queue_rank, t.seq, t.urgency,
                     t.fee_cap_wei as "fee_cap_wei: Numeric", t.recipient as "recipient: Addr",
                     t.value_wei as "value_wei: Numeric", t.input, t.gas_limit, t.ordering_key,
                     false as "behind_queued!",
                     (t.ordering_key is not null and exists (select 1 from transactions p
                          where p.chain_id = t.chain_id and p.role = t.role
                            and p.ordering_key = t.ordering_key and p.seq < t.seq
                            and p.holds_order
                            and p.status in ('reserved', 'submitted', 'unknown')))
                         as "behind_sent!",
                     t.request_id, t.approval_request is not null as "asked_approval!",
                     extract(epoch from now() - t.created_at)::float8 as "age!",
                     coalesce(nullif(concat_ws('/', t.principal_id, t.ordering_key), ''),
                     encode(t.recipient, 'hex'), '') as "source!""#,
        filter.chain_id.as_i64(),
        filter.role,
        filter.wallet.as_slice(),
        filter.limit,
        filter.seconds,
        filter.paused_kinds,
        filter.seconds_max,
        filter.paused_sources,
    )
    .fetch_all(db)
    .await?;
    ready.sort_by_key(|job| (job.queue_rank, job.seq));
    Ok(ready)
}

/// How many times as long as asked for a job is left alone at most.
pub const POSTPONED_MAX: u32 = 16;

/// Leave queued jobs alone for a while: the longer, the more often in a row nothing came of looking
/// at them (twice as long each time, up to [`POSTPONED_MAX`] times).
pub async fn postpone(db: &mut PgConnection, ids: &[Uuid], seconds: f64) -> Result<(), DbError> {
    sqlx::query!(
        "update transactions
            set claimed_until = now() + make_interval(secs => $2 * 2 ^ least(stalls, 4)),
                stalls = least(stalls + 1, 100)
          where id = any($1) and status = 'queued'",
        ids,
        seconds,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Queued jobs are anybody's again at once.
pub async fn unclaim(db: &mut PgConnection, ids: &[Uuid]) -> Result<(), DbError> {
    sqlx::query!(
        "update transactions set claimed_until = null where id = any($1) and status = 'queued'",
        ids,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Of these jobs, lock those still queued.
pub async fn lock_queued(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    let rows = sqlx::query!(
        "select id from transactions
          where id = any($1) and status = 'queued' and approval_wanted_at is null for update",
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
                stalls = 0, updated_at = now()
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

/// A change that was made.
#[derive(Clone, Debug)]
pub struct Changed {
    pub id: Uuid,
    /// Seconds since the job was first handed to a node; none when it never was.
    pub since_submitted: Option<f64>,
}

/// Make the changes whose job is still in the state that they start from; gives those.
pub async fn record_changes(
    db: &mut PgConnection,
    changes: &[Change],
) -> Result<Vec<Changed>, DbError> {
    let ids: Vec<Uuid> = changes.iter().map(|c| c.id).collect();
    let from: Vec<String> = changes.iter().map(|c| c.from.to_owned()).collect();
    let to: Vec<String> = changes.iter().map(|c| c.to.to_owned()).collect();
    let reasons: Vec<Option<String>> = changes.iter().map(|c| c.reason.clone()).collect();
    let hashes: Vec<Option<Hash>> = changes.iter().map(|c| c.tx_hash.map(Hash)).collect();
    let numbers: Vec<Option<i64>> =
        changes.iter().map(|c| c.block.map(|b| b.number.cast_signed())).collect();
    let blocks: Vec<Option<Hash>> = changes.iter().map(|c| c.block.map(|b| Hash(b.hash))).collect();
    let reverted: Vec<bool> = changes.iter().map(|c| c.reverted).collect();
    Ok(sqlx::query_as!(
        Changed,
        "update transactions t
            set status = u.new, reason = u.reason, tx_hash = coalesce(u.tx_hash, t.tx_hash),
                block_number = u.number, block_hash = u.block, reverted = u.reverted,
                submitted_at = case when u.new in ('submitted', 'unknown')
                    then coalesce(t.submitted_at, now()) else t.submitted_at end,
                updated_at = now()
           from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::int8[],
                       $7::bytea[], $8::bool[])
                as u (id, old, new, reason, tx_hash, number, block, reverted)
          where t.id = u.id and t.status = u.old
         returning t.id, extract(epoch from now() - t.submitted_at)::float8 as since_submitted",
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
    .await?)
}

/// Jobs leave the nonces that they have, which get the state `void` (a stranger used it) or `free`
/// (nothing was signed at it). Another wallet may send them next, if none was named.
pub async fn record_nonce_left(
    db: &mut PgConnection,
    ids: &[Uuid],
    state: &str,
) -> Result<(), DbError> {
    sqlx::query!(
        "update nonces n set state = $2
           from transactions t
          where t.id = any($1) and n.chain_id = t.chain_id and n.wallet = t.wallet
            and n.nonce = t.nonce and n.transaction_id = t.id",
        ids,
        state,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update transactions
            set nonce = null, tx_hash = null, submitted_at = null,
                wallet = case when wallet_given then wallet end
          where id = any($1)",
        ids,
    )
    .execute(db)
    .await?;
    Ok(())
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

/// How many jobs of a role wait for a lane, and for how many seconds the oldest has; how many wait
/// for approvals.
#[derive(Clone, Debug, PartialEq)]
pub struct Depth {
    pub role: String,
    pub waiting: i64,
    pub oldest: f64,
    pub unapproved: i64,
}

pub async fn load_depths(db: &mut PgConnection, chain: ChainId) -> Result<Vec<Depth>, DbError> {
    Ok(sqlx::query_as!(
        Depth,
        r#"select role, count(*) filter (where approval_wanted_at is null) as "waiting!",
                  coalesce(extract(epoch from now() - min(created_at)
                      filter (where approval_wanted_at is null)), 0)::float8 as "oldest!",
                  count(approval_wanted_at) as "unapproved!"
             from transactions
            where chain_id = $1 and is_queued
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

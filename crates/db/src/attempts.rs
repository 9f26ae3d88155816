//! `attempts`: signed bytes, durable before any of them leaves the process.

use crate::{Addr, DbError, Hash, Numeric};
use sqlx::PgConnection;
use uuid::Uuid;
use vocab::{Address, B256, Bytes, ChainId, U256};

/// An attempt that is to be signed.
#[derive(Clone, Debug)]
pub struct NewAttempt {
    pub transaction_id: Uuid,
    pub attempt: i16,
    pub nonce: i64,
    pub gas_limit: i64,
    pub max_fee_wei: U256,
    pub max_priority_fee_wei: U256,
    /// Type 0: both fees are the gas price.
    pub legacy: bool,
    pub void: bool,
}

/// Insert attempts that have no signature yet.
pub async fn record_new(
    db: &mut PgConnection,
    chain: ChainId,
    wallet: Address,
    attempts: &[NewAttempt],
) -> Result<(), DbError> {
    let ids: Vec<Uuid> = attempts.iter().map(|a| a.transaction_id).collect();
    let numbers: Vec<i16> = attempts.iter().map(|a| a.attempt).collect();
    let nonces: Vec<i64> = attempts.iter().map(|a| a.nonce).collect();
    let gas: Vec<i64> = attempts.iter().map(|a| a.gas_limit).collect();
    let fees: Vec<Numeric> = attempts.iter().map(|a| Numeric(a.max_fee_wei)).collect();
    let tips: Vec<Numeric> = attempts.iter().map(|a| Numeric(a.max_priority_fee_wei)).collect();
    let legacies: Vec<bool> = attempts.iter().map(|a| a.legacy).collect();
    let voids: Vec<bool> = attempts.iter().map(|a| a.void).collect();
    sqlx::query!(
        "insert into attempts (transaction_id, attempt, chain_id, wallet, nonce, gas_limit,
                               max_fee_wei, max_priority_fee_wei, void, legacy)
         select t, a, $1, $2, n, g, f, p, v, l
           from unnest($3::uuid[], $4::int2[], $5::int8[], $6::int8[], $7::numeric[],
                       $8::numeric[], $9::bool[], $10::bool[]) as u (t, a, n, g, f, p, v, l)",
        chain.as_i64(),
        wallet.as_slice(),
        &ids,
        &numbers,
        &nonces,
        &gas,
        &fees as _,
        &tips as _,
        &voids,
        &legacies,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The highest attempt number of each of these jobs that has any.
pub async fn load_numbers(
    db: &mut PgConnection,
    transactions: &[Uuid],
) -> Result<Vec<(Uuid, i16)>, DbError> {
    let rows = sqlx::query!(
        r#"select transaction_id, max(attempt) as "attempt!" from attempts
            where transaction_id = any($1) group by 1"#,
        transactions,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.transaction_id, row.attempt)).collect())
}

/// An attempt that waits for its signature, with the call that it makes.
#[derive(Clone, Debug)]
pub struct Unsigned {
    pub transaction_id: Uuid,
    pub attempt: i16,
    pub nonce: i64,
    pub gas_limit: i64,
    pub max_fee_wei: U256,
    pub max_priority_fee_wei: U256,
    /// Type 0: both fees are the gas price.
    pub legacy: bool,
    pub void: bool,
    pub recipient: Option<Addr>,
    pub value_wei: U256,
    pub input: Vec<u8>,
    /// The signer once wanted others to approve the job.
    pub asked_approval: bool,
}

/// Attempts of a wallet without a signature and without the signer's refusal, by nonce; those of
/// jobs that must no longer run are left out.
pub async fn load_unsigned(
    db: &mut PgConnection,
    chain: ChainId,
    wallet: Address,
    limit: i64,
) -> Result<Vec<Unsigned>, DbError> {
    Ok(sqlx::query_as!(
        Unsigned,
        r#"select a.transaction_id, a.attempt, a.nonce, a.gas_limit,
                  a.max_fee_wei as "max_fee_wei: Numeric",
                  a.max_priority_fee_wei as "max_priority_fee_wei: Numeric", a.legacy, a.void,
                  t.recipient as "recipient: Addr", t.value_wei as "value_wei: Numeric", t.input,
                  t.approval_request is not null as "asked_approval!"
             from attempts a
             join nonces n on n.chain_id = a.chain_id and n.wallet = a.wallet and n.nonce = a.nonce
                          and n.transaction_id = a.transaction_id
             join transactions t on t.id = a.transaction_id
            where n.chain_id = $1 and n.wallet = $2 and n.is_open
              and a.raw is null and a.sent is null
              and (a.void or t.cancel_requested_at is null
                             and (t.deadline_at is null or t.deadline_at > now()))
            order by a.nonce, a.attempt limit $3"#,
        chain.as_i64(),
        wallet.as_slice(),
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Keep signed bytes. An attempt that has its bytes keeps them.
pub async fn record_signed(
    db: &mut PgConnection,
    transactions: &[Uuid],
    attempts: &[i16],
    raws: &[Vec<u8>],
    hashes: &[B256],
) -> Result<(), DbError> {
    let hashes: Vec<Hash> = hashes.iter().copied().map(Hash).collect();
    sqlx::query!(
        "update attempts a set raw = u.raw, tx_hash = u.hash
           from unnest($1::uuid[], $2::int2[], $3::bytea[], $4::bytea[])
             as u (id, attempt, raw, hash)
          where a.transaction_id = u.id and a.attempt = u.attempt and a.raw is null",
        transactions,
        attempts,
        raws,
        &hashes as _,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update nonces set state = 'signed'
          where transaction_id = any($1) and is_unsettled and state = 'reserved'",
        transactions,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keep how hand-overs ended. With `refusal_of_signer` the attempt has no bytes and never will.
pub async fn record_sent(
    db: &mut PgConnection,
    transactions: &[Uuid],
    attempts: &[i16],
    outcomes: &[String],
    errors: &[Option<String>],
) -> Result<(), DbError> {
    sqlx::query!(
        "update attempts a set sent = u.sent, sent_error = u.error, sent_at = now()
           from unnest($1::uuid[], $2::int2[], $3::text[], $4::text[])
             as u (id, attempt, sent, error)
          where a.transaction_id = u.id and a.attempt = u.attempt",
        transactions,
        attempts,
        outcomes,
        errors as _,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update nonces n set state = 'sent'
          where n.transaction_id = any($1) and n.is_unsettled and n.state = 'signed'",
        transactions,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// An attempt at a nonce that is not known to be mined.
#[derive(Clone, Debug)]
pub struct Open {
    pub transaction_id: Uuid,
    pub attempt: i16,
    pub nonce: i64,
    pub gas_limit: i64,
    pub max_fee_wei: U256,
    pub max_priority_fee_wei: U256,
    /// Type 0: both fees are the gas price.
    pub legacy: bool,
    pub void: bool,
    pub tx_hash: Option<Hash>,
    pub sent: Option<String>,
    pub sent_error: Option<String>,
    /// Seconds since the last hand-over, and since the attempt was made; by the database's clock.
    pub sent_age: Option<f64>,
    pub age: f64,
    pub kind: String,
    pub status: String,
    pub request_id: Option<String>,
    /// Somebody wants the job stopped, or it is past its deadline.
    pub cancel_wanted: bool,
    pub overdue: bool,
    /// How it ends should a void be mined.
    pub stop_as: Option<String>,
    /// Somebody wants it priced anew, and asked after this attempt was made.
    pub bump_wanted: bool,
    pub urgency: String,
    pub fee_cap_wei: Option<Numeric>,
}

/// All attempts at unmined nonces of a wallet, by nonce and attempt.
pub async fn load_open(
    db: &mut PgConnection,
    chain: ChainId,
    wallet: Address,
) -> Result<Vec<Open>, DbError> {
    Ok(sqlx::query_as!(
        Open,
        r#"select a.transaction_id, a.attempt, a.nonce, a.gas_limit,
                  a.max_fee_wei as "max_fee_wei: Numeric",
                  a.max_priority_fee_wei as "max_priority_fee_wei: Numeric", a.legacy, a.void,
                  a.tx_hash as "tx_hash: Hash", a.sent, a.sent_error,
                  abs(extract(epoch from now() - a.sent_at))::float8 as sent_age,
                  abs(extract(epoch from now() - a.created_at))::float8 as "age!",
                  t.kind, t.status, t.request_id,
                  t.cancel_requested_at is not null as "cancel_wanted!",
                  coalesce(t.deadline_at <= now(), false) as "overdue!", t.stop_as,
                  t.bump_requested_at is not null
                      and (t.bump_requested_at > a.created_at
                           or a.created_at > now() + interval '1 minute') as "bump_wanted!",
                  t.urgency, t.fee_cap_wei as "fee_cap_wei: Numeric"
             from nonces n
             join attempts a on a.transaction_id = n.transaction_id and a.nonce = n.nonce
                            and a.wallet = n.wallet
             join transactions t on t.id = a.transaction_id
            where n.chain_id = $1 and n.wallet = $2 and n.is_open
            order by a.nonce, a.attempt"#,
        chain.as_i64(),
        wallet.as_slice(),
    )
    .fetch_all(db)
    .await?)
}

/// Signed bytes, to be sent again as they are.
#[derive(Clone, Debug)]
pub struct Signed {
    pub transaction_id: Uuid,
    pub attempt: i16,
    pub nonce: i64,
    pub tx_hash: B256,
    pub raw: Bytes,
}

/// Newest signed bytes of each of these jobs that is not mined, by nonce.
pub async fn load_signed(
    db: &mut PgConnection,
    transactions: &[Uuid],
) -> Result<Vec<Signed>, DbError> {
    let rows = sqlx::query!(
        r#"select distinct on (a.nonce, a.transaction_id) a.transaction_id, a.attempt, a.nonce,
                  a.tx_hash as "tx_hash!: Hash", a.raw as "raw!"
             from attempts a
             join nonces n on n.transaction_id = a.transaction_id and n.nonce = a.nonce
                          and n.wallet = a.wallet
            where a.transaction_id = any($1) and a.raw is not null
              and n.is_open
            order by a.nonce, a.transaction_id, a.attempt desc"#,
        transactions,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Signed {
            transaction_id: row.transaction_id,
            attempt: row.attempt,
            nonce: row.nonce,
            tx_hash: row.tx_hash.0,
            raw: row.raw.into(),
        })
        .collect())
}

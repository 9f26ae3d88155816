//! `audit_logs`, and what the engine's audit log tells of transactions.

use crate::{Addr, DbError, Hash};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::B256;

/// The last line of a log that is known to be on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Its number, from 1.
    pub seq: i64,
    pub hash: B256,
    /// Its time, milliseconds since 1970.
    pub time_ms: i64,
    /// The fact that it tells.
    pub fact_seq: i64,
}

/// Where the log stands; none: nothing was written yet.
pub async fn load(db: &mut PgConnection, name: &str) -> Result<Option<Witness>, DbError> {
    Ok(sqlx::query_as!(
        Witness,
        r#"select seq, hash as "hash: Hash", time_ms, fact_seq from audit_logs where name = $1"#,
        name,
    )
    .fetch_optional(db)
    .await?)
}

/// The log has grown from `known` to `now`. False when it stood elsewhere: nothing is changed.
pub async fn record(
    db: &mut PgConnection,
    name: &str,
    known: Option<Witness>,
    now: Witness,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "insert into audit_logs as l (name, seq, hash, time_ms, fact_seq)
         select $1, $2, $3, $4, $5 where $6::int8 is null
             or exists (select 1 from audit_logs where name = $1)
         on conflict (name) do update
            set seq = excluded.seq, hash = excluded.hash, time_ms = excluded.time_ms,
                fact_seq = excluded.fact_seq, updated_at = now()
          where l.seq = $6 and l.hash = $7",
        name,
        now.seq,
        now.hash.as_slice(),
        now.time_ms,
        now.fact_seq,
        known.map(|known| known.seq),
        known.map(|known| Hash(known.hash)) as _,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A transaction came to its end on chain, or a reorg deeper than finality took that back.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Number of the fact that tells it, and when that was recorded.
    pub fact_seq: i64,
    pub at: OffsetDateTime,
    /// It is no longer final.
    pub taken_back: bool,
    pub chain_id: i64,
    pub transaction_id: Uuid,
    pub kind: String,
    pub status: String,
    pub reason_code: Option<String>,
    pub tx_hash: Option<Hash>,
    /// Where it is mined; none when that was taken back.
    pub block_number: Option<i64>,
    pub block_hash: Option<Hash>,
    pub request_id: Option<String>,
    pub principal_id: Option<Uuid>,
    pub role: String,
    /// Of the attempt that was mined.
    pub wallet: Option<Addr>,
    pub nonce: Option<i64>,
    pub void: Option<bool>,
    pub raw: Option<Vec<u8>>,
}

/// What the facts above `after` up to `upto` tell of ends on chain, in order, at most `limit`.
/// Always the same answer: it stands on facts and on signed bytes, which never change.
pub async fn load_ended(
    db: &mut PgConnection,
    (after, upto): (i64, i64),
    limit: i64,
) -> Result<Vec<Ended>, DbError> {
    Ok(sqlx::query_as!(
        Ended,
        r#"select f.seq as fact_seq, f.created_at as at, f.reverting as taken_back,
                  t.chain_id, t.id as transaction_id, t.kind,
                  f.data ->> 'status' as "status!",
                  f.data -> 'reason' ->> 'code' as reason_code,
                  h.hash as "tx_hash: Hash", f.block_number, f.block_hash as "block_hash: Hash",
                  f.data ->> 'request_id' as request_id, t.principal_id, t.role,
                  a.wallet as "wallet?: Addr", a.nonce as "nonce?", a.void as "void?", a.raw
             from facts f
             join transactions t on t.id = (f.attributes ->> 'transaction_id')::uuid
             cross join lateral (select decode(substr(f.data ->> 'tx_hash', 3), 'hex') as hash) h
             left join attempts a on a.tx_hash = h.hash
            where f.topic = 'transactions' and f.seq > $1 and f.seq <= $2
              and f.kind = 'transaction_status_changed'
              and case when f.reverting then f.attributes ->> 'previous_status' = 'final'
                  else f.block_hash is not null and f.data ->> 'status'
                           in ('final', 'failed', 'expired', 'cancelled')
                  end
            order by f.seq limit $3"#,
        after,
        upto,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Kind of the facts that tell what somebody did and nothing else. Others do so, too, if their data
/// has `by`.
pub const DECIDED: &str = "decided";

/// Somebody with a right to it did something, or wanted to without one.
#[derive(Clone, Debug)]
pub struct Decided {
    /// Number of the fact that tells it, and when that was recorded.
    pub fact_seq: i64,
    pub at: OffsetDateTime,
    pub chain_id: Option<i64>,
    pub attributes: serde_json::Value,
    pub data: serde_json::Value,
}

/// What the facts above `after` up to `upto` tell of decisions, in order, at most `limit`. Always
/// the same answer.
pub async fn load_decided(
    db: &mut PgConnection,
    (after, upto): (i64, i64),
    limit: i64,
) -> Result<Vec<Decided>, DbError> {
    Ok(sqlx::query_as!(
        Decided,
        "select seq as fact_seq, created_at as at, chain_id, attributes, data
           from facts
          where topic = 'transactions' and seq > $1 and seq <= $2
            and (kind = 'decided' or data ? 'by')
          order by seq limit $3",
        after,
        upto,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Which of them to list. What is absent does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct DecidedFilter<'a> {
    pub principal_id: Option<Uuid>,
    pub action: Option<&'a str>,
    pub object: Option<&'a str>,
    pub object_id: Option<&'a str>,
    /// Recorded then or later.
    pub from: Option<OffsetDateTime>,
    /// Recorded before.
    pub to: Option<OffsetDateTime>,
}

/// Those of them below the number `before`, newest first.
pub async fn list_decided(
    db: &mut PgConnection,
    filter: DecidedFilter<'_>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Decided>, DbError> {
    Ok(sqlx::query_as!(
        Decided,
        "select seq as fact_seq, created_at as at, chain_id, attributes, data
           from facts
          where topic = 'transactions' and (kind = 'decided' or data ? 'by')
            and ($1::int8 is null or seq < $1)
            and ($2::text is null or data ->> 'principal_id' = $2)
            and ($3::text is null or data -> 'by' ->> 'action' = $3)
            and ($4::text is null or attributes ->> 'object' = $4)
            and ($5::text is null or attributes ->> 'object_id' = $5)
            and ($6::timestamptz is null or created_at >= $6)
            and ($7::timestamptz is null or created_at < $7)
          order by seq desc limit $8",
        before,
        filter.principal_id.map(|id| id.to_string()),
        filter.action,
        filter.object,
        filter.object_id,
        filter.from,
        filter.to,
        limit,
    )
    .fetch_all(db)
    .await?)
}

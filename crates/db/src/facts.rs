//! `facts` and `topics`: the numbered log.

use crate::{DbError, Hash};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::TransactionId;

/// A fact with its place in its topic.
#[derive(Clone, Debug)]
pub struct Fact {
    pub topic: String,
    pub seq: i64,
    pub kind: String,
    pub reverting: bool,
    pub attributes: Value,
    pub chain_id: Option<i64>,
    pub block_number: Option<i64>,
    pub block_hash: Option<Hash>,
    pub data: Value,
    pub created_at: OffsetDateTime,
}

/// Where a topic stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicHead {
    pub topic: String,
    pub epoch: i64,
    pub seq: i64,
}

/// At most `limit` facts of `topic` after `seq`, in order. With `attributes` (strings by name),
/// only facts that have them; a reverting fact may have one as `previous_<name>` instead.
pub async fn load_after(
    db: &mut PgConnection,
    topic: &str,
    seq: i64,
    attributes: Option<&Value>,
    limit: i64,
) -> Result<Vec<Fact>, DbError> {
    Ok(sqlx::query_as!(
        Fact,
        r#"select topic, seq, kind, reverting, attributes, chain_id, block_number,
                  block_hash as "block_hash: Hash", data, created_at
             from facts
            where topic = $1 and seq > $2
              and ($3::jsonb is null or attributes @> $3
                   or (reverting and not exists (
                       select from jsonb_each_text($3) wanted
                        where attributes ->> wanted.key is distinct from wanted.value
                          and attributes ->> ('previous_' || wanted.key)
                              is distinct from wanted.value)))
            order by seq limit $4"#,
        topic,
        seq,
        attributes,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// As [`load_after`] without a filter, each with whether it was taken back: by a reverting fact of
/// the same block behind it, which may wait for its number.
pub async fn load_with_ends(
    db: &mut PgConnection,
    topic: &str,
    seq: i64,
    limit: i64,
) -> Result<Vec<(Fact, bool)>, DbError> {
    let rows = sqlx::query!(
        r#"with waiting as materialized (
               select chain_id, block_hash from outbox where topic = $1 and reverting)
           select f.topic, f.seq, f.kind, f.reverting, f.attributes, f.chain_id, f.block_number,
                  f.block_hash as "block_hash: Hash", f.data, f.created_at,
                  (f.block_hash is not null and not f.reverting
                   and (exists (select from facts r
                                 where r.topic = f.topic and r.chain_id = f.chain_id
                                   and r.block_number = f.block_number and r.reverting
                                   and r.block_hash = f.block_hash and r.seq > f.seq)
                        or (f.chain_id, f.block_hash)
                           in (select chain_id, block_hash from waiting))) as "taken_back!"
             from facts f
            where f.topic = $1 and f.seq > $2
            order by f.seq limit $3"#,
        topic,
        seq,
        limit,
    )
    .fetch_all(db)
    .await?;
    let facts = rows.into_iter().map(|row| {
        let fact = Fact {
            topic: row.topic,
            seq: row.seq,
            kind: row.kind,
            reverting: row.reverting,
            attributes: row.attributes,
            chain_id: row.chain_id,
            block_number: row.block_number,
            block_hash: row.block_hash,
            data: row.data,
            created_at: row.created_at,
        };
        (fact, row.taken_back)
    });
    Ok(facts.collect())
}

/// As [`load_after`], but none above `upto`: bounds what a rare filter makes the database scan.
pub async fn load_between(
    db: &mut PgConnection,
    topic: &str,
    (after, upto): (i64, i64),
    attributes: Option<&Value>,
    limit: i64,
) -> Result<Vec<Fact>, DbError> {
    Ok(sqlx::query_as!(
        Fact,
        r#"select topic, seq, kind, reverting, attributes, chain_id, block_number,
                  block_hash as "block_hash: Hash", data, created_at
             from facts
            where topic = $1 and seq > $2 and seq <= $3
              and ($4::jsonb is null or attributes @> $4
                   or (reverting and not exists (
                       select from jsonb_each_text($4) wanted
                        where attributes ->> wanted.key is distinct from wanted.value
                          and attributes ->> ('previous_' || wanted.key)
                              is distinct from wanted.value)))
            order by seq limit $5"#,
        topic,
        after,
        upto,
        attributes,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// All numbered facts of one transaction after `seq`, in order.
pub async fn load_of_transaction(
    db: &mut PgConnection,
    transaction: TransactionId,
    after: i64,
    limit: i64,
) -> Result<Vec<Fact>, DbError> {
    Ok(sqlx::query_as!(
        Fact,
        r#"select topic, seq, kind, reverting, attributes, chain_id, block_number,
                  block_hash as "block_hash: Hash", data, created_at
             from facts
            where topic = 'transactions' and attributes->>'transaction_id' = $1 and seq > $2
            order by seq limit $3"#,
        transaction.to_string(),
        after,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Heads of all topics.
pub async fn load_heads(db: &mut PgConnection) -> Result<Vec<TopicHead>, DbError> {
    Ok(sqlx::query_as!(TopicHead, "select topic, epoch, seq from topics order by topic")
        .fetch_all(db)
        .await?)
}

/// A name of this very log, which no other database of any deployment has.
pub async fn load_log_name(db: &mut PgConnection) -> Result<String, DbError> {
    let row = sqlx::query!(
        r#"select concat(c.system_identifier, '-', d.oid) as "name!"
             from pg_control_system() c, pg_database d where d.datname = current_database()"#
    );
    Ok(row.fetch_one(db).await?.name)
}

/// A connection that is told whenever facts were numbered.
///
/// # Errors
/// [`DbError::Unavailable`] when the listening connection cannot be made.
pub async fn listen(db: &crate::Db) -> Result<Listener, DbError> {
    let mut listener = sqlx::postgres::PgListener::connect_with(db).await?;
    listener.listen("facts").await?;
    Ok(Listener(listener))
}

/// See [`listen`].
#[derive(Debug)]
pub struct Listener(sqlx::postgres::PgListener);

impl Listener {
    /// Wait for the next notice. A notice may be lost when the connection breaks, so callers also
    /// look from time to time.
    pub async fn notified(&mut self) -> Result<(), DbError> {
        self.0.recv().await?;
        Ok(())
    }
}

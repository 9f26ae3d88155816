//! `outbox`: facts that wait for their number.

use crate::{DbError, Hash, copy::CopyBuffer};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};
use vocab::{BlockRef, ChainId};

/// From so many facts on, one `COPY` is quicker than a statement with lists.
const COPIED_MIN: usize = 32;
const COPY: &str = "copy outbox (topic, kind, reverting, attributes, chain_id, block_number, \
                    block_hash, data) from stdin (format binary)";
const COLUMNS: i16 = 8;

/// A fact as it is recorded, before it has a number.
#[derive(Clone, Debug)]
pub struct NewFact {
    pub topic: &'static str,
    pub kind: &'static str,
    /// It takes back what an earlier fact told (reorg).
    pub reverting: bool,
    /// What it is about: string values that subscribers may filter by.
    pub attributes: Value,
    pub chain_id: Option<ChainId>,
    pub block: Option<BlockRef>,
    pub data: Value,
}

/// Insert facts in the caller's transaction. No NOTIFY here: it holds a lock of the whole cluster
/// until the commit is on disk, and so would end group commit. The sequencer polls.
pub async fn record(db: &mut PgConnection, facts: &[NewFact]) -> Result<(), DbError> {
    if facts.len() >= COPIED_MIN {
        return copied(facts).send(db, COPY).await;
    }
    if facts.is_empty() {
        return Ok(());
    }
    let topics: Vec<String> = facts.iter().map(|f| f.topic.to_owned()).collect();
    let kinds: Vec<String> = facts.iter().map(|f| f.kind.to_owned()).collect();
    let reverting: Vec<bool> = facts.iter().map(|f| f.reverting).collect();
    let attributes: Vec<Json<&Value>> = facts.iter().map(|f| Json(&f.attributes)).collect();
    let chains: Vec<Option<i64>> = facts.iter().map(|f| f.chain_id.map(ChainId::as_i64)).collect();
    let numbers: Vec<Option<i64>> =
        facts.iter().map(|f| f.block.map(|b| b.number.cast_signed())).collect();
    let hashes: Vec<Option<Hash>> = facts.iter().map(|f| f.block.map(|b| Hash(b.hash))).collect();
    let data: Vec<Json<&Value>> = facts.iter().map(|f| Json(&f.data)).collect();
    sqlx::query!(
        "insert into outbox
             (topic, kind, reverting, attributes, chain_id, block_number, block_hash, data)
         select * from unnest($1::text[], $2::text[], $3::bool[], $4::jsonb[],
                              $5::int8[], $6::int8[], $7::bytea[], $8::jsonb[])",
        &topics,
        &kinds,
        &reverting,
        &attributes as _,
        &chains as _,
        &numbers as _,
        &hashes as _,
        &data as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

fn copied(facts: &[NewFact]) -> CopyBuffer {
    let mut rows = CopyBuffer::new(facts.len() * 512);
    for fact in facts {
        rows.row(COLUMNS);
        rows.field(fact.topic.as_bytes());
        rows.field(fact.kind.as_bytes());
        rows.field(&[u8::from(fact.reverting)]);
        rows.json(&fact.attributes);
        rows.optional(fact.chain_id.map(|chain| chain.as_i64().to_be_bytes()));
        rows.optional(fact.block.map(|block| block.number.to_be_bytes()));
        rows.optional(fact.block.map(|block| block.hash));
        rows.json(&fact.data);
    }
    rows
}

/// Give numbers to at most `limit` committed facts, lowest id first, and move them to `facts`.
/// Returns how many were moved. The caller holds the sequencer's lease in this transaction.
///
/// Nothing is skipped, because what is taken is deleted and what is not yet visible stays. Order is
/// causal without waiting for running transactions: if a transaction saw another's commit before it
/// recorded its fact, that other fact has a lower id and is visible to whoever sees the later one,
/// so it is taken no later. (Taking only rows behind the snapshot's xmin would hold back the
/// earlier of the two while letting a later one of an older transaction pass, and one long
/// transaction anywhere in the cluster would stop the log.) This rests on the identity column's
/// sequence having no cache, and on facts being recorded after the change that they tell.
pub async fn move_to_facts(db: &mut PgConnection, limit: i64) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "with taken as (
             delete from outbox where id in (
                 select id from outbox order by id limit $1)
             returning *
         ), counted as (
             select topic, count(*) as n from taken group by topic
         ), raised as (
             update topics t set seq = t.seq + c.n
               from counted c where t.topic = c.topic
             returning t.topic, t.seq - c.n as base
         )
         insert into facts (topic, seq, kind, reverting, attributes, chain_id, block_number,
                            block_hash, data, created_at)
         select k.topic, r.base + row_number() over (partition by k.topic order by k.id),
                k.kind, k.reverting, k.attributes, k.chain_id, k.block_number, k.block_hash,
                k.data, k.created_at
           from taken k join raised r on r.topic = k.topic",
        limit,
    )
    .execute(&mut *db)
    .await?;
    if done.rows_affected() > 0 {
        sqlx::query!("select pg_notify('facts', '')").execute(db).await?;
    }
    Ok(done.rows_affected())
}

/// How many facts wait for a number.
pub async fn depth(db: &mut PgConnection) -> Result<i64, DbError> {
    let row = sqlx::query!(r#"select count(*) as "n!" from outbox"#).fetch_one(db).await?;
    Ok(row.n)
}

/// Does no fact wait for a number?
///
/// By the index, which remembers what is dead: the table itself is full of rows that were moved,
/// and reading past them took as long as moving.
pub async fn is_empty(db: &mut PgConnection) -> Result<bool, DbError> {
    let row = sqlx::query!("select id from outbox order by id limit 1").fetch_optional(db).await?;
    Ok(row.is_none())
}

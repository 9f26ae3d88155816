//! `raw_logs` and `orphaned_logs`: every log of our sources, as the chain gave it. A log moves to
//! the second table when its block is orphaned.

use crate::{Addr, DbError, Hash};
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::{Address, B256, Bytes, ChainId};

/// A log of a mined transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawLog {
    pub block_number: u64,
    pub block_hash: B256,
    pub log_index: u32,
    pub tx_hash: B256,
    pub tx_index: u32,
    pub address: Address,
    /// At most four.
    pub topics: Vec<B256>,
    pub data: Bytes,
    /// Time of its block; none only for logs of early versions.
    pub mined_at: Option<OffsetDateTime>,
}

struct Row {
    block_number: i64,
    block_hash: Hash,
    log_index: i32,
    tx_hash: Hash,
    tx_index: i32,
    address: Addr,
    topics: Vec<u8>,
    data: Vec<u8>,
    mined_at: Option<OffsetDateTime>,
}

impl From<Row> for RawLog {
    fn from(row: Row) -> Self {
        Self {
            block_number: row.block_number.cast_unsigned(),
            block_hash: row.block_hash.0,
            log_index: row.log_index.cast_unsigned(),
            tx_hash: row.tx_hash.0,
            tx_index: row.tx_index.cast_unsigned(),
            address: row.address.0,
            topics: row.topics.chunks_exact(32).map(B256::from_slice).collect(),
            data: row.data.into(),
            mined_at: row.mined_at,
        }
    }
}

/// All logs of a contract in chain order, whatever chain it is on. For tests and audits: reads all.
pub async fn load_of(db: &mut PgConnection, contract: Address) -> Result<Vec<RawLog>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select block_number, block_hash as "block_hash: Hash", log_index,
                  tx_hash as "tx_hash: Hash", tx_index, address as "address: Addr", topics, data,
                  mined_at
             from raw_logs where address = $1 order by block_number, log_index"#,
        contract.as_slice(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Move the logs of blocks above `ancestor` to `orphaned_logs`; given in chain order. A block may
/// be orphaned twice; its logs are kept once.
pub async fn record_orphaned(
    db: &mut PgConnection,
    chain: ChainId,
    ancestor: u64,
) -> Result<Vec<RawLog>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"with gone as (
               delete from raw_logs where chain_id = $1 and block_number > $2 returning *
           ), kept as (
               insert into orphaned_logs (chain_id, block_number, block_hash, log_index, tx_hash,
                                          tx_index, address, topics, data, mined_at)
               select chain_id, block_number, block_hash, log_index, tx_hash, tx_index, address,
                      topics, data, mined_at from gone
               on conflict do nothing
           )
           select block_number, block_hash as "block_hash: Hash", log_index,
                  tx_hash as "tx_hash: Hash", tx_index, address as "address: Addr", topics, data,
                  mined_at
             from gone order by block_number, log_index"#,
        chain.as_i64(),
        ancestor.cast_signed(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Remove the logs of blocks above `to`, which are on the chain all the same; given in chain order.
pub async fn record_rewound(
    db: &mut PgConnection,
    chain: ChainId,
    to: u64,
) -> Result<Vec<RawLog>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"with gone as (
               delete from raw_logs where chain_id = $1 and block_number > $2 returning *
           )
           select block_number, block_hash as "block_hash: Hash", log_index,
                  tx_hash as "tx_hash: Hash", tx_index, address as "address: Addr", topics, data,
                  mined_at
             from gone order by block_number, log_index"#,
        chain.as_i64(),
        to.cast_signed(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The logs at these places (block, log index), in chain order.
pub async fn load_many(
    db: &mut PgConnection,
    chain: ChainId,
    places: &[(i64, i32)],
) -> Result<Vec<RawLog>, DbError> {
    let (numbers, indexes): (Vec<i64>, Vec<i32>) = places.iter().copied().unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select l.block_number, l.block_hash as "block_hash: Hash", l.log_index,
                  l.tx_hash as "tx_hash: Hash", l.tx_index, l.address as "address: Addr", l.topics,
                  l.data, l.mined_at
             from unnest($2::int8[], $3::int4[]) as p (block_number, log_index)
             join raw_logs l on l.chain_id = $1 and l.block_number = p.block_number
                            and l.log_index = p.log_index
            order by l.block_number, l.log_index"#,
        chain.as_i64(),
        &numbers,
        &indexes,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Logs of a chain in its order, at most `limit`, after (block, log index) and up to block `last`.
pub async fn load_after(
    db: &mut PgConnection,
    chain: ChainId,
    (block, place): (i64, i32),
    last: i64,
    limit: i64,
) -> Result<Vec<RawLog>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select block_number, block_hash as "block_hash: Hash", log_index,
                  tx_hash as "tx_hash: Hash", tx_index, address as "address: Addr", topics, data,
                  mined_at
             from raw_logs
            where chain_id = $1 and (block_number, log_index) > ($2, $3) and block_number <= $4
            order by block_number, log_index limit $5"#,
        chain.as_i64(),
        block,
        place,
        last,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// How many logs the blocks of a chain up to `last` have. Reads an index of all of them.
pub async fn count(db: &mut PgConnection, chain: ChainId, last: i64) -> Result<i64, DbError> {
    let row = sqlx::query!(
        r#"select count(*) as "count!" from raw_logs where chain_id = $1 and block_number <= $2"#,
        chain.as_i64(),
        last,
    )
    .fetch_one(db)
    .await?;
    Ok(row.count)
}

/// Which logs to list. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogFilter {
    pub address: Option<Address>,
    /// Together with an address only: no index has it.
    pub topic0: Option<B256>,
    /// Both ends are included.
    pub first_block: Option<i64>,
    pub last_block: Option<i64>,
}

/// Logs of a chain in its order, at most `limit`, after (block, log index). Those of an event that
/// is taken from any contract are left out while they are not all there: yet, or any more.
pub async fn list(
    db: &mut PgConnection,
    chain: ChainId,
    filter: LogFilter,
    after: Option<(i64, i32)>,
    limit: i64,
) -> Result<Vec<RawLog>, DbError> {
    let (block, place) = after.unwrap_or((-1, 0));
    let rows = sqlx::query_as!(
        Row,
        r#"select block_number, block_hash as "block_hash: Hash", log_index,
                  tx_hash as "tx_hash: Hash", tx_index, address as "address: Addr", topics, data,
                  mined_at
             from raw_logs
            where chain_id = $1 and ($2::bytea is null or address = $2)
              and ($3::bytea is null or substring(topics for 32) = $3)
              and block_number between $4 and $5 and (block_number, log_index) > ($6, $7)
              and ($2::bytea is not null
                  or address <> all ((select backfilling($1))::bytea[]))
              and not exists (
                  select 1 from index_sources s
                   where s.chain_id = $1 and s.address = substring(topics from 13 for 20)
                     and s.anywhere and coalesce(s.height, s.last_block) < $5)
            order by block_number, log_index limit $8"#,
        chain.as_i64(),
        filter.address.map(Addr) as _,
        filter.topic0.map(Hash) as _,
        filter.first_block.unwrap_or(0),
        filter.last_block.unwrap_or(i64::MAX),
        block,
        place,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

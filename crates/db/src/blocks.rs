//! `blocks`: our canonical header chain inside the reorg window. Written by the indexer's commits
//! only; the lowest row is the anchor below which nothing can be unwound.

use crate::{Db, DbError, Hash};
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::{B256, BlockRef, ChainId};

/// A canonical block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRow {
    pub number: u64,
    pub hash: B256,
    pub parent_hash: B256,
    pub mined_at: OffsetDateTime,
}

impl BlockRow {
    #[must_use]
    pub fn block(&self) -> BlockRef {
        BlockRef { number: self.number, hash: self.hash }
    }
}

/// Add blocks in the caller's transaction.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    blocks: &[BlockRow],
) -> Result<(), DbError> {
    let numbers: Vec<i64> = blocks.iter().map(|b| b.number.cast_signed()).collect();
    let hashes: Vec<Hash> = blocks.iter().map(|b| Hash(b.hash)).collect();
    let parents: Vec<Hash> = blocks.iter().map(|b| Hash(b.parent_hash)).collect();
    let times: Vec<OffsetDateTime> = blocks.iter().map(|b| b.mined_at).collect();
    sqlx::query!(
        "insert into blocks (chain_id, number, hash, parent_hash, mined_at)
         select $1, * from unnest($2::int8[], $3::bytea[], $4::bytea[], $5::timestamptz[])",
        chain.as_i64(),
        &numbers,
        &hashes as _,
        &parents as _,
        &times,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Number of the lowest block kept of a chain; none before its first block.
pub async fn load_oldest(db: &mut PgConnection, chain: ChainId) -> Result<Option<u64>, DbError> {
    let number =
        sqlx::query_scalar!("select min(number) from blocks where chain_id = $1", chain.as_i64(),)
            .fetch_one(db)
            .await?;
    Ok(number.map(i64::cast_unsigned))
}

/// The canonical block at a height of the window.
pub async fn load_at(
    db: &mut PgConnection,
    chain: ChainId,
    number: u64,
) -> Result<Option<BlockRef>, DbError> {
    let hash = sqlx::query_scalar!(
        r#"select hash as "hash: Hash" from blocks where chain_id = $1 and number = $2"#,
        chain.as_i64(),
        number.cast_signed(),
    )
    .fetch_optional(db)
    .await?;
    Ok(hash.map(|hash| BlockRef { number, hash: hash.0 }))
}

/// All blocks kept of a chain, lowest first.
pub async fn load_window(db: &mut PgConnection, chain: ChainId) -> Result<Vec<BlockRef>, DbError> {
    let rows = sqlx::query!(
        r#"select number, hash as "hash: Hash" from blocks where chain_id = $1 order by number"#,
        chain.as_i64(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| BlockRef { number: r.number.cast_unsigned(), hash: r.hash.0 })
        .collect())
}

/// Which of these blocks are canonical (known by number and hash inside the window).
pub async fn load_canonical(
    db: &Db,
    chain: ChainId,
    candidates: &[BlockRef],
) -> Result<Vec<BlockRef>, DbError> {
    let hashes: Vec<Hash> = candidates.iter().map(|b| Hash(b.hash)).collect();
    let rows = sqlx::query!(
        r#"select number, hash as "hash: Hash" from blocks
            where chain_id = $1 and hash = any($2::bytea[]) order by number"#,
        chain.as_i64(),
        &hashes as _,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| BlockRef { number: r.number.cast_unsigned(), hash: r.hash.0 })
        .filter(|block| candidates.contains(block))
        .collect())
}

/// Take the blocks above `ancestor` out of the canonical chain; given lowest first.
pub async fn record_orphaned(
    db: &mut PgConnection,
    chain: ChainId,
    ancestor: u64,
) -> Result<Vec<BlockRow>, DbError> {
    let rows = sqlx::query!(
        r#"delete from blocks where chain_id = $1 and number > $2
           returning number, hash as "hash: Hash", parent_hash as "parent_hash: Hash", mined_at"#,
        chain.as_i64(),
        ancestor.cast_signed(),
    )
    .fetch_all(db)
    .await?;
    let mut blocks: Vec<BlockRow> = rows
        .into_iter()
        .map(|r| BlockRow {
            number: r.number.cast_unsigned(),
            hash: r.hash.0,
            parent_hash: r.parent_hash.0,
            mined_at: r.mined_at,
        })
        .collect();
    blocks.sort_by_key(|block| block.number);
    Ok(blocks)
}

/// Forget the blocks below `anchor`.
pub async fn record_anchor(
    db: &mut PgConnection,
    chain: ChainId,
    anchor: u64,
) -> Result<(), DbError> {
    sqlx::query!(
        "delete from blocks where chain_id = $1 and number < $2",
        chain.as_i64(),
        anchor.cast_signed(),
    )
    .execute(db)
    .await?;
    Ok(())
}

//! Rows of `index_sources` that end: contracts which are followed no more, and are again.

use crate::{Addr, DbError};
use sqlx::PgConnection;
use vocab::{Address, ChainId};

/// This contract is followed no more: its rows stay as they are at block `last`. One of which
/// nothing can have been indexed by then goes altogether.
pub async fn record_removed(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
    last: u64,
) -> Result<(), DbError> {
    sqlx::query!(
        "with gone as (
             delete from index_sources
              where chain_id = $1 and address = $2 and start_block > $3)
         update index_sources
            set last_block = $3, height = null, hash = null, configured = false
          where chain_id = $1 and address = $2 and start_block <= $3",
        chain.as_i64(),
        address.as_slice(),
        last.cast_signed(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Contracts that were followed no more are again, unless they are being deleted: what they told
/// since is to be read beside the head. `height` is the chain's, whose row the transaction holds.
pub async fn record_followed_again(
    db: &mut PgConnection,
    chain: ChainId,
    addresses: &[Address],
    height: u64,
) -> Result<(), DbError> {
    let addresses: Vec<Addr> = addresses.iter().copied().map(Addr).collect();
    sqlx::query!(
        "update index_sources set height = least(last_block, $3), hash = null, last_block = null
          where chain_id = $1 and address = any($2) and last_block is not null
            and not purging",
        chain.as_i64(),
        &addresses as _,
        height.cast_signed(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The blocks above `ancestor` are taken back, also of contracts that stand above it beside the
/// checkpoint (those that are followed again).
pub async fn record_unwound(
    db: &mut PgConnection,
    chain: ChainId,
    ancestor: u64,
) -> Result<(), DbError> {
    sqlx::query!(
        "update index_sources set height = $2, hash = null where chain_id = $1 and height > $2",
        chain.as_i64(),
        ancestor.cast_signed(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The last block of which there are logs of a contract that is followed no more, by itself or with
/// the factory that made it. None for one that goes on, also as a collection of ours.
pub async fn load_last_block(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
) -> Result<Option<u64>, DbError> {
    let row = sqlx::query!(
        r#"select s.last_block as "last_block!" from index_sources s
            where s.chain_id = $1 and s.last_block is not null
              and s.address = coalesce(
                  (select o.address from index_sources o where o.chain_id = $1 and o.address = $2),
                  (select c.factory from index_children c where c.chain_id = $1 and c.address = $2
                    order by c.block_number, c.log_index limit 1))
              and not exists (select 1 from collections o
                               where o.chain_id = $1 and o.contract = $2)"#,
        chain.as_i64(),
        address.as_slice(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| row.last_block.cast_unsigned()))
}

/// The same of an event that was taken from any contract: the first to end, where several have
/// this name.
pub async fn load_last_block_of_event(
    db: &mut PgConnection,
    chain: ChainId,
    event: &str,
) -> Result<Option<u64>, DbError> {
    let row = sqlx::query!(
        r#"select min(last_block) as last_block from index_sources
            where chain_id = $1 and anywhere and last_block is not null
              and abi -> 0 ->> 'name' = $2"#,
        chain.as_i64(),
        event,
    )
    .fetch_one(db)
    .await?;
    Ok(row.last_block.map(i64::cast_unsigned))
}

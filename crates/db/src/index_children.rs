//! `index_children`: contracts that factories of others have made.

use crate::{Addr, DbError};
use sqlx::PgConnection;
use vocab::{Address, ChainId};

/// A log by which a factory names a contract of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildRow {
    pub block_number: u64,
    pub log_index: u32,
    pub factory: Address,
    pub address: Address,
}

/// Add rows in the commit that holds their logs.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    rows: &[ChildRow],
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = rows.iter().map(|row| row.block_number.cast_signed()).collect();
    let places: Vec<i32> = rows.iter().map(|row| row.log_index.cast_signed()).collect();
    let factories: Vec<Addr> = rows.iter().map(|row| Addr(row.factory)).collect();
    let addresses: Vec<Addr> = rows.iter().map(|row| Addr(row.address)).collect();
    sqlx::query!(
        "insert into index_children (chain_id, block_number, log_index, factory, address)
         select $1, * from unnest($2::int8[], $3::int4[], $4::bytea[], $5::bytea[])",
        chain.as_i64(),
        &numbers,
        &places,
        &factories as _,
        &addresses as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// All of a chain, each by the log that named it first.
pub async fn load(db: &mut PgConnection, chain: ChainId) -> Result<Vec<ChildRow>, DbError> {
    let rows = sqlx::query!(
        r#"select distinct on (address) block_number, log_index, factory as "factory: Addr",
                  address as "address: Addr"
             from index_children where chain_id = $1
            order by address, block_number, log_index"#,
        chain.as_i64(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ChildRow {
            block_number: row.block_number.cast_unsigned(),
            log_index: row.log_index.cast_unsigned(),
            factory: row.factory.0,
            address: row.address.0,
        })
        .collect())
}

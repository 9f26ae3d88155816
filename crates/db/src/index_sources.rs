//! `index_sources`: which contracts of others the index of a chain was begun with.

use crate::{Addr, DbError};
use sqlx::PgConnection;
use vocab::{Address, ChainId};

/// A contract whose logs are recorded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceRow {
    pub address: Address,
    /// `erc20`, `erc721` or `erc1155`.
    pub kind: String,
    /// The first block whose logs are read.
    pub start_block: u64,
    /// Its logs are made something of; else they are only kept.
    pub projected: bool,
}

/// All of a chain, by address.
pub async fn load(db: &mut PgConnection, chain: ChainId) -> Result<Vec<SourceRow>, DbError> {
    let rows = sqlx::query!(
        r#"select address as "address: Addr", kind, start_block, projected
             from index_sources where chain_id = $1 order by address"#,
        chain.as_i64(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| SourceRow {
            address: row.address.0,
            kind: row.kind,
            start_block: row.start_block.cast_unsigned(),
            projected: row.projected,
        })
        .collect())
}

/// Note them in the commit that begins the index.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    sources: &[SourceRow],
) -> Result<(), DbError> {
    let addresses: Vec<Addr> = sources.iter().map(|source| Addr(source.address)).collect();
    let kinds: Vec<String> = sources.iter().map(|source| source.kind.clone()).collect();
    let starts: Vec<i64> = sources.iter().map(|source| source.start_block.cast_signed()).collect();
    let projected: Vec<bool> = sources.iter().map(|source| source.projected).collect();
    sqlx::query!(
        "insert into index_sources (chain_id, address, kind, start_block, projected)
         select $1, * from unnest($2::bytea[], $3::text[], $4::int8[], $5::bool[])",
        chain.as_i64(),
        &addresses as _,
        &kinds,
        &starts,
        &projected,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A contract of others that is followed, if it is.
pub async fn find(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
) -> Result<Option<SourceRow>, DbError> {
    let row = sqlx::query!(
        "select kind, start_block, projected from index_sources
          where chain_id = $1 and address = $2",
        chain.as_i64(),
        address.as_slice(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| SourceRow {
        address,
        kind: row.kind,
        start_block: row.start_block.cast_unsigned(),
        projected: row.projected,
    }))
}

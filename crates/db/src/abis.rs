//! `abis`, and which ABI belongs to an address or a name: ours first, then what was uploaded.

use crate::{Addr, DbError};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::{Address, ChainId, PrincipalId};

/// A contract that can be called by name and types.
#[derive(Clone, Debug)]
pub struct AbiRow {
    pub chain_id: i64,
    pub address: Address,
    pub name: String,
    /// None for contracts of ours: `name` says which.
    pub abi: Option<Value>,
    pub created_at: OffsetDateTime,
}

/// An ABI to keep.
#[derive(Clone, Copy, Debug)]
pub struct NewAbi<'a> {
    pub chain_id: ChainId,
    pub address: Address,
    pub name: &'a str,
    pub abi: &'a Value,
    pub principal_id: PrincipalId,
    pub now: OffsetDateTime,
}

/// Keep an ABI. False when its address or its name is taken.
pub async fn record(db: &mut PgConnection, new: NewAbi<'_>) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "insert into abis (chain_id, address, name, abi, principal_id, created_at)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        new.chain_id.as_i64(),
        new.address.as_slice(),
        new.name,
        new.abi,
        new.principal_id.0,
        new.now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The ABI that was uploaded for an address, if one was.
pub async fn load_uploaded(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
) -> Result<Option<Value>, DbError> {
    let row = sqlx::query!(
        "select abi from abis where chain_id = $1 and address = $2",
        chain.as_i64(),
        address.as_slice(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| row.abi))
}

/// Forget an uploaded ABI. False when there is none.
pub async fn delete(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "delete from abis where chain_id = $1 and address = $2",
        chain.as_i64(),
        address.as_slice(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many were uploaded for a chain.
pub async fn count(db: &mut PgConnection, chain: ChainId) -> Result<i64, DbError> {
    let row = sqlx::query!(
        r#"select count(*) as "count!" from abis where chain_id = $1"#,
        chain.as_i64()
    )
    .fetch_one(db)
    .await?;
    Ok(row.count)
}

/// What stands at an address, if it can be called by name and types. `collection` is the name of
/// the contract behind collections.
pub async fn find_at(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
    collection: &str,
) -> Result<Option<AbiRow>, DbError> {
    Ok(sqlx::query_as!(
        AbiRow,
        r#"select chain_id as "chain_id!", address as "address!: Addr", name as "name!",
                  abi as "abi: _", created_at as "created_at!"
             from (select chain_id, address, name, null::jsonb as abi, created_at, 1 as rank
                     from contracts_registry where chain_id = $1 and address = $2
                   union all
                   select chain_id, contract, $3, null, to_timestamp(0), 2
                     from collections where chain_id = $1 and contract = $2
                   union all
                   select chain_id, contract, $3, null, created_at, 3
                     from collection_requests where chain_id = $1 and contract = $2
                   union all
                   select chain_id, address, name, abi, created_at, 4
                     from abis where chain_id = $1 and address = $2) as found
            order by rank limit 1"#,
        chain.as_i64(),
        address.as_slice(),
        collection,
    )
    .fetch_optional(db)
    .await?)
}

/// The contract with this name; of several versions of ours the newest.
pub async fn find_named(
    db: &mut PgConnection,
    chain: ChainId,
    name: &str,
) -> Result<Option<AbiRow>, DbError> {
    Ok(sqlx::query_as!(
        AbiRow,
        r#"select chain_id as "chain_id!", address as "address!: Addr", name as "name!",
                  abi as "abi: _", created_at as "created_at!"
             from (select chain_id, address, name, null::jsonb as abi, created_at, version
                     from contracts_registry where chain_id = $1 and name = $2
                   union all
                   select chain_id, address, name, abi, created_at, 0
                     from abis where chain_id = $1 and name = $2) as found
            order by version desc limit 1"#,
        chain.as_i64(),
        name,
    )
    .fetch_optional(db)
    .await?)
}

/// Contracts of ours and uploaded ones in the order of (chain, address), at most `limit`, after
/// `after`. Uploaded ABIs themselves are left out.
pub async fn list(
    db: &mut PgConnection,
    chain: Option<ChainId>,
    after: Option<(ChainId, Address)>,
    limit: i64,
) -> Result<Vec<AbiRow>, DbError> {
    let (after_chain, after_address) = after.unzip();
    Ok(sqlx::query_as!(
        AbiRow,
        r#"select chain_id as "chain_id!", address as "address!: Addr", name as "name!",
                  abi as "abi: _", created_at as "created_at!"
             from (select chain_id, address, name, null::jsonb as abi, created_at
                     from contracts_registry
                   union all
                   select chain_id, address, name, '[]'::jsonb, created_at from abis) as found
            where ($1::int8 is null or chain_id = $1)
              and ($2::int8 is null or (chain_id, address) > ($2, $3::bytea))
            order by chain_id, address limit $4"#,
        chain.map(ChainId::as_i64),
        after_chain.map(ChainId::as_i64),
        after_address.as_ref().map(|a| a.as_slice()),
        limit,
    )
    .fetch_all(db)
    .await?)
}

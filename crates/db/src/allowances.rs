//! `allowances`: what owners of an ERC-20 allowed spenders last.

use crate::{Addr, DbError, Numeric};
use sqlx::PgConnection;
use vocab::{Address, ChainId, U256};

/// What an owner allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowanceRow {
    pub contract: Address,
    pub owner: Address,
    pub spender: Address,
    pub amount: U256,
    pub updated_block: u64,
}

/// Insert or replace rows, each under another key, in the caller's transaction.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    rows: &[AllowanceRow],
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let contracts: Vec<Addr> = rows.iter().map(|r| Addr(r.contract)).collect();
    let owners: Vec<Addr> = rows.iter().map(|r| Addr(r.owner)).collect();
    let spenders: Vec<Addr> = rows.iter().map(|r| Addr(r.spender)).collect();
    let amounts: Vec<Numeric> = rows.iter().map(|r| Numeric(r.amount)).collect();
    let blocks: Vec<i64> = rows.iter().map(|r| r.updated_block.cast_signed()).collect();
    sqlx::query!(
        "insert into allowances (chain_id, contract, owner, spender, amount, updated_block)
         select $1, * from unnest($2::bytea[], $3::bytea[], $4::bytea[], $5::numeric[], $6::int8[])
         on conflict (chain_id, contract, owner, spender) do update
            set amount = excluded.amount, updated_block = excluded.updated_block",
        chain.as_i64(),
        &contracts as _,
        &owners as _,
        &spenders as _,
        &amounts as _,
        &blocks,
    )
    .execute(db)
    .await?;
    Ok(())
}

//! `operator_approvals`: who may move all that an owner has of a followed contract.

use crate::{Addr, DbError};
use sqlx::PgConnection;
use vocab::{Address, ChainId};

/// What an owner said of an operator last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorRow {
    pub contract: Address,
    pub owner: Address,
    pub operator: Address,
    pub approved: bool,
    pub updated_block: u64,
}

/// Insert or replace rows, each under another key, in the caller's transaction.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    rows: &[OperatorRow],
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let contracts: Vec<Addr> = rows.iter().map(|r| Addr(r.contract)).collect();
    let owners: Vec<Addr> = rows.iter().map(|r| Addr(r.owner)).collect();
    let operators: Vec<Addr> = rows.iter().map(|r| Addr(r.operator)).collect();
    let approved: Vec<bool> = rows.iter().map(|r| r.approved).collect();
    let blocks: Vec<i64> = rows.iter().map(|r| r.updated_block.cast_signed()).collect();
    sqlx::query!(
        "insert into operator_approvals (chain_id, contract, owner, operator, approved,
                                         updated_block)
         select $1, * from unnest($2::bytea[], $3::bytea[], $4::bytea[], $5::bool[], $6::int8[])
         on conflict (chain_id, contract, owner, operator) do update
            set approved = excluded.approved, updated_block = excluded.updated_block",
        chain.as_i64(),
        &contracts as _,
        &owners as _,
        &operators as _,
        &approved,
        &blocks,
    )
    .execute(db)
    .await?;
    Ok(())
}

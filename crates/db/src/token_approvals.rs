//! `token_approvals`: who may move one ERC-721 item of a followed contract.

use crate::{Addr, DbError, Numeric};
use sqlx::PgConnection;
use vocab::{Address, ChainId, U256};

/// How an approval stands after some blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApprovalChange {
    pub contract: Address,
    pub token_id: U256,
    /// None: nobody may any more.
    pub approved: Option<Address>,
    pub updated_block: u64,
}

/// Is anything approved of any of these contracts?
pub async fn exist(
    db: &mut PgConnection,
    chain: ChainId,
    contracts: &[Address],
) -> Result<bool, DbError> {
    let contracts: Vec<Addr> = contracts.iter().copied().map(Addr).collect();
    let row = sqlx::query!(
        r#"select exists (select 1 from token_approvals
                           where chain_id = $1 and contract = any($2::bytea[])) as "exist!""#,
        chain.as_i64(),
        &contracts as _,
    )
    .fetch_one(db)
    .await?;
    Ok(row.exist)
}

/// Insert, replace and delete rows, each under another key, in the caller's transaction.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    changes: &[ApprovalChange],
) -> Result<(), DbError> {
    let (given, ended): (Vec<&ApprovalChange>, Vec<_>) =
        changes.iter().partition(|change| change.approved.is_some());
    if !ended.is_empty() {
        let contracts: Vec<Addr> = ended.iter().map(|c| Addr(c.contract)).collect();
        let token_ids: Vec<Numeric> = ended.iter().map(|c| Numeric(c.token_id)).collect();
        sqlx::query!(
            "delete from token_approvals
              where ctid = any(array(
                    select a.ctid from unnest($2::bytea[], $3::numeric[]) as k(contract, token_id)
                     cross join lateral (
                           select o.ctid from token_approvals o
                            where o.chain_id = $1 and o.contract = k.contract
                              and o.token_id = k.token_id limit 1) as a))",
            chain.as_i64(),
            &contracts as _,
            &token_ids as _,
        )
        .execute(&mut *db)
        .await?;
    }
    if given.is_empty() {
        return Ok(());
    }
    let contracts: Vec<Addr> = given.iter().map(|c| Addr(c.contract)).collect();
    let token_ids: Vec<Numeric> = given.iter().map(|c| Numeric(c.token_id)).collect();
    let approved: Vec<Addr> = given.iter().filter_map(|c| c.approved).map(Addr).collect();
    let blocks: Vec<i64> = given.iter().map(|c| c.updated_block.cast_signed()).collect();
    sqlx::query!(
        "insert into token_approvals (chain_id, contract, token_id, approved, updated_block)
         select $1, * from unnest($2::bytea[], $3::numeric[], $4::bytea[], $5::int8[])
         on conflict (chain_id, contract, token_id) do update
            set approved = excluded.approved, updated_block = excluded.updated_block",
        chain.as_i64(),
        &contracts as _,
        &token_ids as _,
        &approved as _,
        &blocks,
    )
    .execute(db)
    .await?;
    Ok(())
}

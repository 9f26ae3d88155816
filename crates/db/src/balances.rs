//! `balances`: what accounts have of assets (ERC-20, under token id 0) and of items with many
//! owners (ERC-1155), as the logs of followed contracts say.

use crate::{Addr, DbError, Numeric, column::Signed};
use alloy_primitives::aliases::I512;
use sqlx::PgConnection;
use vocab::{Address, ChainId, U256};

/// What some blocks do to one balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceChange {
    pub contract: Address,
    /// 0 of an ERC-20.
    pub token_id: U256,
    pub account: Address,
    /// The sum of all that came and went.
    pub delta: I512,
    /// The least and the most that the sum was on the way, 0 at the start included.
    pub lowest: I512,
    pub highest: I512,
    /// The last of the blocks.
    pub updated_block: u64,
}

/// Apply changes, each of another row, in the caller's transaction. A balance that is below 0 or
/// above 2^256 - 1 on the way makes its row unreliable for good.
///
/// Each row is looked for by its key (the `limit` keeps it so): a plan that joins by anything else
/// would read the whole table for each piece.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    changes: &[BalanceChange],
) -> Result<(), DbError> {
    if changes.is_empty() {
        return Ok(());
    }
    let contracts: Vec<Addr> = changes.iter().map(|c| Addr(c.contract)).collect();
    let token_ids: Vec<Numeric> = changes.iter().map(|c| Numeric(c.token_id)).collect();
    let accounts: Vec<Addr> = changes.iter().map(|c| Addr(c.account)).collect();
    let deltas: Vec<Signed> = changes.iter().map(|c| Signed(c.delta)).collect();
    let lowest: Vec<Signed> = changes.iter().map(|c| Signed(c.lowest)).collect();
    let highest: Vec<Signed> = changes.iter().map(|c| Signed(c.highest)).collect();
    let blocks: Vec<i64> = changes.iter().map(|c| c.updated_block.cast_signed()).collect();
    sqlx::query!(
        "insert into balances (chain_id, contract, token_id, account, balance, unreliable,
                               updated_block)
         select $1, d.contract, d.token_id, d.account, coalesce(b.balance, 0) + d.delta,
                coalesce(b.unreliable, false) or coalesce(b.balance, 0) + d.lowest < 0
                    or coalesce(b.balance, 0) + d.highest > $9::numeric,
                d.updated_block
           from unnest($2::bytea[], $3::numeric[], $4::bytea[], $5::numeric[], $6::numeric[],
                       $7::numeric[], $8::int8[])
                as d(contract, token_id, account, delta, lowest, highest, updated_block)
           left join lateral (
                select o.balance, o.unreliable from balances o
                 where o.chain_id = $1 and o.contract = d.contract and o.token_id = d.token_id
                   and o.account = d.account limit 1) as b on true
         on conflict (chain_id, contract, token_id, account) do update
            set balance = excluded.balance, unreliable = excluded.unreliable,
                updated_block = excluded.updated_block",
        chain.as_i64(),
        &contracts as _,
        &token_ids as _,
        &accounts as _,
        &deltas as _,
        &lowest as _,
        &highest as _,
        &blocks,
        Numeric(U256::MAX) as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many rows of a chain are unreliable.
pub async fn count_unreliable(db: &mut PgConnection, chain: ChainId) -> Result<i64, DbError> {
    let row = sqlx::query!(
        r#"select count(*) as "count!" from balances where chain_id = $1 and unreliable"#,
        chain.as_i64(),
    )
    .fetch_one(db)
    .await?;
    Ok(row.count)
}

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
        "merge into balances b
         using unnest($2::bytea[], $3::numeric[], $4::bytea[], $5::numeric[], $6::numeric[],
                      $7::numeric[], $8::int8[])
               as d(contract, token_id, account, delta, lowest, highest, updated_block)
            on b.chain_id = $1 and b.contract = d.contract and b.token_id = d.token_id
               and b.account = d.account
          when matched then update
           set balance = b.balance + d.delta,
               unreliable = b.unreliable or b.balance + d.lowest < 0
                            or b.balance + d.highest > $9::numeric,
               updated_block = d.updated_block
          when not matched then
        insert (chain_id, contract, token_id, account, balance, unreliable, updated_block)
        values ($1, d.contract, d.token_id, d.account, d.delta,
                d.lowest < 0 or d.highest > $9::numeric, d.updated_block)",
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

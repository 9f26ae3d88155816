//! `items` of followed contracts (ERC-721): owners alone, many at a time.

use crate::{Addr, DbError, Hash, Numeric};
use sqlx::PgConnection;
use vocab::{Address, B256, ChainId, U256};

/// Who has an item after some blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerChange {
    pub contract: Address,
    pub token_id: U256,
    /// None once burned.
    pub owner: Option<Address>,
    /// It was minted in these blocks, and not only moved.
    pub minted: bool,
    /// Where it was minted last, or seen first.
    pub minted_block: u64,
    pub minted_tx: B256,
    /// The last of the blocks.
    pub updated_block: u64,
}

/// Apply changes, each of another item, in the caller's transaction. Where an item was minted is
/// kept unless it was minted again.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    changes: &[OwnerChange],
) -> Result<(), DbError> {
    if changes.is_empty() {
        return Ok(());
    }
    let contracts: Vec<Addr> = changes.iter().map(|c| Addr(c.contract)).collect();
    let token_ids: Vec<Numeric> = changes.iter().map(|c| Numeric(c.token_id)).collect();
    let owners: Vec<Option<Addr>> = changes.iter().map(|c| c.owner.map(Addr)).collect();
    let minted: Vec<bool> = changes.iter().map(|c| c.minted).collect();
    let minted_blocks: Vec<i64> = changes.iter().map(|c| c.minted_block.cast_signed()).collect();
    let minted_txs: Vec<Hash> = changes.iter().map(|c| Hash(c.minted_tx)).collect();
    let updated: Vec<i64> = changes.iter().map(|c| c.updated_block.cast_signed()).collect();
    sqlx::query!(
        "merge into items i
         using unnest($2::bytea[], $3::numeric[], $4::bytea[], $5::bool[], $6::int8[],
                      $7::bytea[], $8::int8[])
               as d(contract, token_id, owner, minted, minted_block, minted_tx, updated_block)
            on i.chain_id = $1 and i.contract = d.contract and i.token_id = d.token_id
          when matched then update
           set owner = d.owner, updated_block = d.updated_block,
               minted_block = case when d.minted then d.minted_block else i.minted_block end,
               minted_tx = case when d.minted then d.minted_tx else i.minted_tx end
          when not matched then
        insert (chain_id, contract, token_id, owner, minted_block, minted_tx, updated_block)
        values ($1, d.contract, d.token_id, d.owner, d.minted_block, d.minted_tx, d.updated_block)",
        chain.as_i64(),
        &contracts as _,
        &token_ids as _,
        &owners as _,
        &minted,
        &minted_blocks,
        &minted_txs as _,
        &updated,
    )
    .execute(db)
    .await?;
    Ok(())
}

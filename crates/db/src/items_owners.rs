//! `items` of followed contracts (ERC-721): owners alone, many at a time.

use crate::{Addr, DbError, Hash, Numeric, copy::CopyBuffer};
use sqlx::{Connection, PgConnection};
use vocab::{Address, B256, ChainId, U256};

const COPY: &str = "copy items (chain_id, contract, token_id, owner, minted_block, minted_tx, \
                    updated_block) from stdin (format binary)";
const COLUMNS: i16 = 7;
/// From so many on, minted items are taken to be new, which most are, and copied.
const MANY: usize = 200;

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
    let (minted, moved): (Vec<&OwnerChange>, Vec<_>) =
        changes.iter().partition(|change| change.minted);
    let copied = minted.len() >= MANY && record_new(db, chain, &minted).await?;
    let columns = Columns::of(if copied { &[] } else { &minted });
    sqlx::query!(
        "insert into items (chain_id, contract, token_id, owner, minted_block, minted_tx,
                            updated_block)
         select $1, * from unnest($2::bytea[], $3::numeric[], $4::bytea[], $5::int8[],
                                  $6::bytea[], $7::int8[])
         on conflict (chain_id, contract, token_id) do update
            set owner = excluded.owner, minted_block = excluded.minted_block,
                minted_tx = excluded.minted_tx, updated_block = excluded.updated_block",
        chain.as_i64(),
        &columns.contracts as _,
        &columns.token_ids as _,
        &columns.owners as _,
        &columns.minted_blocks,
        &columns.minted_txs as _,
        &columns.updated,
    )
    .execute(&mut *db)
    .await?;
    let columns = Columns::of(&moved);
    sqlx::query!(
        "insert into items (chain_id, contract, token_id, owner, minted_block, minted_tx,
                            updated_block)
         select $1, * from unnest($2::bytea[], $3::numeric[], $4::bytea[], $5::int8[],
                                  $6::bytea[], $7::int8[])
         on conflict (chain_id, contract, token_id) do update
            set owner = excluded.owner, updated_block = excluded.updated_block",
        chain.as_i64(),
        &columns.contracts as _,
        &columns.token_ids as _,
        &columns.owners as _,
        &columns.minted_blocks,
        &columns.minted_txs as _,
        &columns.updated,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether they were new; if not, nothing is changed. A contract may mint an item again.
async fn record_new(
    db: &mut PgConnection,
    chain: ChainId,
    minted: &[&OwnerChange],
) -> Result<bool, DbError> {
    let mut tx = db.begin().await?;
    match copied(chain, minted.iter().copied()).send(&mut tx, COPY).await {
        Ok(()) => tx.commit().await?,
        Err(DbError::Constraint { .. }) => {
            tx.rollback().await?;
            return Ok(false);
        }
        Err(error) => return Err(error),
    }
    Ok(true)
}

/// The same for items that are not there yet: one that is fails the transaction.
pub async fn record_first(
    db: &mut PgConnection,
    chain: ChainId,
    changes: &[OwnerChange],
) -> Result<(), DbError> {
    copied(chain, changes.iter()).send(db, COPY).await
}

fn copied<'a>(
    chain: ChainId,
    changes: impl ExactSizeIterator<Item = &'a OwnerChange>,
) -> CopyBuffer {
    let mut copy = CopyBuffer::new(changes.len().saturating_mul(160));
    for change in changes {
        copy.row(COLUMNS);
        copy.field(&chain.as_i64().to_be_bytes());
        copy.field(change.contract.as_slice());
        copy.numeric(change.token_id);
        match change.owner {
            Some(owner) => copy.field(owner.as_slice()),
            None => copy.null(),
        }
        copy.field(&change.minted_block.to_be_bytes());
        copy.field(change.minted_tx.as_slice());
        copy.field(&change.updated_block.to_be_bytes());
    }
    copy
}

struct Columns {
    contracts: Vec<Addr>,
    token_ids: Vec<Numeric>,
    owners: Vec<Option<Addr>>,
    minted_blocks: Vec<i64>,
    minted_txs: Vec<Hash>,
    updated: Vec<i64>,
}

impl Columns {
    fn of(changes: &[&OwnerChange]) -> Self {
        Self {
            contracts: changes.iter().map(|c| Addr(c.contract)).collect(),
            token_ids: changes.iter().map(|c| Numeric(c.token_id)).collect(),
            owners: changes.iter().map(|c| c.owner.map(Addr)).collect(),
            minted_blocks: changes.iter().map(|c| c.minted_block.cast_signed()).collect(),
            minted_txs: changes.iter().map(|c| Hash(c.minted_tx)).collect(),
            updated: changes.iter().map(|c| c.updated_block.cast_signed()).collect(),
        }
    }
}

//! Contracts that are followed no more, and that are again.
//!
//! What was indexed of one stays, up to the block at which it was removed. Within the window it
//! goes with the checkpoint until that block can't be given up any more; so a reorg that reaches
//! below it comes to the same rows. Who removes one takes over from the writer, so that there is no
//! doubt which block that is.

use crate::{
    FAILPOINTS,
    additions::added_fact,
    commit::{block_data, chain_fact},
};
use db::{
    Db, DbError, PgConnection, checkpoints, index_removals,
    index_sources::{self, SourceRow},
};
use journal::NewFact;
use serde_json::json;
use vocab::{Address, BlockRef, ChainId};

/// What has become of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It was followed to this block.
    At(u64),
    /// Nothing of it was indexed, and nothing speaks of it any more.
    Unread,
    /// It was removed before, at this block.
    Before(u64),
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    #[error("nothing of this chain is indexed")]
    Unknown,
    #[error("it is not in the index of this chain")]
    NotIndexed,
    /// It would come back with the next start.
    #[error("the configuration names it")]
    Configured,
    #[error("{0} made it, and has it followed")]
    MadeBy(Address),
    #[error("it was removed before, and what is left of it is being deleted")]
    Purging,
    #[error("the database failed")]
    Db(#[from] DbError),
}

/// Follow a contract that a command has added no more: what is indexed of it by now stays, and
/// nothing comes to it. Of a factory the same holds for what it made. Whoever indexes the chain is
/// taken over from, and goes on without it.
///
/// # Errors
/// [`RemoveError`]; nothing was changed.
pub async fn remove(
    db: &Db,
    chain: ChainId,
    contract: Address,
    beside: &[NewFact],
) -> Result<Removed, RemoveError> {
    let mut tx = db::begin(db).await?;
    // From here on nobody else commits, and nobody who began before can any more.
    let found = checkpoints::raise_epoch(&mut tx, chain).await?.ok_or(RemoveError::Unknown)?;
    let Some(row) = index_sources::find(&mut tx, chain, contract).await? else {
        let factory = index_sources::find_factory(&mut tx, chain, contract).await?;
        return Err(factory.map_or(RemoveError::NotIndexed, RemoveError::MadeBy));
    };
    if row.purging {
        return Err(RemoveError::Purging);
    }
    if let Some(last) = row.last_block {
        return Ok(Removed::Before(last));
    }
    if row.configured {
        return Err(RemoveError::Configured);
    }
    record_removed(&mut tx, chain, found.block, &row).await?;
    journal::record(&mut tx, beside).await?;
    FAILPOINTS.hit("before_removal_commit");
    tx.commit().await.map_err(DbError::from)?;
    FAILPOINTS.hit("after_removal_commit");
    let last = row.reached(found.block.number);
    Ok(if last < row.start_block { Removed::Unread } else { Removed::At(last) })
}

/// The same in the transaction of who has taken over at `at`.
pub(crate) async fn record_removed(
    db: &mut PgConnection,
    chain: ChainId,
    at: BlockRef,
    row: &SourceRow,
) -> Result<(), DbError> {
    let last = row.reached(at.number);
    index_removals::record_removed(db, chain, row.address, last).await?;
    let data = json!({
        "chain_id": chain.to_string(), "contract": row.address.to_string(),
        "last_block": last.to_string(), "block": block_data(at),
    });
    journal::record(db, &[chain_fact(chain, "source_removed", at, data)]).await
}

/// Follow contracts again that were removed, as they were before: what they told since is read
/// beside the head. In the transaction of who has taken over at `at`.
///
/// # Errors
/// [`DbError`]; the transaction must be given up.
pub async fn record_followed_again(
    db: &mut PgConnection,
    chain: ChainId,
    at: BlockRef,
    rows: &[SourceRow],
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let addresses: Vec<Address> = rows.iter().map(|row| row.address).collect();
    index_removals::record_followed_again(db, chain, &addresses, at.number).await?;
    let facts: Vec<NewFact> = rows.iter().map(|row| added_fact(chain, at, row)).collect();
    journal::record(db, &facts).await
}

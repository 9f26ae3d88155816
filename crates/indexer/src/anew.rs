//! Beginning from nothing, where undo records do not reach.

use crate::{Projector, RewindError, commit::chain_fact};
use db::{Db, DbError, checkpoints, index_anew};
use journal::NewFact;
use serde_json::json;
use vocab::{BlockRef, ChainId};

/// Throw away all that is indexed of a chain that was stopped by a reorg below its window, in one
/// commit; whoever indexes it begins anew, with what the configuration names, and reads beside it
/// what commands have added. The facts `beside` are told in the same commit. Gives where it stood.
///
/// # Errors
/// [`RewindError::Unknown`], [`RewindError::NotStopped`], [`RewindError::Db`]; nothing was changed.
pub async fn begin_anew(
    db: &Db,
    chain: ChainId,
    (projector, beside): (&dyn Projector, &[NewFact]),
) -> Result<BlockRef, RewindError> {
    let mut tx = db::begin(db).await?;
    let found = checkpoints::raise_epoch(&mut tx, chain).await?.ok_or(RewindError::Unknown)?;
    let Some(why) = found.stopped else {
        return Err(RewindError::NotStopped(found.block.number));
    };
    projector.forget(&mut tx, chain).await?;
    index_anew::clear(&mut tx, chain).await?;
    let data = json!({
        "chain_id": chain.to_string(), "stopped_by": why,
        "old_head": { "number": found.block.number, "hash": found.block.hash },
    });
    journal::record(&mut tx, &[chain_fact(chain, "index_begun_anew", found.block, data)]).await?;
    journal::record(&mut tx, beside).await?;
    tx.commit().await.map_err(DbError::from)?;
    Ok(found.block)
}

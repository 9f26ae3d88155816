//! What is left of a contract that is followed no more, deleted.
//!
//! Piece by piece, each in a commit of its own beside those of the head, which has nothing of it
//! any more: its last block is settled. From the first commit on nothing of it is answered and it
//! can't be taken up; with the last one it is as if it had never been followed. A death between
//! them leaves that to the next call.

use crate::{
    FAILPOINTS, Projector,
    commit::{block_data, chain_fact},
};
use db::{
    Db, DbError, PgConnection, PgTransaction, blocks, checkpoints, index_children,
    index_purges::{self, BEGINNING},
    index_sources::{self, SourceRow},
    raw_logs::{self, LogFilter},
};
use journal::NewFact;
use serde_json::json;
use std::collections::HashSet;
use vocab::{Address, B256, ChainId};

/// Rows of one commit; of logs, as many with what was made of each.
const PIECE: i64 = 4_000;
/// Contracts of a factory that are looked for at once.
const MADE: i64 = 100;

/// Why it was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    #[error("nothing of this chain is indexed")]
    Unknown,
    #[error("it is not in the index of this chain")]
    NotIndexed,
    #[error("{0} made it, and has it followed")]
    MadeBy(Address),
    /// It has to be removed first.
    #[error("it is still followed")]
    Followed,
    /// The chain may still give up its last block, and would bring it again.
    #[error("its last block {last} is not below the reorg window, which begins at {oldest}")]
    Unsettled { last: u64, oldest: u64 },
    /// Its rows are not told apart from those that we would have anyway.
    #[error("it is a collection of our factory, too")]
    Ours,
    /// Without this source the contract would be another one's, from its first log on.
    #[error("{by} has named {contract}, too")]
    Claimed { contract: Address, by: Address },
    /// The index was made by another version.
    #[error("{0} is not understood")]
    NotUnderstood(Address),
    #[error("the database failed; what was deleted is deleted, and the next call goes on")]
    Db(#[from] DbError),
}

/// Delete what is indexed of a contract that was removed, and of what it made; `told` hears after
/// each commit how many logs are gone, and the facts `beside` are told with the first. Gives that
/// number.
///
/// # Errors
/// [`PurgeError`]; but for [`PurgeError::Db`] nothing was changed.
pub async fn purge(
    db: &Db,
    chain: ChainId,
    contract: Address,
    (projector, beside): (&dyn Projector, &[NewFact]),
    told: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, PurgeError> {
    check_claims(db, chain, contract, projector).await?;
    let (row, others) = begin(db, chain, contract, (projector, beside)).await?;
    FAILPOINTS.hit("purge_begun");
    let mut work = Work { db, chain, told, logs: 0 };
    if row.anywhere {
        let recorded = projector.recorded_as(&row).ok_or(PurgeError::NotUnderstood(contract))?;
        work.delete_topics(&recorded.topics).await?;
    } else {
        loop {
            let mut connection = db.acquire().await.map_err(DbError::from)?;
            let made = index_purges::load_made(&mut connection, chain, contract, MADE).await?;
            drop(connection);
            if made.is_empty() {
                break;
            }
            work.delete_orphaned(&made).await?;
            for made in made {
                work.delete_contract(made, &others).await?;
                let mut tx = begin_piece(db).await?;
                index_purges::record_unmade(&mut tx, chain, contract, made).await?;
                commit_piece(tx).await?;
            }
        }
        work.delete_orphaned(&[contract]).await?;
        work.delete_contract(contract, &others).await?;
    }
    let logs = work.logs;
    end(db, chain, &row).await?;
    Ok(logs)
}

/// Mark it, if it may be deleted. Gives it, and the topics that are other sources' wherever they
/// come from.
async fn begin(
    db: &Db,
    chain: ChainId,
    contract: Address,
    (projector, beside): (&dyn Projector, &[NewFact]),
) -> Result<(SourceRow, Vec<B256>), PurgeError> {
    let mut tx = begin_piece(db).await?;
    // Nobody takes it up meanwhile.
    checkpoints::raise_epoch(&mut tx, chain).await?.ok_or(PurgeError::Unknown)?;
    let Some(row) = index_sources::find(&mut tx, chain, contract).await? else {
        let factory = index_sources::find_factory(&mut tx, chain, contract).await?;
        return Err(factory.map_or(PurgeError::NotIndexed, PurgeError::MadeBy));
    };
    if !row.purging {
        check(&mut tx, chain, &row).await?;
        index_purges::record_begun(&mut tx, chain, contract).await?;
        journal::record(&mut tx, beside).await?;
    }
    let mut others = Vec::new();
    for other in index_sources::load(&mut tx, chain).await? {
        if other.anywhere && other.address != contract {
            let recorded = projector.recorded_as(&other);
            let recorded = recorded.ok_or(PurgeError::NotUnderstood(other.address))?;
            others.extend(recorded.topics.iter().copied());
        }
    }
    tx.commit().await.map_err(DbError::from)?;
    Ok((row, others))
}

async fn check(db: &mut PgConnection, chain: ChainId, row: &SourceRow) -> Result<(), PurgeError> {
    let last = row.last_block.ok_or(PurgeError::Followed)?;
    let oldest = blocks::load_oldest(db, chain).await?.unwrap_or(0);
    if last > oldest {
        return Err(PurgeError::Unsettled { last, oldest });
    }
    match index_purges::is_ours(db, chain, row.address).await? {
        true => Err(PurgeError::Ours),
        false => Ok(()),
    }
}

/// A contract that another factory has named, too. Of one that is followed already no row says so,
/// so all that factories told is looked at.
async fn check_claims(
    db: &Db,
    chain: ChainId,
    contract: Address,
    projector: &dyn Projector,
) -> Result<(), PurgeError> {
    let mut db = db.acquire().await.map_err(DbError::from)?;
    let sources = index_sources::load(&mut db, chain).await?;
    if sources.iter().all(|row| row.address != contract || row.purging) {
        return Ok(());
    }
    let children = index_children::load(&mut db, chain).await?;
    let made = children.into_iter().filter(|child| child.factory == contract);
    let mut own: HashSet<Address> = made.map(|child| child.address).collect();
    own.retain(|child| sources.iter().all(|row| row.address != *child));
    own.insert(contract);
    let factories = sources.iter().filter(|row| row.factory.is_some() && row.address != contract);
    for row in factories {
        let recorded = projector.recorded_as(row);
        let makes = recorded.and_then(|recorded| recorded.makes);
        let makes = makes.ok_or(PurgeError::NotUnderstood(row.address))?;
        let filter = LogFilter { address: Some(row.address), ..LogFilter::default() };
        let mut after = None;
        loop {
            let logs = raw_logs::list(&mut db, chain, filter, after, PIECE).await?;
            let Some(last) = logs.last() else { break };
            after = Some((last.block_number.cast_signed(), last.log_index.cast_signed()));
            let named = logs.iter().filter_map(|log| makes.named(log));
            if let Some(contract) = named.into_iter().find(|named| own.contains(named)) {
                return Err(PurgeError::Claimed { contract, by: row.address });
            }
        }
    }
    Ok(())
}

async fn end(db: &Db, chain: ChainId, row: &SourceRow) -> Result<(), PurgeError> {
    let mut tx = begin_piece(db).await?;
    let at = checkpoints::load(&mut tx, chain).await?.ok_or(PurgeError::Unknown)?.block;
    // Another process may have ended it.
    if index_purges::record_ended(&mut tx, chain, row.address).await? {
        let data = json!({
            "chain_id": chain.to_string(), "contract": row.address.to_string(),
            "block": block_data(at),
        });
        journal::record(&mut tx, &[chain_fact(chain, "source_purged", at, data)]).await?;
    }
    FAILPOINTS.hit("before_purge_end");
    commit_piece(tx).await
}

struct Work<'w> {
    db: &'w Db,
    chain: ChainId,
    told: &'w mut (dyn FnMut(u64) + Send),
    logs: u64,
}

impl Work<'_> {
    /// The rows of one contract, then its logs with what was made of each.
    async fn delete_contract(&mut self, contract: Address, but: &[B256]) -> Result<(), PurgeError> {
        loop {
            let mut tx = begin_piece(self.db).await?;
            let rows = index_purges::delete_rows(&mut tx, self.chain, contract, PIECE).await?;
            self.commit(tx, 0).await?;
            if rows < PIECE {
                break;
            }
        }
        let mut after = BEGINNING;
        loop {
            let mut tx = begin_piece(self.db).await?;
            let place = (after, PIECE);
            let found =
                index_purges::delete_logs(&mut tx, self.chain, contract, place, but).await?;
            let Some((last, logs)) = found else { return Ok(()) };
            self.commit(tx, logs).await?;
            after = last;
        }
    }

    async fn delete_orphaned(&mut self, contracts: &[Address]) -> Result<(), PurgeError> {
        let mut tx = begin_piece(self.db).await?;
        index_purges::delete_orphaned(&mut tx, self.chain, contracts).await?;
        self.commit(tx, 0).await
    }

    async fn delete_topics(&mut self, topics: &[B256]) -> Result<(), PurgeError> {
        let mut after = BEGINNING;
        loop {
            let mut tx = begin_piece(self.db).await?;
            let place = (after, PIECE);
            let found = index_purges::delete_topics(&mut tx, self.chain, topics, place).await?;
            let Some((last, logs)) = found else { return Ok(()) };
            self.commit(tx, logs).await?;
            after = last;
        }
    }

    async fn commit(&mut self, tx: PgTransaction<'static>, logs: u64) -> Result<(), PurgeError> {
        commit_piece(tx).await?;
        self.logs += logs;
        if logs > 0 {
            (self.told)(self.logs);
        }
        Ok(())
    }
}

async fn begin_piece(db: &Db) -> Result<PgTransaction<'static>, PurgeError> {
    Ok(db::begin(db).await?)
}

async fn commit_piece(tx: PgTransaction<'static>) -> Result<(), PurgeError> {
    FAILPOINTS.hit("before_purge_piece");
    tx.commit().await.map_err(DbError::from)?;
    FAILPOINTS.hit("after_purge_piece");
    Ok(())
}

//! How the contracts that are wanted compare with those that an index has.

use crate::{
    IndexError, Makes, Projector, Recorded, Sources,
    commit::chain_fact,
    removals::{record_followed_again, record_removed},
};
use db::{
    PgConnection, abis,
    index_children::{self, ChildRow},
    index_sources::{self, SourceRow},
};
use journal::NewFact;
use serde_json::json;
use std::{collections::HashMap, sync::Arc};
use vocab::{Address, B256, BlockRef, ChainId};

/// What does not go with the checkpoint.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// Contracts that are read beside it.
    pub(crate) rows: Vec<SourceRow>,
    /// What factories among those, and among `ended`, have made so far.
    pub(crate) children: Vec<ChildRow>,
    /// Contracts that are followed no more. Nobody else takes up what is theirs.
    pub(crate) ended: Vec<Address>,
    /// The first last block of a contract that goes with the checkpoint all the same, because the
    /// block may be given up.
    pub(crate) ends: Option<u64>,
}

/// Whose logs are indexed as of the checkpoint, and what is not. Blocks up to `settled` can't be
/// given up.
pub(crate) async fn load_sources(
    db: &mut PgConnection,
    (chain, settled): (ChainId, u64),
    projector: &dyn Projector,
) -> Result<(Sources, Loaded), IndexError> {
    let addresses = projector.load_sources(db, chain).await?;
    let (mut recorded, mut loaded) = (Vec::new(), Loaded::default());
    for row in index_sources::load(db, chain).await? {
        let Some(source) = projector.recorded_as(&row) else {
            return Err(IndexError::SourcesChanged(format!("{} is not understood", row.address)));
        };
        match (row.beside, row.last_block) {
            (Some(_), _) => loaded.rows.push(row),
            (None, Some(last)) if last <= settled => loaded.ended.push(row.address),
            (None, last) => {
                loaded.ends = loaded.ends.into_iter().chain(last).min();
                recorded.push(Recorded { last_block: last, ..source });
            }
        }
    }
    let made_by = |source: &Recorded| {
        let made = (Arc::clone(source.makes.as_ref()?), source.last_block);
        Some((source.address, made))
    };
    let factories: HashMap<Address, (Arc<dyn Makes>, Option<u64>)> =
        recorded.iter().filter_map(made_by).collect();
    let mut sources = Sources::new(addresses, projector.topics(), recorded);
    for child in index_children::load(db, chain).await? {
        match factories.get(&child.factory) {
            Some((makes, last_block)) => {
                let made = makes.made(child.address, child.block_number);
                sources.add_made(Recorded { last_block: *last_block, ..made });
            }
            None => loaded.children.push(child),
        }
    }
    let read = loaded.rows.iter().map(|row| row.address);
    let made = loaded.children.iter().map(|child| child.address);
    let elsewhere = read.chain(made).chain(loaded.ended.iter().copied()).collect();
    Ok((sources.leaving(elsewhere), loaded))
}

/// Take up what the configuration names and the index does not have, and let go of what it names no
/// more, in the commit that takes over.
///
/// # Errors
/// [`IndexError::SourcesChanged`] when it names a contract otherwise: the rows of it would be
/// wrong.
pub(crate) async fn take_up(
    db: &mut PgConnection,
    chain: ChainId,
    at: BlockRef,
    projector: &dyn Projector,
) -> Result<(), IndexError> {
    let wanted = projector.recorded();
    let known = index_sources::load(db, chain).await?;
    let find = |among: &[SourceRow], row: &SourceRow| {
        among.iter().find(|other| other.address == row.address).cloned()
    };
    for row in known.iter().filter(|row| row.configured && find(&wanted, row).is_none()) {
        tracing::warn!(chain.id = %chain, contract = %row.address, height = at.number,
            "the configuration names a contract no more: it is followed no more");
        record_removed(db, chain, at, row).await?;
    }
    let (mut added, mut again, mut adopted) = (Vec::new(), Vec::new(), Vec::new());
    for row in &wanted {
        match find(&known, row) {
            None => match index_sources::find_factory(db, chain, row.address).await? {
                None => added.push(row.clone()),
                Some(factory) => {
                    let what = format!("{} is indexed already: {factory} made it", row.address);
                    return Err(IndexError::SourcesChanged(what));
                }
            },
            Some(other) if other.purging => {
                let what = format!("what is left of {} is being deleted", row.address);
                return Err(IndexError::SourcesChanged(what));
            }
            Some(other) if !other.agrees(row) => {
                return Err(IndexError::SourcesChanged(format!("{} was changed", row.address)));
            }
            Some(other) if !other.configured => {
                adopted.push(row.address);
                again.extend(Some(other).filter(|other| other.last_block.is_some()));
            }
            Some(_) => {}
        }
    }
    record_followed_again(db, chain, at, &again).await?;
    if !adopted.is_empty() {
        index_sources::record_configured(db, chain, &adopted).await?;
    }
    record_added(db, chain, at, (projector, added)).await
}

/// Note what the configuration names in the commit that begins the index.
pub(crate) async fn record_begun(
    db: &mut PgConnection,
    chain: ChainId,
    projector: &dyn Projector,
) -> Result<(), IndexError> {
    let rows = resolved(db, chain, projector.recorded()).await?;
    check_apart(projector, &rows)?;
    index_sources::record(db, chain, &rows).await?;
    Ok(())
}

/// Have the index of a chain take up contracts that it does not have, in the caller's transaction:
/// whoever indexes reads them beside the head within seconds. `at` is the chain's checkpoint.
///
/// # Errors
/// [`IndexError::SourcesChanged`] when one can't be beside the others; [`IndexError::Db`].
pub async fn record_added(
    db: &mut PgConnection,
    chain: ChainId,
    at: BlockRef,
    (projector, sources): (&dyn Projector, Vec<SourceRow>),
) -> Result<(), IndexError> {
    if sources.is_empty() {
        return Ok(());
    }
    let rows = resolved(db, chain, sources).await?;
    let mut all = index_sources::load(db, chain).await?;
    all.extend(rows.iter().cloned());
    check_apart(projector, &all)?;
    let rows: Vec<SourceRow> = rows.iter().map(SourceRow::begun_beside).collect();
    index_sources::record(db, chain, &rows).await?;
    let facts: Vec<NewFact> = rows.iter().map(|row| added_fact(chain, at, row)).collect();
    Ok(journal::record(db, &facts).await?)
}

/// With the ABIs that were uploaded for those that are to be read by them.
async fn resolved(
    db: &mut PgConnection,
    chain: ChainId,
    mut rows: Vec<SourceRow>,
) -> Result<Vec<SourceRow>, IndexError> {
    for row in rows.iter_mut().filter(|row| row.kind == "abi" && row.abi.is_none()) {
        let Some(mut abi) = abis::load_uploaded(db, chain, row.address).await? else {
            let what = format!("no ABI of {} was uploaded", row.address);
            return Err(IndexError::SourcesChanged(what));
        };
        if let Some(items) = abi.as_array_mut() {
            items.retain(|item| item["type"] == "event");
        }
        row.abi = Some(abi);
    }
    Ok(rows)
}

/// A log belongs to one source: events that are taken from any contract are nobody else's.
fn check_apart(projector: &dyn Projector, rows: &[SourceRow]) -> Result<(), IndexError> {
    let known = |row: &SourceRow| {
        let unknown = || IndexError::SourcesChanged(format!("{} is not understood", row.address));
        projector.recorded_as(row).ok_or_else(unknown)
    };
    let recorded = rows.iter().map(known).collect::<Result<Vec<_>, _>>()?;
    let ours = projector.topics();
    for one in recorded.iter().filter(|one| one.anywhere) {
        let shared = |topic: &B256| {
            ours.contains(topic)
                || recorded.iter().filter(|other| other.address != one.address).any(|other| {
                    let made = other.makes.as_ref().map(|makes| makes.made(Address::ZERO, 0));
                    other.topics.contains(topic)
                        || made.is_some_and(|made| made.topics.contains(topic))
                })
        };
        if let Some(topic) = one.topics.iter().find(|topic| shared(topic)) {
            let what = format!(
                "the event {topic} of any contract is one of a contract that is indexed, too"
            );
            return Err(IndexError::SourcesChanged(what));
        }
    }
    Ok(())
}

pub(crate) fn added_fact(chain: ChainId, at: BlockRef, row: &SourceRow) -> NewFact {
    let data = json!({
        "chain_id": chain.to_string(), "contract": row.address.to_string(),
        "standard": row.kind, "start_block": row.start_block.to_string(),
    });
    chain_fact(chain, "source_added", at, data)
}

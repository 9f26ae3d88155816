//! How the contracts that are wanted compare with those that an index has.

use crate::{IndexError, Makes, Projector, Sources, commit::chain_fact};
use db::{
    DbError, PgConnection,
    index_children::{self, ChildRow},
    index_sources::{self, SourceRow},
};
use journal::NewFact;
use serde_json::json;
use std::{collections::HashMap, sync::Arc};
use vocab::{Address, BlockRef, ChainId};

/// What is read beside the checkpoint: contracts, and what factories among them have made so far.
pub(crate) type Beside = (Vec<SourceRow>, Vec<ChildRow>);

/// Whose logs are indexed as of the checkpoint, and what is read beside it.
pub(crate) async fn load_sources(
    db: &mut PgConnection,
    chain: ChainId,
    projector: &dyn Projector,
) -> Result<(Sources, Beside), IndexError> {
    let addresses = projector.load_sources(db, chain).await?;
    let (mut recorded, mut beside) = (Vec::new(), Vec::new());
    for row in index_sources::load(db, chain).await? {
        let Some(source) = projector.recorded_as(&row) else {
            return Err(IndexError::SourcesChanged(format!("{} is not understood", row.address)));
        };
        match row.beside {
            None => recorded.push(source),
            Some(_) => beside.push(row),
        }
    }
    let factories: HashMap<Address, Arc<dyn Makes>> = recorded
        .iter()
        .filter_map(|source| Some((source.address, Arc::clone(source.makes.as_ref()?))))
        .collect();
    let mut sources = Sources::new(addresses, projector.topics(), recorded);
    let mut children = Vec::new();
    for child in index_children::load(db, chain).await? {
        match factories.get(&child.factory) {
            Some(makes) => {
                sources.add_made(makes.made(child.address, child.block_number));
            }
            None => children.push(child),
        }
    }
    let read = beside.iter().map(|row| row.address);
    let elsewhere = read.chain(children.iter().map(|child| child.address)).collect();
    Ok((sources.leaving(elsewhere), (beside, children)))
}

/// Take up what the configuration names and the index does not have, in the commit that takes over.
///
/// # Errors
/// [`IndexError::SourcesChanged`] when it names a contract no more, or otherwise: the rows of it
/// would be wrong.
pub(crate) async fn take_up(
    db: &mut PgConnection,
    chain: ChainId,
    at: BlockRef,
    wanted: &[SourceRow],
) -> Result<(), IndexError> {
    let known = index_sources::load(db, chain).await?;
    let find = |among: &[SourceRow], row: &SourceRow| {
        among.iter().find(|other| other.address == row.address).cloned()
    };
    let gone = known.iter().find(|row| row.configured && find(wanted, row).is_none());
    if let Some(row) = gone {
        return Err(IndexError::SourcesChanged(format!("{} was removed", row.address)));
    }
    let (mut added, mut adopted) = (Vec::new(), Vec::new());
    for row in wanted {
        match find(&known, row) {
            None => match index_sources::find_factory(db, chain, row.address).await? {
                None => added.push(row.clone()),
                Some(factory) => {
                    let what = format!("{} is indexed already: {factory} made it", row.address);
                    return Err(IndexError::SourcesChanged(what));
                }
            },
            Some(other) if !other.agrees(row) => {
                return Err(IndexError::SourcesChanged(format!("{} was changed", row.address)));
            }
            Some(other) if !other.configured => adopted.push(row.address),
            Some(_) => {}
        }
    }
    if !adopted.is_empty() {
        index_sources::record_configured(db, chain, &adopted).await?;
    }
    Ok(record_added(db, chain, at, &added).await?)
}

/// Have the index of a chain take up contracts that it does not have, in the caller's transaction:
/// whoever indexes reads them beside the head within seconds. `at` is the chain's checkpoint.
///
/// # Errors
/// [`DbError`]
pub async fn record_added(
    db: &mut PgConnection,
    chain: ChainId,
    at: BlockRef,
    sources: &[SourceRow],
) -> Result<(), DbError> {
    if sources.is_empty() {
        return Ok(());
    }
    let rows: Vec<SourceRow> = sources.iter().map(SourceRow::begun_beside).collect();
    index_sources::record(db, chain, &rows).await?;
    let facts: Vec<NewFact> = rows.iter().map(|row| added_fact(chain, at, row)).collect();
    journal::record(db, &facts).await
}

fn added_fact(chain: ChainId, at: BlockRef, row: &SourceRow) -> NewFact {
    let data = json!({
        "chain_id": chain.to_string(), "contract": row.address.to_string(),
        "standard": row.kind, "start_block": row.start_block.to_string(),
    });
    chain_fact(chain, "source_added", at, data)
}

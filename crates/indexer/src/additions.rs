//! How the contracts that are wanted compare with those that an index has.

use crate::{IndexError, Projector, Recorded, Sources, commit::chain_fact};
use db::{
    DbError, PgConnection,
    index_sources::{self, SourceRow},
};
use journal::NewFact;
use serde_json::json;
use vocab::{BlockRef, ChainId};

/// What the projector records, as it stands in the database when the index begins with it.
pub(crate) fn configured(projector: &dyn Projector) -> Vec<SourceRow> {
    let row = |source: Recorded| SourceRow {
        address: source.address,
        kind: source.kind.to_owned(),
        start_block: source.first_block,
        projected: source.projected,
        configured: true,
        beside: None,
    };
    projector.recorded().into_iter().map(row).collect()
}

/// Whose logs are indexed as of the checkpoint, and which contracts are read beside it.
pub(crate) async fn load_sources(
    db: &mut PgConnection,
    chain: ChainId,
    projector: &dyn Projector,
) -> Result<(Sources, Vec<SourceRow>), IndexError> {
    let addresses = projector.load_sources(db, chain).await?;
    let (mut recorded, mut beside) = (Vec::new(), Vec::new());
    for row in index_sources::load(db, chain).await? {
        let Some(source) = projector.recorded_as(&row) else {
            let unknown = format!("{} is of an unknown standard, {}", row.address, row.kind);
            return Err(IndexError::SourcesChanged(unknown));
        };
        match row.beside {
            None => recorded.push(source),
            Some(_) => beside.push(row),
        }
    }
    Ok((Sources::new(addresses, projector.topics(), recorded), beside))
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
            None => added.push(row.clone()),
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

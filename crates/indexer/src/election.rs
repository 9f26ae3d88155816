//! Who may write: one process per chain; the others stand by.

use crate::{
    IndexError, IndexerOptions, Projector, additions::take_up, fetch::inconsistent,
    follow::Session, nudge::nudge_by_ws,
};
use chain::{Chain, Header};
use db::{
    Db,
    blocks::{self, BlockRow},
    checkpoints::{self, Checkpoint, Election},
    index_sources::{self, SourceRow},
};
use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};
use time::OffsetDateTime;
use tokio::{sync::Notify, time::sleep};
use vocab::B256;

/// How often a stopped chain is looked at again.
const STOPPED: Duration = Duration::from_secs(5);
/// How often a paused one is.
const PAUSED: Duration = Duration::from_millis(500);

/// Index `chain` until `shutdown` ends, or stand by while another process does. Trouble of every
/// kind is retried for ever with a pause; it may be cut off at any point without harm.
pub async fn run(
    db: Db,
    chain: Chain,
    projector: Arc<dyn Projector>,
    options: IndexerOptions,
    shutdown: impl Future<Output = ()>,
) {
    tokio::select! {
        () = shutdown => {}
        never = drive(db, chain, projector, options, Arc::default()) => match never {},
    }
}

/// [`run`], ending once the index stands at the node's head.
pub async fn run_to_head(
    db: Db,
    chain: Chain,
    projector: Arc<dyn Projector>,
    options: IndexerOptions,
    shutdown: impl Future<Output = ()>,
) {
    let signals = Arc::new(Signals::default());
    tokio::select! {
        () = shutdown => {}
        () = signals.at_head.notified() => {}
        never = drive(db, chain, projector, options, Arc::clone(&signals)) => match never {},
    }
}

async fn drive(
    db: Db,
    chain: Chain,
    projector: Arc<dyn Projector>,
    options: IndexerOptions,
    signals: Arc<Signals>,
) -> Infallible {
    tokio::select! {
        never = terms(db, chain.clone(), projector, options, &signals) => never,
        never = nudge_by_ws(chain, &signals.nudge) => never,
    }
}

async fn terms(
    db: Db,
    chain: Chain,
    projector: Arc<dyn Projector>,
    options: IndexerOptions,
    signals: &Signals,
) -> Infallible {
    let mut pause = options.stand_by;
    loop {
        let wait = match term(&db, &chain, &projector, options, signals).await {
            Ok(Term::Lost) => options.stand_by,
            Ok(Term::Paused) => PAUSED,
            Ok(Term::Stopped) => STOPPED,
            Err(IndexError::Superseded) => {
                tracing::info!(chain.id = %chain.id,
                    "another indexer has taken over, or an operator has paused this chain");
                options.stand_by
            }
            Err(error) => {
                tracing::error!(chain.id = %chain.id, error = &error as &dyn std::error::Error,
                    "indexing was interrupted");
                pause = (pause * 2).min(options.back_off_max);
                pause
            }
        };
        if wait == options.stand_by {
            pause = options.stand_by;
        }
        sleep(wait).await;
    }
}

/// What wakes the indexer up, and whom it tells.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// There may be a new head.
    pub(crate) nudge: Notify,
    /// The index stands at the node's head.
    pub(crate) at_head: Notify,
}

/// How a term ended, other than by trouble.
enum Term {
    Lost,
    Paused,
    Stopped,
}

async fn term(
    db: &Db,
    chain: &Chain,
    projector: &Arc<dyn Projector>,
    options: IndexerOptions,
    signals: &Signals,
) -> Result<Term, IndexError> {
    let Some(mut election) = Election::stand(db, chain.id).await? else {
        return Ok(Term::Lost);
    };
    if is_paused(db, chain).await? {
        election.resign().await?;
        return Ok(Term::Paused);
    }
    let checkpoint = take_over(db, chain, projector.as_ref(), options).await?;
    if let Some(detail) = &checkpoint.stopped {
        tracing::error!(chain.id = %chain.id, detail, "the chain is stopped");
        election.resign().await?;
        return Ok(Term::Stopped);
    }
    tracing::info!(chain.id = %chain.id, height = checkpoint.block.number,
        epoch = checkpoint.epoch, "indexing");
    let projector = Arc::clone(projector);
    let mut session =
        Session::open(db.clone(), chain.clone(), projector, options, checkpoint).await?;
    match session.follow(&mut election, signals).await {
        Ok(never) => match never {},
        Err(error) => {
            // The lock must be free before we, or a rival, stand again; a broken session frees it.
            if let Err(error) = election.resign().await {
                tracing::debug!(error = &error as &dyn std::error::Error, "resigned the hard way");
            }
            Err(error)
        }
    }
}

async fn is_paused(db: &Db, chain: &Chain) -> Result<bool, IndexError> {
    let mut connection = db.acquire().await.map_err(db::DbError::from)?;
    let checkpoint = checkpoints::load(&mut connection, chain.id).await?;
    Ok(checkpoint.is_some_and(|checkpoint| checkpoint.paused))
}

/// Raise the epoch, making the first checkpoint if there is none.
async fn take_over(
    db: &Db,
    chain: &Chain,
    projector: &dyn Projector,
    options: IndexerOptions,
) -> Result<Checkpoint, IndexError> {
    let sources = projector.recorded();
    let mut tx = db::begin(db).await?;
    if let Some(checkpoint) = checkpoints::raise_epoch(&mut tx, chain.id).await? {
        take_up(&mut tx, chain.id, checkpoint.block, &sources).await?;
        tx.commit().await.map_err(db::DbError::from)?;
        return Ok(checkpoint);
    }
    drop(tx);
    let anchor = options.start_block.saturating_sub(1);
    let header = first_header(chain, anchor).await?;
    let seconds = i64::try_from(header.timestamp.to::<u64>()).unwrap_or_default();
    let row = BlockRow {
        number: anchor,
        hash: header.hash,
        parent_hash: header.parent_hash,
        mined_at: OffsetDateTime::from_unix_timestamp(seconds)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH),
    };
    record_first(db, chain, &row, &sources).await?;
    let mut connection = db.acquire().await.map_err(db::DbError::from)?;
    let checkpoint = checkpoints::raise_epoch(&mut connection, chain.id).await?;
    checkpoint.ok_or(IndexError::Superseded)
}

/// The anchor from the first endpoint that has it and is of this chain.
async fn first_header(chain: &Chain, number: u64) -> Result<Header, IndexError> {
    let mut trouble = inconsistent("the chain has no endpoint".into());
    for endpoint in chain.endpoints.iter() {
        trouble = match endpoint.chain_id().await {
            Ok(id) if id == chain.id => match endpoint.header(number).await {
                Ok(Some(header)) => return Ok(header),
                Ok(None) => inconsistent(format!("there is no block {number} yet")),
                Err(error) => error.into(),
            },
            Ok(id) => inconsistent(format!("the endpoint is of chain {id}")),
            Err(error) => error.into(),
        };
    }
    Err(trouble)
}

async fn record_first(
    db: &Db,
    chain: &Chain,
    anchor: &BlockRow,
    sources: &[SourceRow],
) -> Result<(), IndexError> {
    if anchor.hash == B256::ZERO {
        return Err(inconsistent("a block without a hash".into()));
    }
    let mut tx = db::begin(db).await?;
    if checkpoints::record_first(&mut tx, chain.id, anchor.block()).await? {
        blocks::record(&mut tx, chain.id, std::slice::from_ref(anchor)).await?;
        index_sources::record(&mut tx, chain.id, sources).await?;
    }
    tx.commit().await.map_err(db::DbError::from)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It compiles: the indexer can be spawned.
    #[allow(dead_code)]
    fn run_can_be_spawned(db: Db, chain: Chain, projector: Arc<dyn Projector>) -> impl Send {
        run(db, chain, projector, IndexerOptions::default(), std::future::pending())
    }
}

//! Who may write: one process per chain; the others stand by.

use crate::{
    IndexError, IndexerOptions, Projector, fetch::inconsistent, follow::Session, nudge::nudge_by_ws,
};
use chain::Chain;
use db::{
    Db,
    blocks::{self, BlockRow},
    checkpoints::{self, Checkpoint, Election},
};
use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};
use time::OffsetDateTime;
use tokio::{sync::Notify, time::sleep};
use vocab::B256;

/// How often a stopped chain is looked at again.
const STOPPED: Duration = Duration::from_secs(5);

/// Index `chain` until `shutdown` ends, or stand by while another process does. Trouble of every
/// kind is retried for ever with a pause; it may be cut off at any point without harm.
pub async fn run(
    db: Db,
    chain: Chain,
    projector: Arc<dyn Projector>,
    options: IndexerOptions,
    shutdown: impl Future<Output = ()>,
) {
    let nudge = Notify::new();
    tokio::select! {
        () = shutdown => {}
        never = terms(&db, &chain, &projector, options, &nudge) => match never {},
        never = nudge_by_ws(&chain, &nudge) => match never {},
    }
}

async fn terms(
    db: &Db,
    chain: &Chain,
    projector: &Arc<dyn Projector>,
    options: IndexerOptions,
    nudge: &Notify,
) -> Infallible {
    let mut pause = options.stand_by;
    loop {
        let wait = match term(db, chain, projector, options, nudge).await {
            Ok(Term::Lost) => options.stand_by,
            Ok(Term::Stopped) => STOPPED,
            Err(IndexError::Superseded) => {
                tracing::info!(chain.id = %chain.id, "another indexer has taken over");
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

/// How a term ended, other than by trouble.
enum Term {
    Lost,
    Stopped,
}

async fn term(
    db: &Db,
    chain: &Chain,
    projector: &Arc<dyn Projector>,
    options: IndexerOptions,
    nudge: &Notify,
) -> Result<Term, IndexError> {
    let Some(mut election) = Election::stand(db, chain.id).await? else {
        return Ok(Term::Lost);
    };
    let checkpoint = take_over(db, chain, options).await?;
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
    match session.follow(&mut election, nudge).await {
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

/// Raise the epoch, making the first checkpoint if there is none.
async fn take_over(
    db: &Db,
    chain: &Chain,
    options: IndexerOptions,
) -> Result<Checkpoint, IndexError> {
    let mut connection = db.acquire().await.map_err(db::DbError::from)?;
    if let Some(checkpoint) = checkpoints::raise_epoch(&mut connection, chain.id).await? {
        return Ok(checkpoint);
    }
    drop(connection);
    let anchor = options.start_block.saturating_sub(1);
    let header = chain.endpoint().header(anchor).await?;
    let header = header.ok_or_else(|| inconsistent(format!("there is no block {anchor} yet")))?;
    let seconds = i64::try_from(header.timestamp.to::<u64>()).unwrap_or_default();
    let row = BlockRow {
        number: anchor,
        hash: header.hash,
        parent_hash: header.parent_hash,
        mined_at: OffsetDateTime::from_unix_timestamp(seconds)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH),
    };
    record_first(db, chain, &row).await?;
    let mut connection = db.acquire().await.map_err(db::DbError::from)?;
    let checkpoint = checkpoints::raise_epoch(&mut connection, chain.id).await?;
    checkpoint.ok_or(IndexError::Superseded)
}

async fn record_first(db: &Db, chain: &Chain, anchor: &BlockRow) -> Result<(), IndexError> {
    if anchor.hash == B256::ZERO {
        return Err(inconsistent("a block without a hash".into()));
    }
    let mut tx = db.begin().await.map_err(db::DbError::from)?;
    if checkpoints::record_first(&mut tx, chain.id, anchor.block()).await? {
        blocks::record(&mut tx, chain.id, std::slice::from_ref(anchor)).await?;
    }
    tx.commit().await.map_err(db::DbError::from)?;
    Ok(())
}

//! The exchange of the tables, under live commits and readers.

use super::{
    FAILPOINTS, RebuildError, Subject, Tell,
    build::{Build, Indexed, digest_of_sources},
    follow::{Followed, follow},
    meter::Phase,
    settle::{Pace, load_at},
};
use db::{
    Db, DbError, PgConnection, blocks, index_rebuilds, raw_logs,
    shadow::{self, Exchanged, Side},
    undo_records,
};
use journal::NewFact;
use std::time::{Duration, Instant};
use vocab::{B256, BlockRef, ChainId};

/// How long new readers may have to wait for old ones, attempt by attempt. Below a second, what
/// Postgres takes before it looks for a deadlock, it is never a reader that is given up; above,
/// even a vacuum makes way.
const PATIENCE: [Duration; 4] = [
    Duration::from_millis(700),
    Duration::from_millis(700),
    Duration::from_millis(700),
    Duration::from_millis(1_900),
];
const ATTEMPTS: usize = 60;
/// Between them, so that those who waited are served.
const PAUSE: Duration = Duration::from_millis(300);
/// Blocks that may be left for the last commit, for which live ones wait.
const LAST: u64 = 4;

/// What is told of an exchange, by the block of each chain.
pub type FactsOf<'f> = &'f (dyn Fn(&[(ChainId, BlockRef)]) -> Vec<NewFact> + Sync);

/// What was made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    pub tables: Vec<&'static str>,
    /// Of which block of each chain.
    pub chains: Vec<(ChainId, BlockRef)>,
    /// Logs that this run has read of settled blocks.
    pub logs: u64,
    /// For how long commits of the index had to wait at the exchange, at most.
    pub held: Duration,
}

/// Make the subject's tables anew and put them in the place of the live ones. What `facts_of` the
/// chains and their blocks is, is recorded in the commit that does.
///
/// # Errors
/// [`RebuildError`]: the live tables are as they were. Only when the database was lost in the very
/// commit that exchanges, it may be that they were exchanged; doing it again does no harm.
pub async fn rebuild(
    db: &Db,
    subject: &Subject,
    pace: Pace,
    tell: Tell<'_>,
    facts_of: FactsOf<'_>,
) -> Result<Rebuilt, RebuildError> {
    let mut build = Build::open(db, subject, pace, tell).await?;
    build.settle_all().await?;
    build.build_indexes(false).await?;
    build.approach().await?;
    build.check_logs().await?;
    for patience in PATIENCE.into_iter().cycle().take(ATTEMPTS) {
        build.approach().await?;
        build.meter.enter(Phase::Exchanging);
        if let Some(rebuilt) = build.exchange(patience, facts_of).await? {
            FAILPOINTS.hit("rebuild_committed");
            shadow::drop_replaced(&mut build.session).await?;
            return Ok(rebuilt);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(RebuildError::Blocked)
}

impl Build<'_> {
    /// Were settled logs added or taken away after they were read?
    pub(super) async fn check_logs(&mut self) -> Result<(), RebuildError> {
        for chain in &self.chains {
            let at = load_at(&mut self.session, chain.id).await?;
            let now = raw_logs::count(&mut self.session, chain.id, at.settled_height).await?;
            if now != at.logs {
                return Err(RebuildError::Changed("logs of settled blocks have changed"));
            }
        }
        Ok(())
    }

    /// One attempt; none when somebody was in the way.
    async fn exchange(
        &mut self,
        patience: Duration,
        facts_of: FactsOf<'_>,
    ) -> Result<Option<Rebuilt>, RebuildError> {
        let Self { session, subject, sources, chains, meter, .. } = self;
        let mut tx = shadow::begin_exchange(session).await?;
        let started = Instant::now();
        let Some(blocks) = record_exchange(&mut tx, subject, *sources, chains, patience).await?
        else {
            // At once: whoever waits for its locks goes on.
            tx.rollback().await.map_err(DbError::from)?;
            return Ok(None);
        };
        shadow::look(&mut tx, Side::Live).await?;
        journal::record(&mut tx, &facts_of(&blocks)).await?;
        FAILPOINTS.hit("rebuild_exchanged");
        tx.commit().await.map_err(DbError::from)?;
        let (tables, held) = (subject.tables().to_vec(), started.elapsed());
        Ok(Some(Rebuilt { tables, chains: blocks, logs: meter.logs(), held }))
    }
}

async fn record_exchange(
    db: &mut PgConnection,
    subject: &Subject,
    sources: B256,
    chains: &mut [Indexed],
    patience: Duration,
) -> Result<Option<Vec<(ChainId, BlockRef)>>, RebuildError> {
    let tables = subject.tables();
    let Some(ids) = shadow::lock_checkpoints(db).await? else { return Ok(None) };
    FAILPOINTS.hit("rebuild_locked");
    if digest_of_sources(db, &ids).await? != sources {
        return Err(RebuildError::Changed("the contracts that are indexed have changed"));
    }
    if !shadow::fits(db, tables).await? {
        return Err(RebuildError::Changed("the tables have changed"));
    }
    let mut reflected = Vec::with_capacity(ids.len());
    for chain in chains {
        let step = follow(db, chain, subject, LAST).await?;
        let Followed::There(block) = step else { return Ok(None) };
        reflected.push((chain.id, block));
        // What the live window can't unwind any more needs no undo.
        shadow::look(db, Side::Live).await?;
        let oldest = blocks::load_oldest(db, chain.id).await?.unwrap_or(0);
        shadow::look(db, Side::Shadow).await?;
        undo_records::record_anchor(db, chain.id, oldest).await?;
    }
    shadow::record_undo_exchanged(db, tables).await?;
    index_rebuilds::record_ended(db).await?;
    let exchanged = shadow::record_exchanged(db, tables, patience).await?;
    Ok((exchanged == Exchanged::Done).then_some(reflected))
}

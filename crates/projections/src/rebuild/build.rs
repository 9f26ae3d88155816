//! One rebuild at work: what it has read from the database at its start.

use super::{
    FAILPOINTS, RebuildError, Subject, Tell,
    meter::{Meter, Phase},
    settle::Pace,
};
use crate::{Projections, Standard, decode};
use alloy_primitives::{Address, B256, keccak256};
use db::{
    Db, DbError, PgConnection, index_builds, index_progress, index_rebuilds, index_sources,
    raw_logs::{self, LogFilter, RawLog},
    registry, shadow,
};
use indexer::Projector;
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use vocab::ChainId;

/// Attempts to be the one who rebuilds, and what is between them: of one who has just died Postgres
/// knows only after a moment.
const ATTEMPTS: usize = 12;
const PAUSE: Duration = Duration::from_millis(250);
/// Logs of factories that are looked at together.
const PAGE: i64 = 10_000;

/// A rebuild, and the right to it, which ends with its session.
pub(super) struct Build<'t> {
    pub(super) db: Db,
    pub(super) session: PgConnection,
    pub(super) subject: Subject,
    pub(super) pace: Pace,
    pub(super) sources: B256,
    pub(super) chains: Vec<Indexed>,
    pub(super) meter: Meter<'t>,
}

/// A chain, and how its logs are read.
pub(super) struct Indexed {
    pub(super) id: ChainId,
    pub(super) projections: Projections,
    /// By contract, of those that are followed.
    pub(super) standards: HashMap<Address, Standard>,
    factories: Vec<Address>,
    /// Factories, and their collections as far as they are known.
    ours: HashSet<Address>,
    topics: HashSet<B256>,
}

impl Indexed {
    /// Learn which contracts are followed by now: factories make more of them.
    pub(super) async fn learn(&mut self, db: &mut PgConnection) -> Result<(), DbError> {
        let followed = index_sources::load_projected(db, self.id).await?;
        let known =
            |(address, kind): (Address, String)| Some((address, Standard::from_name(&kind)?));
        self.standards = followed.into_iter().filter_map(known).collect();
        Ok(())
    }

    /// Is this log one of our contracts'? What it makes known is known from here on.
    pub(super) fn is_ours(&mut self, log: &RawLog) -> bool {
        let known = log.topics.first().is_some_and(|topic| self.topics.contains(topic));
        if !known || !self.ours.contains(&log.address) {
            return false;
        }
        self.ours.extend(decode::announced(&self.factories, log));
        true
    }
}

impl<'t> Build<'t> {
    /// Go on with what was begun, or begin.
    pub(super) async fn open(
        db: &Db,
        subject: &Subject,
        pace: Pace,
        tell: Tell<'t>,
    ) -> Result<Self, RebuildError> {
        let mut session = claim(db).await?;
        shadow::drop_replaced(&mut session).await?;
        let found = index_progress::load(&mut session).await?;
        if found.is_empty() {
            return Err(RebuildError::NothingIndexed);
        }
        if index_builds::missing(&mut session).await? {
            return Err(RebuildError::Loading);
        }
        let ids: Vec<ChainId> = found.iter().map(|index| index.chain).collect();
        for id in &ids {
            let rows = index_sources::load(&mut session, *id).await?;
            if rows.iter().any(|row| row.beside.is_some()) {
                return Err(RebuildError::Reading);
            }
            if rows.iter().any(|row| row.purging) {
                return Err(RebuildError::Purging);
            }
        }
        let sources = digest_of_sources(&mut session, &ids).await?;
        let tables: Vec<String> = subject.tables().iter().map(|t| (*t).to_owned()).collect();
        match index_rebuilds::load(&mut session).await? {
            Some(begun) if begun.tables != tables => {
                let (name, started_at) = (begun.name, begun.started_at);
                return Err(RebuildError::Unfinished { name, started_at });
            }
            Some(begun) if begun.sources != sources => {
                return Err(RebuildError::Changed("the contracts that are indexed have changed"));
            }
            Some(_) => {}
            None => begin(&mut session, subject, &tables, sources).await?,
        }
        for index in shadow::missing_indexes(&mut session, &subject.changing()).await? {
            if index.is_key() {
                shadow::build(&mut session, &index).await?;
            }
        }
        FAILPOINTS.hit("rebuild_begun");
        let mut chains = Vec::with_capacity(ids.len());
        for id in ids {
            chains.push(load_chain(&mut session, id).await?);
        }
        let meter = Meter::new(tell);
        let (db, subject) = (db.clone(), subject.clone());
        Ok(Self { db, session, subject, pace, sources, chains, meter })
    }

    /// Build what the live tables have and the new ones lack: keys alone, or everything.
    pub(super) async fn build_indexes(&mut self, keys_only: bool) -> Result<(), RebuildError> {
        self.meter.enter(Phase::Indexing);
        let tables = self.subject.tables();
        let mut missing = shadow::missing_indexes(&mut self.session, tables).await?;
        missing.retain(|index| index.is_key() || !keys_only);
        let (keys, others): (Vec<_>, Vec<_>) =
            missing.into_iter().partition(shadow::MissingIndex::is_key);
        for index in &keys {
            shadow::build(&mut self.session, index).await?;
            FAILPOINTS.hit("rebuild_index_built");
        }
        // Two at a time: a build waits for its disk, and for one processor.
        let mut beside = shadow::beside(&self.db).await?;
        let (even, odd): (Vec<_>, Vec<_>) =
            others.iter().enumerate().partition(|(place, _)| place % 2 == 0);
        let one = build_all(&mut self.session, &even);
        let other = build_all(&mut beside, &odd);
        futures_util::future::try_join(one, other).await?;
        shadow::analyze(&mut self.session, self.subject.tables()).await?;
        Ok(())
    }
}

async fn build_all(
    db: &mut PgConnection,
    indexes: &[(usize, &shadow::MissingIndex)],
) -> Result<(), DbError> {
    for (_, index) in indexes {
        shadow::build(db, index).await?;
        FAILPOINTS.hit("rebuild_index_built");
    }
    Ok(())
}

async fn claim(db: &Db) -> Result<PgConnection, RebuildError> {
    for attempt in 1..=ATTEMPTS {
        if let Some(session) = shadow::claim(db).await? {
            return Ok(session);
        }
        if attempt < ATTEMPTS {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Err(RebuildError::UnderWay)
}

/// Make the new tables, and note that they are there.
async fn begin(
    session: &mut PgConnection,
    subject: &Subject,
    tables: &[String],
    sources: B256,
) -> Result<(), RebuildError> {
    let mut tx = shadow::begin_exchange(session).await?;
    index_rebuilds::record_begun(&mut tx, subject.name(), tables, sources).await?;
    shadow::record_created(&mut tx, subject.tables()).await?;
    tx.commit().await.map_err(DbError::from)?;
    Ok(())
}

/// Drop what was begun; gives its name, none when nothing was.
///
/// # Errors
/// [`RebuildError::UnderWay`] while a process is at it.
pub async fn discard(db: &Db) -> Result<Option<String>, RebuildError> {
    let mut session = claim(db).await?;
    shadow::drop_replaced(&mut session).await?;
    let begun = index_rebuilds::load(&mut session).await?;
    drop_begun(&mut session).await?;
    Ok(begun.map(|begun| begun.name))
}

pub(super) async fn drop_begun(session: &mut PgConnection) -> Result<(), DbError> {
    let mut tx = shadow::begin_exchange(session).await?;
    shadow::record_dropped(&mut tx).await?;
    index_rebuilds::record_ended(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

async fn load_chain(db: &mut PgConnection, id: ChainId) -> Result<Indexed, RebuildError> {
    let factories = load_factories(db, id).await?;
    let projections = Projections::new(factories.clone());
    let topics = projections.topics().into_iter().collect();
    let ours = factories.iter().copied().collect();
    let standards = HashMap::new();
    let mut chain = Indexed { id, projections, standards, factories, ours, topics };
    for factory in chain.factories.clone() {
        let filter = LogFilter { address: Some(factory), ..LogFilter::default() };
        let mut after = None;
        loop {
            let logs = raw_logs::list(db, id, filter, after, PAGE).await?;
            let Some(last) = logs.last() else { break };
            after = Some((last.block_number.cast_signed(), last.log_index.cast_signed()));
            for log in &logs {
                chain.is_ours(log);
            }
        }
    }
    Ok(chain)
}

async fn load_factories(db: &mut PgConnection, id: ChainId) -> Result<Vec<Address>, DbError> {
    let name = contracts::COLLECTION_FACTORY.name;
    let deployed = registry::load(db, id).await?;
    Ok(deployed.iter().filter(|row| row.name == name).map(|row| row.address).collect())
}

/// Which chains there are, and what of them is read.
pub(super) async fn digest_of_sources(
    db: &mut PgConnection,
    chains: &[ChainId],
) -> Result<B256, DbError> {
    let mut text = String::new();
    for id in chains {
        let factories = load_factories(db, *id).await?;
        text.push_str(&format!("{id} {factories:?}\n"));
        for row in index_sources::load(db, *id).await? {
            let made = row.factory.map(|factory| (factory.event, factory.parameter));
            let said = (row.address, row.kind, row.start_block, row.projected, row.purging);
            text.push_str(&format!("{said:?} {made:?}\n"));
        }
    }
    Ok(keccak256(text))
}

//! Live tables against what their logs say now.

use super::{
    RebuildError, Subject, Tell,
    build::{Build, drop_begun},
    follow::{Followed, follow},
    meter::Phase,
    settle::Pace,
};
use db::{
    Db, DbError, PgConnection, blocks,
    digest::{self, Compared, TableDigest},
    index_samples::{self, Sample},
    shadow::{self, Differences, Side},
};
use vocab::{BlockRef, ChainId};

/// Rows of a table that are named.
const NAMED: i64 = 5;
/// Views that are taken until one has not run ahead of what was made.
const ATTEMPTS: usize = 20;

/// How the live tables compare.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub chains: Vec<ChainVerdict>,
    /// Logs that this run has read of settled blocks.
    pub logs: u64,
}

/// Of one chain.
#[derive(Clone, Debug)]
pub struct ChainVerdict {
    pub chain: ChainId,
    /// The block that both sides reflect.
    pub block: BlockRef,
    pub tables: Vec<TableVerdict>,
    /// Undo records of these tables that only one side has.
    pub undo_differences: i64,
    /// Drawn of the live tables by chance.
    pub samples: Vec<Sample>,
}

/// Of one table.
#[derive(Clone, Debug)]
pub struct TableVerdict {
    pub live: TableDigest,
    pub made: TableDigest,
    /// Empty when the digests are equal.
    pub differences: Differences,
}

impl Verdict {
    /// Are the live tables what the logs say?
    #[must_use]
    pub fn is_equal(&self) -> bool {
        let equal = |table: &TableVerdict| table.live == table.made;
        self.chains.iter().all(|c| c.undo_differences == 0 && c.tables.iter().all(equal))
    }
}

/// Make the subject's tables anew beside the live ones and compare, without waiting for commits or
/// holding them up. Of each chain about `samples` balances and as many owners are drawn by `seed`.
///
/// # Errors
/// [`RebuildError`]
pub async fn verify(
    db: &Db,
    subject: &Subject,
    (samples, seed): (i64, i64),
    pace: Pace,
    tell: Tell<'_>,
) -> Result<Verdict, RebuildError> {
    let mut build = Build::open(db, subject, pace, tell).await?;
    build.settle_all().await?;
    build.build_indexes(true).await?;
    for _ in 0..ATTEMPTS {
        build.approach().await?;
        build.check_logs().await?;
        if let Some(chains) = build.compare((samples, seed)).await? {
            let logs = build.meter.logs();
            drop_begun(&mut build.session).await?;
            return Ok(Verdict { chains, logs });
        }
    }
    Err(RebuildError::Blocked)
}

impl Build<'_> {
    /// In one view of the database; none when it has moved too far.
    async fn compare(
        &mut self,
        drawn: (i64, i64),
    ) -> Result<Option<Vec<ChainVerdict>>, RebuildError> {
        self.meter.enter(Phase::Comparing);
        let mut tx = shadow::begin_beside_live(&mut self.session).await?;
        let mut verdicts = Vec::with_capacity(self.chains.len());
        for chain in &mut self.chains {
            let Followed::There(block) =
                follow(&mut tx, chain, &self.subject, u64::from(u32::MAX)).await?
            else {
                tx.rollback().await.map_err(DbError::from)?;
                return Ok(None);
            };
            verdicts.push(compare(&mut tx, &self.subject, (chain.id, block), drawn).await?);
        }
        tx.rollback().await.map_err(DbError::from)?;
        Ok(Some(verdicts))
    }
}

async fn compare(
    db: &mut PgConnection,
    subject: &Subject,
    (chain, block): (ChainId, BlockRef),
    (samples, seed): (i64, i64),
) -> Result<ChainVerdict, RebuildError> {
    let mut tables = Vec::new();
    for name in subject.tables() {
        let compared = Compared::named(name).expect("invariant: the table is in the list");
        shadow::look(db, Side::Live).await?;
        let live = digest::load_table(db, chain, compared).await?;
        shadow::look(db, Side::Shadow).await?;
        let made = digest::load_table(db, chain, compared).await?;
        let differences = match live == made {
            true => Differences::default(),
            false => shadow::differences(db, chain, compared, NAMED).await?,
        };
        tables.push(TableVerdict { live, made, differences });
    }
    shadow::look(db, Side::Live).await?;
    let oldest = blocks::load_oldest(db, chain).await?.unwrap_or(0);
    let undo_differences =
        shadow::count_undo_differences(db, chain, subject.tables(), oldest).await?;
    let samples = match samples {
        0 => Vec::new(),
        count => index_samples::load(db, chain, (seed, count), subject.tables()).await?,
    };
    Ok(ChainVerdict { chain, block, tables, undo_differences, samples })
}

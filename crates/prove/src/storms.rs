//! Reorg storms against the index of a real node: whatever was taken back, and whenever the indexer
//! died meanwhile, the index equals one that is made from nothing (its digest, `db::digest`).
//!
//! A run keeps one node and one index. After each storm a fresh index of the same node is made; the
//! chain is short, so that costs little. All that is drawn follows from the seed; the instants are
//! the machine's.

mod plan;
mod site;
mod subject;

use crate::{Found, milliseconds, say};
use anyhow::Result;
use db::digest::TableDigest;
use indexer::{IndexerOptions, Projector};
pub use plan::Again;
use plan::{Step, Storm};
use projections::Projections;
use rand::{SeedableRng, rngs::StdRng};
pub use site::{Site, chain_at, projections, token_code};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};
pub use subject::fresh;
use subject::{Blank, Subject};
use tokio::time::sleep;

/// Makes the projector of the index that storms go over, honest or not.
pub type Making = fn(Projections) -> Arc<dyn Projector>;

/// One run: a node, an index, and storms over them.
#[derive(Clone, Debug)]
pub struct Run {
    pub storms: u64,
    /// Most blocks taken back, counted from the highest one ever shown; at most the window.
    pub depth: u64,
    pub seed: u64,
    pub indexer: IndexerOptions,
    pub making: Making,
}

const EXAMPLES_MAX: usize = 5;

impl Run {
    #[must_use]
    pub fn new(storms: u64, depth: u64, seed: u64) -> Self {
        let indexer = IndexerOptions {
            stand_by: Duration::from_millis(20),
            back_off_max: Duration::from_millis(200),
            ..IndexerOptions::default()
        };
        let depth = depth.clamp(1, indexer.window);
        Self { storms, depth, seed, indexer, making: |projections| Arc::new(projections) }
    }

    /// Let them come, one after the other.
    ///
    /// # Errors
    /// When the parts can't be started or the node fails; what is found goes into the report.
    pub async fn run(&self) -> Result<Found> {
        let started = Instant::now();
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut site = Site::new().await?;
        let (mut subject, blank) = (Subject::new().await, Blank::new().await);
        let (mut found, mut spent) = (Found::default(), Spent::default());
        for number in 1..=self.storms {
            let storm = Storm::draw(&mut random, self.depth);
            for step in &storm.steps {
                let began = Instant::now();
                self.step(step, &mut site, &mut subject, &mut random).await?;
                *spent.on(step) += began.elapsed();
            }
            if !subject.is_running() {
                subject.start(&site, self.indexer, self.making);
            }
            let wrong = compare(&site, (&subject, &blank), &mut found, &mut spent).await?;
            found.harms += 1;
            if let Some(wrong) = wrong {
                let seed = self.seed;
                let said = format!("storm {number} of seed {seed}, {:?}: {wrong}", storm.shape);
                if found.examples.len() < EXAMPLES_MAX {
                    found.examples.push(said);
                }
                // Or all that follow would be wrong, too.
                subject = Subject::new().await;
            }
            if number % 10 == 0 || number == self.storms {
                let (equal, seconds) = (found.compared, started.elapsed().as_secs());
                say(&format!("{number:>5} storms, {equal} comparisons held, {seconds} s: {spent}"));
            }
        }
        Ok(found.took(started.elapsed()))
    }

    async fn step(
        &self,
        step: &Step,
        site: &mut Site,
        subject: &mut Subject,
        random: &mut StdRng,
    ) -> Result<()> {
        match *step {
            Step::Grow { busy, empty } => site.grow(busy, empty, random).await?,
            Step::Reorg { depth, again } => site.reorg(depth, again, random).await?,
            Step::Shrink { depth, again } => site.shrink(depth, again, random).await?,
            Step::Await => {
                if !subject.is_running() {
                    subject.start(site, self.indexer, self.making);
                }
                // If it never gets there, the end of the storm says so.
                let _ = subject.await_head(site, site.head().await?).await;
            }
            Step::Cut { after } => {
                sleep(after).await;
                subject.cut();
            }
            Step::Start { range_max, proven } => {
                let options = IndexerOptions { range_max, prove_settled: proven, ..self.indexer };
                subject.start(site, options, self.making);
            }
        }
        Ok(())
    }
}

/// What the time went to.
#[derive(Debug, Default)]
struct Spent {
    node: Duration,
    index: Duration,
    fresh: Duration,
}

impl Spent {
    fn on(&mut self, step: &Step) -> &mut Duration {
        match step {
            Step::Grow { .. } | Step::Reorg { .. } | Step::Shrink { .. } => &mut self.node,
            Step::Await | Step::Cut { .. } | Step::Start { .. } => &mut self.index,
        }
    }
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [node, index, fresh] =
            [self.node, self.index, self.fresh].map(|time| time.as_secs_f64());
        write!(f, "{node:.1} making blocks, {index:.1} waiting, {fresh:.1} for fresh indexes")
    }
}

/// After a storm: what is wrong with the index.
async fn compare(
    site: &Site,
    (subject, blank): (&Subject, &Blank),
    found: &mut Found,
    spent: &mut Spent,
) -> Result<Option<String>> {
    let (calm, head) = (Instant::now(), site.head().await?);
    let reached = subject.await_head(site, head).await;
    spent.index += calm.elapsed();
    if let Err(error) = reached {
        found.stuck += 1;
        return Ok(Some(format!("{error:#}")));
    }
    found.recovery_ms.push(milliseconds(calm.elapsed()));
    let began = Instant::now();
    let (ours, fresh) = (subject.digest(site).await?, blank.index(site, head).await?);
    spent.fresh += began.elapsed();
    if ours == fresh {
        found.compared += 1;
        return Ok(None);
    }
    found.differing += 1;
    let differ = |(ours, fresh): (&TableDigest, &TableDigest)| {
        (ours != fresh)
            .then(|| format!("{} ({} rows, fresh {})", ours.table, ours.rows, fresh.rows))
    };
    let tables: Vec<String> = ours.iter().zip(&fresh).filter_map(differ).collect();
    Ok(Some(format!("other than a fresh index: {}", tables.join(", "))))
}

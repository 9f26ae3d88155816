//! Reading what lies below the window: several ranges at a time, committed in order.
//!
//! ```text
//! range ─► logs, ends ─► decode, pack ─┐
//! range ─► logs, ends ─► decode, pack ─┼─► in order ─► ONE commit {raw logs by COPY, projections,
//! range ─► logs, ends ─► decode, pack ─┘               range fact, progress, checkpoint}
//! ```
//! Reading runs ahead of the commits by a fixed number of ranges, so memory is bounded by it.

mod pack;
mod progress;
mod range;
mod sizer;
mod wording;

pub(crate) use progress::Progress;
pub(crate) use range::{Ranged, Reader};
pub(crate) use sizer::Sizer;

use crate::{FAILPOINTS, IndexError, fetch::inconsistent, follow::Session};
use db::checkpoints::Election;
use range::Outcome;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How often the holder of the advisory lock makes sure of it.
const CHECK: Duration = Duration::from_secs(1);

impl Session {
    /// Read and commit what follows the checkpoint, up to `top`. Levels count from `head`.
    pub(crate) async fn backfill(
        &mut self,
        top: u64,
        head: u64,
        election: &mut Election,
    ) -> Result<(), IndexError> {
        let height = self.checkpoint.block.number;
        let mut progress =
            self.progress.take().unwrap_or_else(|| Progress::new(self.chain.id, height, top));
        progress.aim(top);
        let done = self.backfill_to(top, head, election, &mut progress).await;
        self.progress = Some(progress);
        done
    }

    async fn backfill_to(
        &mut self,
        top: u64,
        head: u64,
        election: &mut Election,
        progress: &mut Progress,
    ) -> Result<(), IndexError> {
        let ahead = self.options.ranges_in_flight.max(1);
        let mut run = Run::new(self.reader(), (self.checkpoint.block.number + 1, top), ahead);
        let mut checked = Instant::now();
        while self.checkpoint.block.number < top {
            if checked.elapsed() > CHECK {
                election.check().await?;
                checked = Instant::now();
            }
            let waiting = Instant::now();
            let mut range = run.next(self.checkpoint.block.number + 1).await?;
            if range.parent != self.checkpoint.block.hash {
                return self.reconcile(head).await;
            }
            if !range.sources.covers(&self.sources) {
                // It was asked for before an earlier range made a contract known.
                range = self.reader().read(range.first, range.last.number).await?;
                if range.parent != self.checkpoint.block.hash {
                    return self.reconcile(head).await;
                }
            }
            progress.note_wait(waiting.elapsed(), range.node, range.decode);
            FAILPOINTS.hit("range_read");
            let committing = Instant::now();
            self.commit_range(&range, head, progress).await?;
            let (height, logs) = (range.last.number, range.packed.rows.count());
            progress.note_commit(height, logs, committing.elapsed());
            tracing::debug!(chain.id = %self.chain.id, range.first, height, logs,
                waited = ?range.node, decoded = ?range.decode, committed = ?committing.elapsed(),
                "a range was committed");
            if !self.sources.covers(&range.sources) {
                self.sources = range.sources;
                run.reader = Arc::new(self.reader());
            }
        }
        Ok(())
    }

    fn reader(&self) -> Reader {
        Reader {
            chain: self.chain.id,
            endpoint: self.endpoint().clone(),
            options: self.options,
            projector: Arc::clone(&self.projector),
            sources: Arc::clone(&self.sources),
            sizer: Arc::clone(&self.sizer),
        }
    }
}

/// Ranges being read. Dropped, it ends the reading.
pub(crate) struct Run {
    reader: Arc<Reader>,
    /// What nobody reads yet: last block by first.
    todo: BTreeMap<u64, u64>,
    reading: JoinSet<(u64, Outcome)>,
    /// What was read and waits for its turn, by first block.
    ready: BTreeMap<u64, Result<Ranged, IndexError>>,
    ahead: usize,
}

impl Run {
    pub(crate) fn new(reader: Reader, (first, last): (u64, u64), ahead: usize) -> Self {
        Self {
            reader: Arc::new(reader),
            todo: BTreeMap::from([(first, last)]),
            reading: JoinSet::new(),
            ready: BTreeMap::new(),
            ahead,
        }
    }

    /// The range that begins with block `wanted`. Nothing is lost when nobody waits any more.
    pub(crate) async fn next(&mut self, wanted: u64) -> Result<Ranged, IndexError> {
        loop {
            self.fill();
            if let Some(result) = self.ready.remove(&wanted) {
                self.fill();
                return result;
            }
            let Some(read) = self.reading.join_next().await else {
                return Err(inconsistent(format!("nobody reads block {wanted}")));
            };
            match read {
                Ok((first, Outcome { result, rest })) => {
                    self.todo.extend(rest);
                    self.ready.insert(first, result);
                }
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => return Err(inconsistent("the process is ending".into())),
            }
        }
    }

    /// Begin to read, lowest blocks first, as far ahead as allowed. What was left of a refused
    /// range may be wanted before all that waits, so one is always read.
    fn fill(&mut self) {
        loop {
            let learnt = self.reader.sizer().has_learnt();
            let blocks = self.reader.blocks();
            let ahead = if learnt { self.ahead } else { 1 };
            let full = self.reading.len() + self.ready.len() >= ahead;
            if full && !self.reading.is_empty() {
                return;
            }
            if full && self.ready.first_key_value().map(|(first, _)| *first) < self.lowest() {
                return;
            }
            let Some((first, last)) = self.todo.pop_first() else { return };
            let end = last.min(first.saturating_add(blocks - 1));
            if end < last {
                self.todo.insert(end + 1, last);
            }
            let reader = Arc::clone(&self.reader);
            self.reading.spawn(async move { (first, reader.read_some(first, end).await) });
        }
    }

    fn lowest(&self) -> Option<u64> {
        self.todo.first_key_value().map(|(first, _)| *first)
    }
}

//! How a rebuild gets on.

use super::Tell;
use std::time::{Duration, Instant};

/// Between two reports.
const TELL: Duration = Duration::from_secs(2);

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Settled blocks are read and written.
    Reading,
    Indexing,
    /// Blocks of the window, and those that come meanwhile.
    Following,
    /// From here it may be that the tables have been exchanged.
    Exchanging,
    Comparing,
}

impl Phase {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Indexing => "indexing",
            Self::Following => "following",
            Self::Exchanging => "exchanging",
            Self::Comparing => "comparing",
        }
    }
}

/// One report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    pub phase: Phase,
    /// Of the settled blocks, of all chains: 0 to 100.
    pub percent: f64,
    /// Read by this run.
    pub logs: u64,
    pub logs_per_second: f64,
    /// Until settled blocks are read, at the rate so far.
    pub eta: Option<Duration>,
}

pub(super) struct Meter<'t> {
    tell: Tell<'t>,
    phase: Phase,
    started: Instant,
    told: Instant,
    logs: u64,
    /// Settled blocks: all, those that earlier runs have read, and those of this one.
    blocks: u64,
    before: u64,
    done: u64,
}

impl<'t> Meter<'t> {
    pub(super) fn new(tell: Tell<'t>) -> Self {
        let now = Instant::now();
        Self {
            tell,
            phase: Phase::Reading,
            started: now,
            told: now,
            logs: 0,
            blocks: 0,
            before: 0,
            done: 0,
        }
    }

    /// So many blocks are to be read, of which earlier runs have read some.
    pub(super) fn aim(&mut self, blocks: u64, before: u64) {
        self.blocks += blocks;
        self.before += before;
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        if self.phase != phase {
            self.phase = phase;
            self.report();
        }
    }

    /// So many blocks more were read, with so many logs.
    pub(super) fn note(&mut self, blocks: u64, logs: usize) {
        self.done += blocks;
        self.logs += logs as u64;
        if self.told.elapsed() >= TELL {
            self.report();
        }
    }

    /// Read by this run.
    pub(super) fn logs(&self) -> u64 {
        self.logs
    }

    fn report(&mut self) {
        self.told = Instant::now();
        let progress = self.progress(self.started.elapsed());
        (self.tell)(progress);
    }

    fn progress(&self, elapsed: Duration) -> Progress {
        let seconds = elapsed.as_secs_f64().max(1e-3);
        let read = (self.before + self.done).min(self.blocks);
        let left = (self.blocks - read) as f64;
        let reading = self.phase == Phase::Reading && self.done > 0;
        let eta = reading.then(|| seconds * left / self.done as f64);
        Progress {
            phase: self.phase,
            percent: if self.blocks == 0 {
                100.0
            } else {
                100.0 * read as f64 / self.blocks as f64
            },
            logs: self.logs,
            logs_per_second: self.logs as f64 / seconds,
            eta: eta.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_counts_for_the_whole_and_not_for_the_rate() {
        let mut told = 0;
        let mut tell = |_| told += 1;
        let mut meter = Meter::new(&mut tell);
        meter.aim(100, 50);
        meter.note(25, 1_000);
        let progress = meter.progress(Duration::from_secs(10));
        assert_eq!((progress.percent, progress.logs_per_second), (75.0, 100.0));
        assert_eq!(progress.eta, Some(Duration::from_secs(10)));
        meter.enter(Phase::Indexing);
        assert_eq!(meter.progress(Duration::from_secs(1)).eta, None);
        assert_eq!(told, 1);
        let mut tell = |_| {};
        assert_eq!(Meter::new(&mut tell).progress(Duration::ZERO).percent, 100.0);
    }
}

//! How a run over settled blocks gets on: for the console, for metrics, and for its commits.

use db::index_progress;
use metrics::Label;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use vocab::ChainId;

/// Between two lines on the console.
const TELL: Duration = Duration::from_secs(2);

/// One run, from where it began to now.
#[derive(Debug)]
pub(crate) struct Progress {
    chain: ChainId,
    base: u64,
    target: u64,
    height: u64,
    logs: u64,
    /// What its commits waited for.
    node: Duration,
    decode: Duration,
    database: Duration,
    started: Instant,
    started_at: OffsetDateTime,
    told: Instant,
}

impl Progress {
    pub(crate) fn new(chain: ChainId, base: u64, target: u64) -> Self {
        let now = Instant::now();
        Self {
            chain,
            base,
            target,
            height: base,
            logs: 0,
            node: Duration::ZERO,
            decode: Duration::ZERO,
            database: Duration::ZERO,
            started: now,
            started_at: OffsetDateTime::now_utc(),
            told: now,
        }
    }

    /// The head went on while the run did.
    pub(crate) fn aim(&mut self, target: u64) {
        self.target = self.target.max(target);
    }

    /// A range was waited for; reading it took `node` for the answers and `decode` after that.
    pub(crate) fn note_wait(&mut self, waited: Duration, node: Duration, decode: Duration) {
        let whole = (node + decode).as_secs_f64();
        let share = if whole > 0.0 { node.as_secs_f64() / whole } else { 1.0 };
        let for_node = waited.mul_f64(share.clamp(0.0, 1.0));
        self.node += for_node;
        self.decode += waited.saturating_sub(for_node);
    }

    /// A range up to `height` was committed.
    pub(crate) fn note_commit(&mut self, height: u64, logs: u64, took: Duration) {
        self.height = height;
        self.logs += logs;
        self.database += took;
        let labels = || vec![Label::new("chain", self.chain.to_string())];
        metrics::counter!("indexer_backfill_logs_total", labels()).increment(logs);
        metrics::gauge!("indexer_backfill_percent", labels()).set(self.percent());
        let rate = self.rate();
        metrics::gauge!("indexer_backfill_logs_per_second", labels()).set(rate);
        metrics::gauge!("indexer_backfill_eta_seconds", labels()).set(self.eta().as_secs_f64());
        for (part, waited) in
            [("node", self.node), ("decode", self.decode), ("database", self.database)]
        {
            let mut labels = labels();
            labels.push(Label::new("for", part));
            metrics::gauge!("indexer_backfill_waited_seconds", labels).set(waited.as_secs_f64());
        }
        if self.told.elapsed() >= TELL || self.height >= self.target {
            self.told = Instant::now();
            self.tell(rate);
        }
    }

    /// As its next commit, up to `height` with `logs` more, leaves it.
    pub(crate) fn row(&self, logs: u64) -> index_progress::Progress {
        index_progress::Progress {
            base: self.base,
            target: self.target,
            logs: self.logs + logs,
            node: self.node,
            decode: self.decode,
            database: self.database,
            started_at: self.started_at,
            updated_at: self.started_at,
        }
    }

    fn percent(&self) -> f64 {
        let whole = self.target.saturating_sub(self.base).max(1) as f64;
        100.0 * self.height.saturating_sub(self.base) as f64 / whole
    }

    /// Logs per second of the run so far.
    fn rate(&self) -> f64 {
        self.logs as f64 / self.started.elapsed().as_secs_f64().max(1e-3)
    }

    fn eta(&self) -> Duration {
        let done = self.height.saturating_sub(self.base).max(1) as f64;
        let left = self.target.saturating_sub(self.height) as f64;
        self.started.elapsed().mul_f64((left / done).min(1e9))
    }

    fn tell(&self, rate: f64) {
        let seconds = |time: Duration| (time.as_secs_f64() * 10.0).round() / 10.0;
        tracing::info!(
            chain.id = %self.chain,
            block = self.height,
            target = self.target,
            percent = (self.percent() * 10.0).round() / 10.0,
            logs = self.logs,
            logs_per_second = rate.round(),
            eta_s = seconds(self.eta()),
            waited_node_s = seconds(self.node),
            waited_decode_s = seconds(self.decode),
            waited_database_s = seconds(self.database),
            "settled blocks are being indexed"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_told_apart() {
        let mut progress = Progress::new(ChainId(1), 100, 300);
        let seconds = Duration::from_secs;
        progress.note_wait(seconds(4), seconds(3), seconds(1));
        progress.note_commit(150, 1_000, seconds(2));
        assert_eq!((progress.node, progress.decode), (seconds(3), seconds(1)));
        assert_eq!(progress.database, seconds(2));
        assert_eq!(progress.percent().round(), 25.0);
        let row = progress.row(500);
        assert_eq!((row.base, row.target, row.logs), (100, 300, 1_500));
    }

    #[test]
    fn a_run_of_no_blocks_has_figures_too() {
        let progress = Progress::new(ChainId(1), 5, 5);
        assert_eq!(progress.percent(), 0.0);
        assert_eq!(progress.eta(), Duration::ZERO);
    }
}

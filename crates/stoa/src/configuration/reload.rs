//! What can be changed while a server runs: limits between callers, and which log lines are
//! written.
//!
//! On SIGHUP, and a moment after the file or one of its secrets' files has changed, all layers are
//! read again as at the start. Only a configuration without any fault is taken, and of it what can
//! be; the rest is named, and holds from the next start on.

use super::{Layers, LoadError, Loaded, Origin, show};
use ::limits::Limiter;
use runtime::LogFilter;
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{MissedTickBehavior, interval},
};

/// Between two looks at the file; a change counts when it has stood for one more.
const LOOK: Duration = Duration::from_secs(1);
/// Tables and options that are taken while the server runs.
const TAKEN: [&str; 2] = ["limits.", "telemetry.log"];

/// Keeps a running server as its configuration says.
#[derive(Debug)]
pub(crate) struct Reloader {
    layers: Layers,
    /// As it was at the start, but for what was taken since.
    holds: Loaded,
    logs: LogFilter,
    limiter: Option<Limiter>,
}

/// When a file was changed, how long it is, and which one it is: one that is exchanged is another.
/// None: it is not there.
pub(super) type Stamp = Option<(i64, i64, u64, u64)>;

pub(super) fn stamp(path: &Path) -> Stamp {
    let status = fs::metadata(path).ok()?;
    Some((status.mtime(), status.mtime_nsec(), status.len(), status.ino()))
}

/// Of the files that hold secrets, by where options were named.
pub(super) fn stamps_of_secrets(origins: &BTreeMap<String, Origin>) -> Vec<Stamp> {
    let secret = |origin: &Origin| match origin {
        Origin::Secret(path) => Some(path.clone()),
        _ => None,
    };
    let paths: BTreeSet<PathBuf> = origins.values().filter_map(secret).collect();
    paths.iter().map(|path| stamp(path)).collect()
}

impl Reloader {
    /// `limiter` is that of the API, where there is one.
    pub(crate) fn new(
        layers: Layers,
        holds: Loaded,
        logs: LogFilter,
        limiter: Option<Limiter>,
    ) -> Self {
        Self { layers, holds, logs, limiter }
    }

    /// Until `shutdown`. Without a file there is nothing to be read again.
    pub(crate) async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let Some(file) = self.layers.file.clone() else { return shutdown.await };
        tokio::select! {
            () = shutdown => {}
            () = self.follow(&file) => {}
        }
    }

    async fn follow(&mut self, file: &Path) {
        let mut hangup = hangups();
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What was read, and what was seen at the last look.
        let mut read = self.holds.stamps.clone();
        let mut last = read.clone();
        loop {
            let told = tokio::select! {
                () = next(&mut hangup) => true,
                _ = ticks.tick() => false,
            };
            let mut now = vec![stamp(file)];
            now.extend(stamps_of_secrets(&self.holds.origins));
            let settled = now == last && now != read;
            last.clone_from(&now);
            if told || settled {
                read = self
                    .reload(if told { "SIGHUP" } else { "the file has changed" })
                    .unwrap_or(now);
                last.clone_from(&read);
            }
        }
    }

    /// The stamps of what was read, if it was good.
    fn reload(&mut self, why: &str) -> Option<Vec<Stamp>> {
        let (outcome, stamps) = match self.layers.load() {
            Ok(loaded) => {
                let stamps = loaded.stamps.clone();
                (self.take(loaded, why), Some(stamps))
            }
            Err(LoadError::Faults { what, faults }) => {
                for fault in &faults {
                    tracing::error!(file = what, %fault, "the configuration is not reloaded");
                }
                ("refused", None)
            }
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::error!(error, "the configuration is not reloaded");
                ("refused", None)
            }
        };
        metrics::counter!("configuration_reloads_total", "outcome" => outcome).increment(1);
        metrics::gauge!("configuration_refused").set(f64::from(u8::from(outcome == "refused")));
        stamps
    }

    fn take(&mut self, loaded: Loaded, why: &str) -> &'static str {
        let changed = show::changed(&self.holds.settings, &loaded.settings);
        let taken = |name: &&String| TAKEN.iter().any(|part| name.starts_with(part));
        let (taken, left): (Vec<&String>, Vec<&String>) = changed.iter().partition(taken);
        loaded.log_warnings();
        if !left.is_empty() {
            tracing::warn!(options = ?left, "changed, but hold from the next start on only");
        }
        if taken.is_empty() {
            tracing::info!(why, "the configuration was read again: nothing to be taken");
            return "unchanged";
        }
        // Its filter was judged when it was read.
        if let Err(error) = self.logs.replace(&loaded.settings.telemetry.log) {
            tracing::error!(error = &error as &dyn Error, "the log stays as it is");
            return "refused";
        }
        if let Some(limiter) = &self.limiter {
            limiter.replace(loaded.settings.limits);
        }
        tracing::info!(why, options = ?taken, "the configuration was reloaded");
        self.holds.settings.limits = loaded.settings.limits;
        self.holds.settings.telemetry.log = loaded.settings.telemetry.log;
        self.holds.origins = loaded.origins;
        "taken"
    }
}

/// None where SIGHUP says that the terminal is gone: there it ends the process, as it always did.
fn hangups() -> Option<Signal> {
    if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        return None;
    }
    signal(SignalKind::hangup())
        .inspect_err(|error| tracing::warn!(%error, "SIGHUP can't be received"))
        .ok()
}

async fn next(signals: &mut Option<Signal>) {
    let told = match signals {
        Some(signals) => signals.recv().await,
        None => None,
    };
    if told.is_none() {
        std::future::pending::<()>().await;
    }
}

//! What can be changed while a server runs: limits between callers, and which log lines are
//! written.
//!
//! On SIGHUP, and a moment after the file or one of its secrets' files has changed, all layers are
//! read again as at the start. Only a configuration without any fault is taken, and of it what can
//! be; the rest is named, and holds from the next start on. What is taken is recorded for the audit
//! log first.

use super::{Layers, LoadError, Loaded, Origin, show};
use ::limits::Limiter;
use app::{Beside, By, Decision};
use db::{Db, DbError};
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
    db: Db,
}

/// What became of a look at the configuration.
enum Looked {
    /// It holds as it was read then.
    Good(Vec<Stamp>),
    /// Nothing of it is taken until it changes again.
    Refused,
    /// It could not be recorded, and is looked at again.
    Unrecorded,
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
        db: Db,
    ) -> Self {
        Self { layers, holds, logs, limiter, db }
    }

    /// Until `shutdown`. Without a file there is nothing to be read again.
    pub(crate) async fn run(mut self, shutdown: impl Future<Output = ()>) {
        metrics::gauge!("configuration_refused").set(0.0);
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
                match self.reload(if told { "SIGHUP" } else { "the file has changed" }).await {
                    Looked::Good(stamps) => read = stamps,
                    Looked::Refused => read = now,
                    Looked::Unrecorded => continue,
                }
                last.clone_from(&read);
            }
        }
    }

    async fn reload(&mut self, why: &str) -> Looked {
        let (outcome, looked) = match self.layers.load() {
            Ok(loaded) => {
                let stamps = loaded.stamps.clone();
                match self.take(loaded, why).await {
                    "unrecorded" => ("unrecorded", Looked::Unrecorded),
                    outcome => (outcome, Looked::Good(stamps)),
                }
            }
            Err(LoadError::Faults { what, faults }) => {
                for fault in &faults {
                    tracing::error!(file = what, %fault, "the configuration is not reloaded");
                }
                ("refused", Looked::Refused)
            }
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::error!(error, "the configuration is not reloaded");
                ("refused", Looked::Refused)
            }
        };
        metrics::counter!("configuration_reloads_total", "outcome" => outcome).increment(1);
        metrics::gauge!("configuration_refused").set(f64::from(u8::from(outcome == "refused")));
        looked
    }

    /// What is to be taken, for the audit log: no more than `config show` tells.
    async fn record(&self, loaded: &Loaded, why: &str, taken: &[&String]) -> Result<(), DbError> {
        let before = show::told(&self.holds.settings, taken);
        let mut after = show::told(&loaded.settings, taken);
        after["why"] = why.into();
        let file = self.layers.file.as_ref().map(|path| path.display().to_string());
        let (by, deed) = (By::Server, Beside::ChangeConfiguration.into());
        let about = ("configuration", file.unwrap_or_default());
        let decision = Decision { by, deed, about, act: "reloaded", chain_id: None, before, after };
        journal::record(&mut *self.db.acquire().await?, &[decision.fact()]).await
    }

    async fn take(&mut self, loaded: Loaded, why: &str) -> &'static str {
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
        if let Err(error) = self.record(&loaded, why, &taken).await {
            let error = &error as &dyn Error;
            tracing::error!(error, "it can't be recorded: the configuration is not reloaded yet");
            return "unrecorded";
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

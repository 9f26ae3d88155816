//! `[telemetry]`: what the server tells of itself.

use super::{
    Settings,
    option::{Kind::Filter, Opt, option},
};

/// What is told, and to whom.
#[derive(Clone, Debug)]
pub(crate) struct TelemetrySettings {
    /// Which log lines are written.
    pub log: String,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self { log: "info".to_owned() }
    }
}

pub(super) fn options() -> Vec<Opt<Settings>> {
    vec![option!("log", Filter,
        "which log lines are written; `--log` and `STOA_LOG` stand above it. Reloaded",
        s => s.telemetry.log)]
}

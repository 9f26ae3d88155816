//! The states of a job that ends on chain. One set for mints, deployments and transactions.
//!
//! ```text
//! queued → reserved → submitted ⇄ unknown
//!                         ↓ ↑ (reorg)
//!                     tentative → auditable → final
//! ```
//! `failed`, `expired` and `cancelled` are ends too. `unknown` means that the bytes were handed to
//! a node and the answer was lost: it is never treated as failure.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    Queued,
    Reserved,
    Submitted,
    Unknown,
    Tentative,
    Auditable,
    Final,
    Failed,
    Expired,
    Cancelled,
}

/// Text that names no status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a job status")]
pub struct UnknownStatus(pub String);

impl JobStatus {
    pub const ALL: [JobStatus; 10] = [
        Self::Queued,
        Self::Reserved,
        Self::Submitted,
        Self::Unknown,
        Self::Tentative,
        Self::Auditable,
        Self::Final,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Reserved => "reserved",
            Self::Submitted => "submitted",
            Self::Unknown => "unknown",
            Self::Tentative => "tentative",
            Self::Auditable => "auditable",
            Self::Final => "final",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// No later state will follow, whatever the chain does.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Final | Self::Failed | Self::Expired | Self::Cancelled)
    }

    /// The effect stands on the canonical chain.
    #[must_use]
    pub const fn is_mined(self) -> bool {
        matches!(self, Self::Tentative | Self::Auditable | Self::Final)
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for JobStatus {
    type Err = UnknownStatus;

    fn from_str(s: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == s)
            .ok_or_else(|| UnknownStatus(s.chars().take(32).collect()))
    }
}

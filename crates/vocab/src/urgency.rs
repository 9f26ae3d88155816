//! How much a transaction may pay to be mined soon.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How soon a transaction should be mined, within its fee cap.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    Low,
    #[default]
    Normal,
    High,
    Urgent,
}

/// Text that names no urgency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an urgency")]
pub struct UnknownUrgency(pub String);

impl Urgency {
    /// From the least to the most.
    pub const ALL: [Urgency; 4] = [Self::Low, Self::Normal, Self::High, Self::Urgent];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
}

impl fmt::Display for Urgency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Urgency {
    type Err = UnknownUrgency;

    fn from_str(s: &str) -> Result<Self, UnknownUrgency> {
        Self::ALL
            .into_iter()
            .find(|urgency| urgency.as_str() == s)
            .ok_or_else(|| UnknownUrgency(s.chars().take(32).collect()))
    }
}

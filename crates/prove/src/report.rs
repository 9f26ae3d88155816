//! What a proof found.

use crate::quantile::Quantiles;
use serde::Serialize;
use std::time::Duration;

/// The last line of a proof, as one JSON object.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub prove: &'static str,
    pub seed: u64,
    /// Kills, reorgs or faults.
    pub harms: u64,
    pub harm: &'static str,
    pub accepted: usize,
    /// Accepted jobs without effect on chain.
    pub lost: usize,
    /// Jobs with more than one effect.
    pub doubled: usize,
    /// Jobs that the engine does not call final though their effect is.
    pub stuck: usize,
    /// Answers of the API that no client should get for a good request.
    pub refused: usize,
    /// Of the first few of each of these kinds: which job, what was seen.
    pub examples: Vec<String>,
    /// From the harm to the API's next acceptance.
    pub accepting_again: Quantiles,
    /// From the harm to the first effect on chain of a job accepted after it; sampled.
    pub recovery: Quantiles,
    pub seconds: u64,
}

impl Report {
    #[must_use]
    pub fn new(prove: &'static str, harm: &'static str, seed: u64) -> Self {
        Self {
            prove,
            seed,
            harms: 0,
            harm,
            accepted: 0,
            lost: 0,
            doubled: 0,
            stuck: 0,
            refused: 0,
            examples: Vec::new(),
            accepting_again: Quantiles::default(),
            recovery: Quantiles::default(),
            seconds: 0,
        }
    }

    /// Everything accepted took effect once, and ended.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.accepted > 0 && self.lost + self.doubled + self.stuck + self.refused == 0
    }

    pub(crate) fn took(mut self, time: Duration) -> Self {
        self.seconds = time.as_secs();
        self
    }
}

//! What a proof found.

use crate::quantile::Quantiles;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What one run, or several added up, found. This is what is kept between runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Kills, reorgs or faults.
    pub harms: u64,
    pub accepted: usize,
    /// Accepted jobs without effect on chain.
    pub lost: usize,
    /// Jobs with more than one effect.
    pub doubled: usize,
    /// Jobs that the engine does not call final though their effect is, and storms after which the
    /// index did not reach the head.
    pub stuck: usize,
    /// Good requests that no retry got accepted.
    pub refused: usize,
    /// Storms after which the index was compared with a fresh one and equalled it.
    #[serde(default)]
    pub compared: u64,
    /// Those after which it did not.
    #[serde(default)]
    pub differing: u64,
    /// Runs that were done again because the node lost a part of its own chain.
    #[serde(default)]
    pub void: u64,
    /// The first few of these: which job, what was seen.
    pub examples: Vec<String>,
    /// From the harm to the API's next acceptance, in milliseconds.
    pub accepting_ms: Vec<u64>,
    /// From the harm to the first effect on chain of a job accepted after it, in milliseconds; of a
    /// sample of the harms. Of storms: from their end until the index stands at the head.
    pub recovery_ms: Vec<u64>,
    pub seconds: u64,
}

const EXAMPLES_MAX: usize = 10;

impl Found {
    /// Everything accepted took effect once, and ended; the index equalled a fresh one.
    #[must_use]
    pub fn holds(&self) -> bool {
        let wrong = self.lost + self.doubled + self.stuck + self.refused;
        (self.accepted > 0 || self.compared > 0) && wrong == 0 && self.differing == 0
    }

    /// Add what another run found.
    pub fn add(&mut self, other: Self) {
        self.harms += other.harms;
        self.accepted += other.accepted;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.stuck += other.stuck;
        self.refused += other.refused;
        self.compared += other.compared;
        self.differing += other.differing;
        self.void += other.void;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES_MAX);
        self.accepting_ms.extend(other.accepting_ms);
        self.recovery_ms.extend(other.recovery_ms);
        self.seconds += other.seconds;
    }

    pub(crate) fn took(mut self, time: Duration) -> Self {
        self.seconds = time.as_secs();
        self
    }
}

/// The last line of a proof, as one JSON object.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub prove: &'static str,
    pub seed: u64,
    pub runs: u64,
    /// What `harms` counts.
    pub harm: &'static str,
    pub harms: u64,
    pub accepted: usize,
    pub lost: usize,
    pub doubled: usize,
    pub stuck: usize,
    pub refused: usize,
    pub compared: u64,
    pub differing: u64,
    pub void: u64,
    pub examples: Vec<String>,
    pub accepting_again: Quantiles,
    pub recovery: Quantiles,
    pub seconds: u64,
}

impl Report {
    #[must_use]
    pub fn new(
        (prove, harm): (&'static str, &'static str),
        seed: u64,
        runs: u64,
        f: Found,
    ) -> Self {
        Self {
            prove,
            seed,
            runs,
            harm,
            harms: f.harms,
            accepted: f.accepted,
            lost: f.lost,
            doubled: f.doubled,
            stuck: f.stuck,
            refused: f.refused,
            compared: f.compared,
            differing: f.differing,
            void: f.void,
            accepting_again: Quantiles::of(&f.accepting_ms),
            recovery: Quantiles::of(&f.recovery_ms),
            examples: f.examples,
            seconds: f.seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_holds_only_when_each_part_does() {
        let good = Found { accepted: 5, harms: 1, ..Found::default() };
        let bad = Found { doubled: 1, examples: vec!["2 times".into()], ..good.clone() };
        assert!(good.holds() && !bad.holds());
        let mut sum = good.clone();
        sum.add(good);
        assert!(sum.holds());
        sum.add(bad);
        assert!(!sum.holds());
        assert_eq!((sum.accepted, sum.harms, sum.doubled), (15, 3, 1));
        let storms = Found { harms: 3, compared: 3, ..Found::default() };
        assert!(storms.holds() && !Found { differing: 1, ..storms }.holds());
        assert!(!Found::default().holds(), "nothing done proves nothing");
    }
}

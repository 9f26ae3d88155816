//! What we know of an endpoint from how its calls ended. Pure: the time and chance come from the
//! caller.

mod breaker;
mod budget;
mod latency;
mod window;

pub(crate) use breaker::{Breaker, Pass};
pub(crate) use budget::Budget;
pub use budget::Rate;
pub(crate) use latency::Latency;
pub(crate) use window::Window;

use std::time::Duration;

/// How a call ended, as far as the endpoint is to be judged by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It answered, be it with a refusal.
    Answered,
    Failed,
    /// It wants to be asked less, and perhaps says when again.
    Limited(Option<Duration>),
}

#[derive(Clone, Debug)]
pub(crate) struct Health {
    pub window: Window,
    pub breaker: Breaker,
    pub latency: Latency,
    pub budget: Budget,
}

impl Health {
    pub fn new(rate: Option<Rate>) -> Self {
        Self {
            window: Window::default(),
            breaker: Breaker::default(),
            latency: Latency::default(),
            budget: Budget::new(rate),
        }
    }

    pub fn note(&mut self, outcome: Outcome, took: Duration, now: Duration, chance: f64) {
        match outcome {
            Outcome::Limited(retry_after) => self.budget.shrink(retry_after, now),
            Outcome::Answered | Outcome::Failed => {
                let good = outcome == Outcome::Answered;
                self.window.note(good);
                self.breaker.note(good, now, chance);
                if good {
                    self.latency.note(took);
                }
            }
        }
    }

    /// Another endpoint, asked later, answered first: it was too slow, which is no failure for the
    /// breaker.
    pub fn overtaken(&mut self, after: Duration) {
        self.window.note(false);
        self.latency.note(after);
    }

    /// Between 0 and 1: share of good answers, less the slower they come (a half at one second).
    pub fn score(&self) -> f64 {
        (1.0 - self.window.error_rate()) / (1.0 + self.latency.mean().as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outcome(code: u8) -> Outcome {
        match code % 3 {
            0 => Outcome::Answered,
            1 => Outcome::Failed,
            _ => Outcome::Limited(None),
        }
    }

    proptest! {
        #[test]
        fn a_score_is_a_share_and_failures_lower_it(
            past in prop::collection::vec((any::<u8>(), 0u64..20_000), 0..100),
        ) {
            let mut health = Health::new(None);
            let mut now = Duration::ZERO;
            for (code, ms) in past {
                let took = Duration::from_millis(ms);
                now += took;
                let before = health.score();
                health.note(outcome(code), took, now, 0.5);
                let after = health.score();
                prop_assert!((0.0..=1.0).contains(&after));
                if outcome(code) == Outcome::Failed {
                    prop_assert!(after <= before);
                }
            }
        }
    }
}

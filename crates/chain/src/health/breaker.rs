//! A circuit breaker: an endpoint that only fails is left alone for a while, which doubles from
//! failure to failure, and then proves itself by one call.
//!
//! ```text
//! closed ── 5 failures in a row ──► open ── its time is over ──► half open (one probe)
//!    ▲                               ▲                               │
//!    └──────── the probe passed ─────┴───── the probe failed ────────┘
//! ```

use std::time::Duration;

/// Failures in a row that open it.
const FAILURES_MAX: u32 = 5;
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// Short, because one call in so much time costs nothing, and the way back is quick.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A probe of which nothing was heard for so long was given up by its caller.
const PROBE_MAX: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Duration },
    HalfOpen { since: Duration },
}

/// May a call be made?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    Yes,
    /// One, to see how the endpoint is.
    Probe,
    No,
}

/// Times are since any fixed moment.
#[derive(Clone, Debug)]
pub(crate) struct Breaker {
    state: State,
    /// How often in a row it opened.
    trips: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed { failures: 0 }, trips: 0 }
    }
}

impl Breaker {
    /// What [`Self::enter`] would say.
    pub fn pass(&self, now: Duration) -> Pass {
        match self.state {
            State::Closed { .. } => Pass::Yes,
            State::Open { until } if now >= until => Pass::Probe,
            State::HalfOpen { since } if now >= since + PROBE_MAX => Pass::Probe,
            State::Open { .. } | State::HalfOpen { .. } => Pass::No,
        }
    }

    /// Ask for leave to make a call. A probe's leave is given once.
    pub fn enter(&mut self, now: Duration) -> Pass {
        let pass = self.pass(now);
        if pass == Pass::Probe {
            self.state = State::HalfOpen { since: now };
        }
        pass
    }

    /// Note how a call ended, whoever made it. `chance` lies in 0..1 and spreads the pauses.
    pub fn note(&mut self, good: bool, now: Duration, chance: f64) {
        if good {
            *self = Self::default();
            return;
        }
        self.state = match self.state {
            State::Closed { failures } if failures + 1 < FAILURES_MAX => {
                State::Closed { failures: failures + 1 }
            }
            // Calls begun before it opened end now: they tell nothing new.
            State::Open { until } => State::Open { until },
            State::Closed { .. } | State::HalfOpen { .. } => {
                self.trips = self.trips.saturating_add(1);
                State::Open { until: now + pause(self.trips, chance) }
            }
        };
    }
}

/// Between three quarters of the doubling pause and all of it.
fn pause(trips: u32, chance: f64) -> Duration {
    let whole = PAUSE_MIN.saturating_mul(1 << trips.saturating_sub(1).min(16)).min(PAUSE_MAX);
    whole.mul_f64(0.75 + 0.25 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn it_opens_probes_and_closes() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            breaker.note(false, MS, 1.0);
            assert_eq!(breaker.enter(MS), Pass::Yes);
        }
        breaker.note(false, MS, 1.0);
        assert_eq!(breaker.enter(250 * MS), Pass::No);
        assert_eq!(breaker.enter(251 * MS), Pass::Probe);
        assert_eq!(breaker.enter(251 * MS), Pass::No, "one probe at a time");
        breaker.note(false, 300 * MS, 1.0);
        assert_eq!(breaker.pass(799 * MS), Pass::No, "twice as long");
        assert_eq!(breaker.enter(800 * MS), Pass::Probe);
        breaker.note(true, 801 * MS, 1.0);
        assert_eq!(breaker.enter(801 * MS), Pass::Yes);
    }

    #[test]
    fn a_forgotten_probe_does_not_shut_it_for_ever() {
        let mut breaker = Breaker::default();
        (0..5).for_each(|_| breaker.note(false, MS, 0.0));
        assert_eq!(breaker.enter(1_000 * MS), Pass::Probe);
        assert_eq!(breaker.enter(15_999 * MS), Pass::No);
        assert_eq!(breaker.enter(16_000 * MS), Pass::Probe);
    }

    proptest! {
        /// Whatever happens: it opens only after failures, never rests longer than the longest
        /// pause, and one good call closes it.
        #[test]
        fn it_never_shuts_for_long(
            steps in prop::collection::vec((any::<bool>(), any::<bool>(), 0u64..8_000, 0f64..1.0), 0..200),
        ) {
            let mut breaker = Breaker::default();
            let mut now = Duration::ZERO;
            let mut in_a_row = 0;
            for (ask, good, wait, chance) in steps {
                now += Duration::from_millis(wait);
                if ask {
                    let probing = breaker.pass(now) == Pass::Probe;
                    prop_assert_eq!(breaker.enter(now) == Pass::Probe, probing);
                    prop_assert!(!probing || breaker.enter(now) == Pass::No);
                } else {
                    breaker.note(good, now, chance);
                    in_a_row = if good { 0 } else { in_a_row + 1 };
                }
                if in_a_row < 5 {
                    prop_assert_eq!(breaker.pass(now), Pass::Yes);
                }
                let later = now + PAUSE_MAX.max(PROBE_MAX);
                prop_assert!(breaker.pass(later) != Pass::No);
            }
            breaker.note(true, now, 0.5);
            prop_assert_eq!(breaker.pass(now), Pass::Yes);
        }
    }
}

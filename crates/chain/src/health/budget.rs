//! How much we may ask of an endpoint: a token bucket that shrinks when the endpoint says that it
//! is too much, and grows back slowly.

use std::time::Duration;

/// What an endpoint allows. One element of a batch counts as one call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Calls per second, above 0.
    pub per_second: f64,
    /// Calls at once, at least 1.
    pub burst: f64,
}

/// Pause when the endpoint names none.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest pause that we grant at its word; after it we look again.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Never less than this, calls per second.
const RATE_MIN: f64 = 1.0;
/// Growth back per second, of what it is.
const GROWTH: f64 = 1.05;
/// And at least so much, calls per second per second: a rate that was seen when little was asked
/// tells little of what may be.
const GROWTH_MIN: f64 = 0.5;
/// An endpoint without a configured rate counts as unlimited again from here on.
const RATE_FREE: f64 = 2_000.0;

/// Times are since any fixed moment, and do not fall.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    configured: Option<Rate>,
    /// Calls per second at present; none is no limit.
    rate: Option<f64>,
    tokens: f64,
    at: Duration,
    paused_until: Duration,
    /// Refusals until then were on their way when the first was heard.
    heard_until: Duration,
    /// Calls made since `second`, and in the second before.
    second: Duration,
    made: f64,
    made_before: f64,
}

impl Budget {
    pub fn new(configured: Option<Rate>) -> Self {
        Self {
            configured,
            rate: configured.map(|rate| rate.per_second.max(RATE_MIN / 1_000.0)),
            tokens: configured.map_or(0.0, |rate| rate.burst.max(1.0)),
            at: Duration::ZERO,
            paused_until: Duration::ZERO,
            heard_until: Duration::ZERO,
            second: Duration::ZERO,
            made: 0.0,
            made_before: 0.0,
        }
    }

    /// Take leave for `calls`, or learn how long to wait. More than a burst is granted when the
    /// bucket is full, and owed.
    pub fn take(&mut self, calls: u32, now: Duration) -> Result<(), Duration> {
        self.refill(now);
        let pause = self.paused_until.saturating_sub(now);
        if !pause.is_zero() {
            return Err(pause);
        }
        let calls = f64::from(calls);
        if let Some(rate) = self.rate {
            let needed = calls.min(self.burst());
            if self.tokens < needed {
                let wait = Duration::from_secs_f64((needed - self.tokens) / rate);
                return Err(wait.max(Duration::from_millis(1)));
            }
            self.tokens -= calls;
        }
        self.count(calls, now);
        Ok(())
    }

    /// How long from now until it may be asked again: the endpoint's wish, or an empty bucket.
    pub fn wait(&self, now: Duration) -> Duration {
        let pause = self.paused_until.saturating_sub(now);
        let Some(rate) = self.rate else { return pause };
        let passed = now.saturating_sub(self.at).as_secs_f64();
        let tokens = (self.tokens + passed * rate).min(self.burst());
        pause.max(Duration::from_secs_f64(((1.0 - tokens) / rate).clamp(0.0, 3_600.0)))
    }

    /// The endpoint said that we ask too much, and perhaps when to come again.
    pub fn shrink(&mut self, retry_after: Option<Duration>, now: Duration) {
        self.refill(now);
        let first = now >= self.heard_until;
        let pause = retry_after.unwrap_or(PAUSE).min(PAUSE_MAX);
        self.paused_until = self.paused_until.max(now + pause);
        // Many calls in flight hear the same no: it counts once.
        if first {
            self.heard_until = now + pause.max(PAUSE);
            let seen = self.made.max(self.made_before).max(2.0 * RATE_MIN);
            let floor = RATE_MIN.min(self.configured.map_or(RATE_MIN, |rate| rate.per_second));
            self.rate = Some((self.rate.unwrap_or(seen) / 2.0).max(floor));
            self.tokens = self.tokens.min(1.0);
        }
    }

    /// Calls that are granted and paid for within `time` when nothing else is asked, at least one;
    /// none is no limit.
    pub fn bears(&self, time: Duration) -> Option<u32> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        self.rate.map(|rate| (rate * time.as_secs_f64()).clamp(1.0, 1e6) as u32)
    }

    /// Calls per second at present; none is no limit.
    pub fn rate(&self) -> Option<f64> {
        self.rate
    }

    fn burst(&self) -> f64 {
        match (self.configured, self.rate) {
            (Some(rate), _) => rate.burst.max(1.0),
            (None, Some(rate)) => rate.max(1.0),
            (None, None) => f64::INFINITY,
        }
    }

    /// What time has given back.
    pub fn refill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = self.at.max(now);
        let Some(rate) = self.rate else { return };
        self.tokens = (self.tokens + passed * rate).min(self.burst());
        if now < self.paused_until {
            return;
        }
        let passed = passed.min(600.0);
        let grown = (rate * GROWTH.powf(passed)).max(rate + GROWTH_MIN * passed);
        self.rate = match self.configured {
            Some(configured) => Some(grown.min(configured.per_second)),
            None => Some(grown).filter(|rate| *rate < RATE_FREE),
        };
    }

    fn count(&mut self, calls: f64, now: Duration) {
        let passed = now.saturating_sub(self.second);
        if passed >= Duration::from_secs(1) {
            self.made_before = if passed < Duration::from_secs(2) { self.made } else { 0.0 };
            (self.made, self.second) = (0.0, now);
        }
        self.made += calls;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_bucket_is_spent_and_fills_again() {
        let mut budget = Budget::new(Some(Rate { per_second: 10.0, burst: 5.0 }));
        assert_eq!(budget.take(5, at(0)), Ok(()));
        assert_eq!(budget.take(1, at(0)), Err(at(100)));
        assert_eq!(budget.take(1, at(100)), Ok(()));
        // A batch longer than the burst goes out on a full bucket, and is paid for afterwards.
        assert_eq!(budget.take(20, at(600)), Ok(()));
        assert_eq!(budget.take(1, at(600)), Err(at(1_600)));
        assert_eq!(Budget::new(None).take(1_000_000, at(0)), Ok(()));
    }

    #[test]
    fn a_refusal_shrinks_it_and_pauses_it_once() {
        let mut budget = Budget::new(Some(Rate { per_second: 100.0, burst: 100.0 }));
        budget.shrink(Some(at(3_000)), at(0));
        budget.shrink(None, at(10));
        assert_eq!(budget.rate(), Some(50.0));
        assert_eq!(budget.take(1, at(1_000)), Err(at(2_000)));
        assert_eq!(budget.take(1, at(3_000)), Ok(()));
        budget.shrink(Some(Duration::from_secs(86_400)), at(4_000));
        assert!(budget.wait(at(4_000)) <= PAUSE_MAX, "no endpoint is left for a day");
        assert_eq!(budget.take(1, at(64_000)), Ok(()));
        assert_eq!(budget.take(1, at(600_000)), Ok(()));
        assert_eq!(budget.rate(), Some(100.0), "back at what is configured, not above");
    }

    #[test]
    fn refusals_without_a_pause_count_once_and_little_grows_soon() {
        let mut budget = Budget::new(None);
        (0..64).for_each(|_| budget.take(1, at(500)).unwrap());
        for ms in [900, 901, 950, 1_899] {
            budget.shrink(Some(Duration::ZERO), at(ms));
        }
        assert!(budget.rate().is_some_and(|rate| rate > 31.0), "{:?}", budget.rate());
        budget.shrink(Some(Duration::ZERO), at(1_900));
        assert!(budget.rate().is_some_and(|rate| rate < 20.0), "{:?}", budget.rate());
        let mut budget = Budget::new(None);
        budget.shrink(None, at(0));
        assert_eq!((budget.rate(), budget.bears(Duration::from_secs(5))), (Some(1.0), Some(5)));
        budget.take(1, at(9_000)).unwrap();
        assert!(budget.rate().is_some_and(|rate| rate >= 4.9), "{:?}", budget.rate());
        assert_eq!(Budget::new(None).bears(Duration::from_secs(5)), None);
    }

    #[test]
    fn an_endpoint_without_a_rate_gets_one_when_it_complains() {
        let mut budget = Budget::new(None);
        (0..80).for_each(|_| budget.take(1, at(500)).unwrap());
        budget.shrink(None, at(900));
        assert_eq!(budget.rate(), Some(40.0));
        assert!(budget.take(1, at(200_000)).is_ok());
        assert_eq!(budget.rate(), None, "forgotten in the end");
    }

    proptest! {
        /// Never more than burst + rate × time + one batch, whatever is asked when.
        #[test]
        fn it_keeps_the_rate(
            asks in prop::collection::vec((0u64..500, 1u32..30, any::<bool>()), 1..200),
        ) {
            let rate = Rate { per_second: 20.0, burst: 10.0 };
            let mut budget = Budget::new(Some(rate));
            let (mut now, mut made, mut largest) = (Duration::ZERO, 0.0, 0.0f64);
            for (wait, calls, refused) in asks {
                now += at(wait);
                match budget.take(calls, now) {
                    Ok(()) => {
                        made += f64::from(calls);
                        largest = largest.max(f64::from(calls));
                    }
                    Err(wait) => {
                        prop_assert!(!wait.is_zero());
                        prop_assert!(wait <= PAUSE_MAX);
                    }
                }
                if refused {
                    budget.shrink(None, now);
                }
                let allowed = rate.burst + rate.per_second * now.as_secs_f64() + largest;
                prop_assert!(made <= allowed + 1e-6, "{made} above {allowed}");
            }
        }
    }
}

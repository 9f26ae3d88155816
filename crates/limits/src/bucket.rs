//! The rule of a bucket. Pure.

use std::time::Duration;

/// So many units at once, and as many again in each window. Without units there is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    pub units: u32,
    pub window: Duration,
}

impl Quota {
    /// Microseconds in which one unit comes back.
    pub(crate) fn interval(self) -> u64 {
        let window = u64::try_from(self.window.as_micros()).unwrap_or(u64::MAX / 2);
        (window / u64::from(self.units.max(1))).max(1)
    }

    /// Microseconds in which an empty bucket is full again.
    pub(crate) fn depth(self) -> u64 {
        self.interval().saturating_mul(u64::from(self.units))
    }

    /// What is charged: more than a bucket holds could never be had.
    pub(crate) fn fitting(self, cost: u32) -> u32 {
        cost.min(self.units)
    }
}

/// What a charge came to. Times are microseconds from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charged {
    pub allowed: bool,
    /// Until the bucket is full.
    pub full_in: u64,
}

/// Take `cost` units at `now` from a bucket that is full at `full_at`, if they are there. Gives
/// when it is full afterwards.
pub(crate) fn charge(quota: Quota, cost: u32, now: u64, full_at: u64) -> (Charged, u64) {
    // A clock that went back must not lock anybody out for longer than an empty bucket does.
    let missing = full_at.saturating_sub(now).min(quota.depth());
    let after = missing + quota.interval() * u64::from(quota.fitting(cost));
    let allowed = after <= quota.depth();
    let full_in = if allowed { after } else { missing };
    (Charged { allowed, full_in }, now + full_in)
}

impl Charged {
    /// Whole units that are left.
    pub(crate) fn remaining(self, quota: Quota) -> u32 {
        let left = (quota.depth() - self.full_in.min(quota.depth())) / quota.interval();
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    /// How long to wait until `cost` units are there.
    pub(crate) fn wait(self, quota: Quota, cost: u32) -> Duration {
        let wanted = self.full_in + quota.interval() * u64::from(quota.fitting(cost));
        Duration::from_micros(wanted.saturating_sub(quota.depth()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const QUOTA: Quota = Quota { units: 10, window: Duration::from_secs(10) };
    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_bucket_empties_and_fills() {
        let mut full_at = 0;
        let mut now = 5 * SECOND;
        let mut take = |cost: u32, now: u64| {
            let (charged, after) = charge(QUOTA, cost, now, full_at);
            full_at = after;
            let wait = if charged.allowed { 0 } else { charged.wait(QUOTA, cost).as_millis() };
            (charged.allowed, charged.remaining(QUOTA), wait)
        };
        assert_eq!(take(1, now), (true, 9, 0));
        assert_eq!(take(9, now), (true, 0, 0));
        assert_eq!(take(1, now), (false, 0, 1_000));
        now += SECOND / 2;
        assert_eq!(take(1, now), (false, 0, 500));
        now += SECOND / 2;
        assert_eq!(take(1, now), (true, 0, 0));
        now += 100 * SECOND;
        assert_eq!(take(4, now), (true, 6, 0), "it never holds more than its units");
        assert_eq!(take(1_000, now), (false, 6, 4_000), "as much as it can ever hold");
        now += 4 * SECOND;
        assert_eq!(take(1_000, now), (true, 0, 0));
    }

    #[test]
    fn a_clock_that_goes_back_locks_nobody_out() {
        let (charged, _) = charge(QUOTA, 1, SECOND, 1_000_000 * SECOND);
        assert!(!charged.allowed);
        assert_eq!(charged.wait(QUOTA, 1), Duration::from_secs(1));
    }

    proptest! {
        /// Over any time no more is allowed than the bucket held, and what came back meanwhile.
        #[test]
        fn never_more_than_the_bucket_and_what_came_back(
            units in 1..1_000_u32, millis in 1..100_000_u64,
            charges in proptest::collection::vec((0..3_000_000_u64, 0..2_000_u32), 1..200),
        ) {
            let quota = Quota { units, window: Duration::from_millis(millis) };
            let (mut now, mut full_at, mut taken) = (SECOND, 0, 0_u64);
            let start = now;
            for (pause, cost) in charges {
                now += pause;
                let (charged, after) = charge(quota, cost, now, full_at);
                full_at = after;
                if charged.allowed {
                    taken += u64::from(quota.fitting(cost));
                }
                prop_assert!(charged.remaining(quota) <= units);
                prop_assert!(charged.wait(quota, cost).as_micros() <= u128::from(quota.depth()));
                prop_assert!(taken <= u64::from(units) + (now - start) / quota.interval());
            }
        }
    }
}

//! What a sponsor may still spend. Amounts in wei of gas; a day is one of UTC, that of acceptance.
//!
//! The most that a request can cost is counted as used when it is accepted, and what it did cost
//! takes its place when that is known.

use vocab::U256;

/// What a sponsor allows at most, or has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub day_wei: U256,
    pub total_wei: U256,
    pub user_day_wei: U256,
    pub user_day_requests: u32,
}

/// Reserved or paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub day_wei: U256,
    /// Requests of all users on the day.
    pub day_requests: u32,
    pub total_wei: U256,
    pub user_day_wei: U256,
    pub user_day_requests: u32,
}

/// Which limit would be passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Over {
    #[error("the user's requests of today")]
    UserRequests,
    #[error("the user's budget of today")]
    UserDay,
    #[error("the sponsor's budget of today")]
    Day,
    #[error("the sponsor's budget")]
    Total,
}

impl Used {
    /// Count a request that may cost this much.
    ///
    /// # Errors
    /// [`Over`]: nothing of it is counted.
    pub fn reserve(self, limits: &Limits, cost: U256) -> Result<Self, Over> {
        let within = |used: U256, limit: U256, over: Over| {
            used.checked_add(cost).filter(|sum| *sum <= limit).ok_or(over)
        };
        let user_day_requests = self.user_day_requests.saturating_add(1);
        if user_day_requests > limits.user_day_requests {
            return Err(Over::UserRequests);
        }
        Ok(Self {
            user_day_wei: within(self.user_day_wei, limits.user_day_wei, Over::UserDay)?,
            day_wei: within(self.day_wei, limits.day_wei, Over::Day)?,
            total_wei: within(self.total_wei, limits.total_wei, Over::Total)?,
            day_requests: self.day_requests.saturating_add(1),
            user_day_requests,
        })
    }

    /// What was reserved for a request gives way to what it cost. It stays counted as a request.
    #[must_use]
    pub fn settle(self, reserved: U256, cost: U256) -> Self {
        let replaced = |used: U256| used.saturating_sub(reserved).saturating_add(cost);
        Self {
            day_wei: replaced(self.day_wei),
            total_wei: replaced(self.total_wei),
            user_day_wei: replaced(self.user_day_wei),
            ..self
        }
    }

    /// What is left.
    #[must_use]
    pub fn left(&self, limits: &Limits) -> Limits {
        Limits {
            day_wei: limits.day_wei.saturating_sub(self.day_wei),
            total_wei: limits.total_wei.saturating_sub(self.total_wei),
            user_day_wei: limits.user_day_wei.saturating_sub(self.user_day_wei),
            user_day_requests: limits.user_day_requests.saturating_sub(self.user_day_requests),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wei(amount: u64) -> U256 {
        U256::from(amount)
    }

    #[test]
    fn the_limit_that_is_passed_is_named() {
        let limits = Limits {
            day_wei: wei(100),
            total_wei: wei(150),
            user_day_wei: wei(50),
            user_day_requests: 2,
        };
        let fresh = Used::default();
        assert_eq!(fresh.reserve(&limits, wei(51)), Err(Over::UserDay));
        assert_eq!(fresh.reserve(&limits, U256::MAX), Err(Over::UserDay));
        let day = Used { day_wei: wei(60), ..fresh };
        assert_eq!(day.reserve(&limits, wei(41)), Err(Over::Day));
        let total = Used { total_wei: wei(150), ..fresh };
        assert_eq!(total.reserve(&limits, wei(1)), Err(Over::Total));
        let often = Used { user_day_requests: 2, ..fresh };
        assert_eq!(often.reserve(&limits, U256::ZERO), Err(Over::UserRequests));
        let full = Used { total_wei: U256::MAX, ..fresh };
        let unlimited = Limits { total_wei: U256::MAX, ..limits };
        assert_eq!(full.reserve(&unlimited, wei(1)), Err(Over::Total));
        assert_eq!(fresh.reserve(&Limits::default(), U256::ZERO), Err(Over::UserRequests));
    }

    proptest! {
        /// Whatever is asked for and however much of it is paid: no limit is ever passed, and in
        /// the end exactly what was paid is counted.
        #[test]
        fn no_budget_is_ever_overspent(
            (day, total, user) in (0u64..10_000, 0u64..20_000, 0u64..5_000),
            requests in 0u32..40,
            steps in prop::collection::vec((0u64..3_000, 0u64..=100, any::<bool>()), 0..200),
        ) {
            let limits = Limits {
                day_wei: wei(day), total_wei: wei(total), user_day_wei: wei(user),
                user_day_requests: requests,
            };
            let (mut used, mut open, mut paid, mut accepted) =
                (Used::default(), Vec::new(), U256::ZERO, 0u32);
            let mut close = |used: &mut Used, (reserved, share): (u64, u64)| {
                let cost = wei(reserved * share / 100);
                *used = used.settle(wei(reserved), cost);
                paid += cost;
            };
            for (cost, share, first) in steps {
                if first && let Some(oldest) = open.pop() {
                    close(&mut used, oldest);
                }
                if let Ok(after) = used.reserve(&limits, wei(cost)) {
                    used = after;
                    accepted += 1;
                    open.push((cost, share));
                }
                prop_assert!(used.day_wei <= limits.day_wei);
                prop_assert!(used.total_wei <= limits.total_wei);
                prop_assert!(used.user_day_wei <= limits.user_day_wei);
                prop_assert!(used.user_day_requests <= limits.user_day_requests);
            }
            for one in open {
                close(&mut used, one);
            }
            prop_assert_eq!((used.day_wei, used.total_wei, used.user_day_wei), (paid, paid, paid));
            prop_assert_eq!(used.user_day_requests, accepted);
        }
    }
}

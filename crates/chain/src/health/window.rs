//! The last outcomes of an endpoint, with hysteresis: it turns bad at 30 % failures and good again
//! at 10 %, so that one on the border does not go to and fro.

/// Outcomes remembered.
const LENGTH: u32 = 20;
/// Failures among them at which it turns bad, and good again.
const BAD_AT: u32 = 6;
const GOOD_AT: u32 = 2;

#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    /// One bit per outcome, the newest lowest; set for failures.
    failures: u32,
    bad: bool,
}

impl Window {
    pub fn note(&mut self, good: bool) {
        self.failures = ((self.failures << 1) | u32::from(!good)) & ((1 << LENGTH) - 1);
        let count = self.failures.count_ones();
        self.bad = if self.bad { count > GOOD_AT } else { count >= BAD_AT };
    }

    pub fn is_bad(&self) -> bool {
        self.bad
    }

    /// Share of failures among the last outcomes, 0 to 1. What was not asked yet counts as good.
    pub fn error_rate(&self) -> f64 {
        f64::from(self.failures.count_ones()) / f64::from(LENGTH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bad_at_thirty_per_cent_good_at_ten() {
        let mut window = Window::default();
        for failures in 1..=6 {
            assert!(!window.is_bad(), "{failures}");
            window.note(false);
        }
        assert!(window.is_bad());
        // The failures leave the window one by one from the 15th success on.
        for good in 1..=17 {
            window.note(true);
            assert!(window.is_bad(), "after {good} good ones");
        }
        window.note(true);
        assert!(!window.is_bad());
    }

    proptest! {
        #[test]
        fn it_turns_only_at_the_marks(outcomes in prop::collection::vec(any::<bool>(), 0..300)) {
            let mut window = Window::default();
            let mut bad = false;
            for (place, good) in outcomes.iter().enumerate() {
                window.note(*good);
                let last = &outcomes[(place + 1).saturating_sub(20)..=place];
                let failures = last.iter().filter(|good| !**good).count();
                bad = match failures {
                    0..=2 => false,
                    3..=5 => bad,
                    _ => true,
                };
                prop_assert_eq!(window.is_bad(), bad);
                prop_assert!((window.error_rate() - failures as f64 / 20.0).abs() < 1e-9);
            }
        }
    }
}

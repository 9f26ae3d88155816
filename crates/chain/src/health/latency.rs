//! How quickly an endpoint answers.

use std::{collections::VecDeque, time::Duration};

/// Answers remembered for the percentile.
const SAMPLES: usize = 64;
/// Fewer tell nothing about a percentile.
const SAMPLES_MIN: usize = 20;
/// Weight of a new answer in the mean, of 1.
const ALPHA: f64 = 0.2;

#[derive(Clone, Debug, Default)]
pub(crate) struct Latency {
    mean: Option<f64>,
    samples: VecDeque<Duration>,
}

impl Latency {
    pub fn note(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        self.mean = Some(self.mean.map_or(seconds, |mean| mean + ALPHA * (seconds - mean)));
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(took);
    }

    /// Exponentially weighted mean; zero before the first answer.
    pub fn mean(&self) -> Duration {
        Duration::from_secs_f64(self.mean.unwrap_or(0.0))
    }

    /// Nineteen of twenty answers came within this time; none while there are too few.
    pub fn p95(&self) -> Option<Duration> {
        if self.samples.len() < SAMPLES_MIN {
            return None;
        }
        let mut sorted: Vec<Duration> = self.samples.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get((sorted.len() * 95).div_ceil(100).saturating_sub(1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_percentile_needs_samples() {
        let mut latency = Latency::default();
        for ms in 1..20 {
            latency.note(Duration::from_millis(ms));
            assert_eq!(latency.p95(), None);
        }
        latency.note(Duration::from_millis(20));
        assert_eq!(latency.p95(), Some(Duration::from_millis(19)));
    }

    proptest! {
        #[test]
        fn mean_and_percentile_stay_among_the_samples(
            samples in prop::collection::vec(0u64..60_000, 1..200),
        ) {
            let mut latency = Latency::default();
            samples.iter().for_each(|ms| latency.note(Duration::from_millis(*ms)));
            let ms = |pick: Option<&u64>| Duration::from_millis(*pick.unwrap_or(&0));
            let slack = Duration::from_micros(1);
            prop_assert!(latency.mean() + slack >= ms(samples.iter().min()));
            prop_assert!(latency.mean() <= ms(samples.iter().max()) + slack);
            if let Some(p95) = latency.p95() {
                let last = &samples[samples.len().saturating_sub(SAMPLES)..];
                let within = last.iter().filter(|s| Duration::from_millis(**s) <= p95).count();
                prop_assert!(within * 100 >= last.len() * 95);
            }
        }
    }
}

//! Quantiles.

use serde::Serialize;

/// Of a set of times in milliseconds; nearest rank, all zero for an empty set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    pub count: usize,
    pub p50_ms: u64,
    pub p99_ms: u64,
    pub max_ms: u64,
}

impl Quantiles {
    #[must_use]
    pub fn of(times: &[u64]) -> Self {
        let mut times = times.to_vec();
        times.sort_unstable();
        let at = |per_cent: usize| {
            let rank = (times.len() * per_cent).div_ceil(100);
            times.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        Self { count: times.len(), p50_ms: at(50), p99_ms: at(99), max_ms: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_nearest() {
        let times: Vec<u64> = (1..=200).rev().collect();
        let expected = Quantiles { count: 200, p50_ms: 100, p99_ms: 198, max_ms: 200 };
        assert_eq!(Quantiles::of(&times), expected);
        assert_eq!(Quantiles::of(&[]), Quantiles::default());
    }
}

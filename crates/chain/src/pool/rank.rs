//! Which endpoint is asked first. Pure.

use std::{cmp::Reverse, time::Duration};

/// How an endpoint stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    Good,
    /// Its head is too far behind that of the others.
    Lagging,
    /// Too many of its last answers were failures.
    Failing,
    /// It asked to be left alone for a while.
    Limited,
    /// Left alone after failures in a row; one call may see whether it is back.
    Probing,
    /// Left alone after failures in a row.
    Resting,
    /// It names another block than the others at a height where they agree.
    Quarantined,
    /// It is of another chain.
    WrongChain,
}

impl State {
    pub const ALL: [Self; 8] = [
        Self::Good,
        Self::Lagging,
        Self::Failing,
        Self::Limited,
        Self::Probing,
        Self::Resting,
        Self::Quarantined,
        Self::WrongChain,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Lagging => "lagging",
            Self::Failing => "failing",
            Self::Limited => "limited",
            Self::Probing => "probing",
            Self::Resting => "resting",
            Self::Quarantined => "quarantined",
            Self::WrongChain => "wrong_chain",
        }
    }

    /// What it says is not believed.
    #[must_use]
    pub fn is_excluded(self) -> bool {
        matches!(self, Self::Quarantined | Self::WrongChain)
    }

    /// Better ones first; none is not asked at all.
    fn class(self) -> Option<u8> {
        match self {
            Self::Good => Some(0),
            Self::Lagging | Self::Failing => Some(1),
            Self::Limited => Some(2),
            Self::Probing => Some(3),
            Self::Resting | Self::Quarantined | Self::WrongChain => None,
        }
    }
}

/// What the choice looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub state: State,
    pub weight: u32,
    pub latency: Duration,
}

/// An endpoint this much slower than another of its weight goes behind it. A wide mark, so that
/// the order does not change with the weather.
const SLOWER: u32 = 4;
const SLOWER_BY: Duration = Duration::from_millis(100);

/// The endpoints that may be asked, best first: by state, then weight, then order of
/// configuration. So the preferred one is back in front as soon as it is well.
pub(crate) fn order(standings: &[Standing]) -> Vec<usize> {
    let slow = |one: &Standing| {
        standings.iter().any(|other| {
            other.state.class() == one.state.class()
                && other.weight == one.weight
                && one.latency > other.latency * SLOWER
                && one.latency > other.latency + SLOWER_BY
        })
    };
    let mut order: Vec<(usize, &Standing, u8)> = standings
        .iter()
        .enumerate()
        .filter_map(|(place, one)| Some((place, one, one.state.class()?)))
        .collect();
    order.sort_by_key(|(place, one, class)| (*class, Reverse(one.weight), slow(one), *place));
    order.into_iter().map(|(place, ..)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn standing(state: State, weight: u32, ms: u64) -> Standing {
        Standing { state, weight, latency: Duration::from_millis(ms) }
    }

    #[test]
    fn order_is_by_state_weight_and_place() {
        use State::{Failing, Good, Lagging, Limited, Probing, Quarantined, Resting, WrongChain};
        let cases: [(&[Standing], &[usize]); 7] = [
            (&[standing(Good, 1, 10), standing(Good, 1, 5)], &[0, 1]),
            (&[standing(Good, 1, 500), standing(Good, 1, 20)], &[1, 0]),
            (&[standing(Good, 2, 500), standing(Good, 1, 20)], &[0, 1]),
            (&[standing(Good, 1, 60), standing(Good, 1, 1)], &[0, 1]),
            (&[standing(Failing, 9, 1), standing(Good, 1, 900)], &[1, 0]),
            (
                &[
                    standing(Probing, 1, 1),
                    standing(Limited, 1, 1),
                    standing(Lagging, 1, 1),
                    standing(Resting, 1, 1),
                ],
                &[2, 1, 0],
            ),
            (&[standing(Quarantined, 1, 1), standing(WrongChain, 1, 1)], &[]),
        ];
        for (standings, expect) in cases {
            assert_eq!(order(standings), expect, "{standings:?}");
        }
    }

    proptest! {
        #[test]
        fn nobody_excluded_is_asked_and_the_good_go_first(
            all in prop::collection::vec((0usize..8, 0u32..3, 0u64..2_000), 0..9),
        ) {
            let all: Vec<Standing> =
                all.into_iter().map(|(s, w, ms)| standing(State::ALL[s], w, ms)).collect();
            let order = order(&all);
            let may = all.iter().filter(|one| one.state.class().is_some()).count();
            prop_assert_eq!(order.len(), may);
            prop_assert!(order.iter().all(|place| !all[*place].state.is_excluded()));
            let sorted = order.windows(2).all(|p| {
                let (a, b) = (all[p[0]], all[p[1]]);
                (a.state.class(), Reverse(a.weight)) <= (b.state.class(), Reverse(b.weight))
            });
            prop_assert!(sorted);
        }
    }
}

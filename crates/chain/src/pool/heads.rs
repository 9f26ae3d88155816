//! What the heads of several endpoints say together. Pure.

use std::{collections::BTreeMap, time::Duration};
use vocab::B256;

/// The head that counts. Of three or more endpoints the second highest, since one alone may name
/// any number; of fewer the highest.
pub(crate) fn agreed_head(heads: &[u64]) -> Option<u64> {
    let mut heads = heads.to_vec();
    heads.sort_unstable_by(|a, b| b.cmp(a));
    heads.get(usize::from(heads.len() >= 3)).copied()
}

/// The highest block that readers have been shown. While anybody could show it again, no endpoint
/// below it is asked, so that readers do not see the chain shrink. A chain that did shrink (all
/// endpoints stay below for a while) takes it down.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Floor {
    height: u64,
    /// When it was last reached.
    at: Duration,
}

impl Floor {
    pub fn note(&mut self, head: u64, now: Duration, patience: Duration) {
        if head >= self.height || now.saturating_sub(self.at) > patience {
            *self = Self { height: head, at: now };
        }
    }

    /// Lowest head that may be shown.
    pub fn height(&self, now: Duration, patience: Duration) -> u64 {
        if now.saturating_sub(self.at) > patience { 0 } else { self.height }
    }
}

/// Which endpoints name the wrong block at one height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All that answered agree.
    Agreed,
    /// Those at these places are wrong.
    Wrong(Vec<usize>),
    /// They differ, and nothing tells who is right.
    Open,
}

/// Judge hashes of one height. More than half of the answers decide; else our own header, when
/// somebody shares it.
pub(crate) fn judge(hashes: &[(usize, B256)], ours: Option<B256>) -> Verdict {
    let mut votes: BTreeMap<B256, usize> = BTreeMap::new();
    for (_, hash) in hashes {
        *votes.entry(*hash).or_default() += 1;
    }
    if votes.len() <= 1 {
        return Verdict::Agreed;
    }
    let majority =
        votes.iter().find(|(_, count)| **count * 2 > hashes.len()).map(|(hash, _)| *hash);
    let Some(right) = majority.or(ours.filter(|ours| votes.contains_key(ours))) else {
        return Verdict::Open;
    };
    let wrong = hashes.iter().filter(|(_, hash)| *hash != right).map(|(place, _)| *place);
    Verdict::Wrong(wrong.collect())
}

/// Whether an endpoint is kept out for its block hashes. It takes two looks in a row to get in (a
/// reorg reaches nodes one after the other) and three good ones to get out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quarantine {
    wrong: u32,
    right: u32,
    inside: bool,
    /// It is not let out before.
    until: Duration,
}

const WRONG: u32 = 2;
const RIGHT: u32 = 3;

impl Quarantine {
    /// Note a look. True when that put it in.
    pub fn note(&mut self, wrong: bool, now: Duration) -> bool {
        if wrong {
            (self.wrong, self.right) = (self.wrong.saturating_add(1), 0);
        } else {
            (self.wrong, self.right) = (0, self.right.saturating_add(1));
        }
        let before = self.inside;
        self.inside =
            if before { self.right < RIGHT || now < self.until } else { self.wrong >= WRONG };
        self.inside && !before
    }

    /// Put it in at once, upon proof. True when it was not inside.
    pub fn shut(&mut self, until: Duration) -> bool {
        !std::mem::replace(self, Self { wrong: WRONG, right: 0, inside: true, until }).inside
    }

    pub fn is_inside(&self) -> bool {
        self.inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: B256 = B256::repeat_byte(1);
    const B: B256 = B256::repeat_byte(2);
    const C: B256 = B256::repeat_byte(3);

    #[test]
    fn one_endpoint_alone_does_not_raise_the_head() {
        let cases: [(&[u64], Option<u64>); 5] = [
            (&[], None),
            (&[7], Some(7)),
            (&[7, 9], Some(9)),
            (&[7, 9_999_999, 8], Some(8)),
            (&[5, 5, 5, 9], Some(5)),
        ];
        for (heads, expect) in cases {
            assert_eq!(agreed_head(heads), expect, "{heads:?}");
        }
    }

    #[test]
    fn hashes_are_judged_by_most_or_by_our_own() {
        let cases: [(&[B256], Option<B256>, Verdict); 8] = [
            (&[], None, Verdict::Agreed),
            (&[A, A], Some(B), Verdict::Agreed),
            (&[A, B], None, Verdict::Open),
            (&[A, B], Some(B), Verdict::Wrong(vec![0])),
            (&[A, B], Some(C), Verdict::Open),
            (&[A, B, A], Some(B), Verdict::Wrong(vec![1])),
            (&[A, B, C], None, Verdict::Open),
            (&[A, B, C], Some(C), Verdict::Wrong(vec![0, 1])),
        ];
        for (hashes, ours, expect) in cases {
            let hashes: Vec<_> = hashes.iter().copied().enumerate().collect();
            assert_eq!(judge(&hashes, ours), expect, "{hashes:?}");
        }
    }

    #[test]
    fn a_floor_gives_way_when_nobody_reaches_it_for_long() {
        let (patience, second) = (Duration::from_secs(10), Duration::from_secs(1));
        let mut floor = Floor::default();
        floor.note(100, second, patience);
        floor.note(98, second * 5, patience);
        assert_eq!(floor.height(second * 11, patience), 100);
        assert_eq!(floor.height(second * 12, patience), 0);
        floor.note(98, second * 12, patience);
        assert_eq!(floor.height(second * 12, patience), 98);
    }

    #[test]
    fn who_was_proven_wrong_stays_inside_for_a_while_whatever_it_says() {
        let (minute, mut quarantine) = (Duration::from_secs(60), Quarantine::default());
        assert!(quarantine.shut(minute));
        assert!(!quarantine.shut(minute));
        for second in 0..60 {
            assert!(!quarantine.note(false, Duration::from_secs(second)));
            assert!(quarantine.is_inside(), "{second}");
        }
        quarantine.note(false, minute);
        assert!(!quarantine.is_inside());
    }

    proptest! {
        #[test]
        fn a_floor_falls_only_after_its_patience(
            heads in prop::collection::vec((0u64..50, 0u64..4), 1..200),
        ) {
            let patience = Duration::from_secs(10);
            let (mut floor, mut now) = (Floor::default(), Duration::ZERO);
            for (head, wait) in heads {
                now += Duration::from_secs(wait);
                let before = floor;
                floor.note(head, now, patience);
                if floor.height < before.height {
                    prop_assert!(now.saturating_sub(before.at) > patience);
                }
                prop_assert!(floor.height >= head.min(before.height));
            }
        }

        #[test]
        fn one_wrong_look_shuts_nobody_in_and_one_right_look_lets_nobody_out(
            looks in prop::collection::vec(any::<bool>(), 0..100),
        ) {
            let mut quarantine = Quarantine::default();
            for (place, wrong) in looks.iter().enumerate() {
                let before = quarantine.is_inside();
                quarantine.note(*wrong, Duration::ZERO);
                let last = |count: usize, what: bool| {
                    place + 1 >= count && looks[place + 1 - count..=place].iter().all(|l| *l == what)
                };
                if quarantine.is_inside() != before {
                    let due = if before { last(3, false) } else { last(2, true) };
                    prop_assert!(due);
                }
            }
        }
    }
}

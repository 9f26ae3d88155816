//! Which nonces come next. Pure.

use std::ops::Range;

/// The next `count` nonces of a wallet whose ledger ends at `last` and whose nonce on chain is
/// `on_chain`. Never below the ledger's end, so no nonce is given out twice; never below the
/// chain's, where a nonce is already used.
pub(crate) fn next(last: Option<u64>, on_chain: u64, count: u64) -> Range<u64> {
    let first = last.map_or(on_chain, |last| (last + 1).max(on_chain));
    first..first + count
}

/// Nonces for jobs in their order. Those that were given back unsigned (`free`, rising, not below
/// the chain's) come first, but not for a job that must be mined after one in flight (`late`): the
/// rest are [`next`].
pub(crate) fn give(late: &[bool], free: &[u64], last: Option<u64>, on_chain: u64) -> Vec<u64> {
    let mut free = free.iter().copied();
    let mut fresh = next(last, on_chain, late.len() as u64);
    late.iter()
        .filter_map(|late| if *late { None } else { free.next() }.or_else(|| fresh.next()))
        .collect()
}

/// How many nonces beyond our ledger the chain has used: somebody else has the key.
pub(crate) fn drift(last: Option<u64>, on_chain: u64) -> u64 {
    last.map_or(0, |last| on_chain.saturating_sub(last + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn given_back_nonces_go_first_and_late_jobs_go_last(
            late in prop::collection::vec(any::<bool>(), 0..40),
            free in prop::collection::btree_set(10u64..100, 0..20),
        ) {
            let free: Vec<u64> = free.into_iter().collect();
            let given = give(&late, &free, Some(99), 10);
            prop_assert_eq!(given.len(), late.len());
            let distinct: std::collections::BTreeSet<u64> = given.iter().copied().collect();
            prop_assert_eq!(distinct.len(), given.len());
            let others = late.iter().filter(|late| !**late).count();
            for nonce in free.iter().take(others) {
                prop_assert!(distinct.contains(nonce), "{} is lowest and free", nonce);
            }
            for (place, nonce) in given.iter().enumerate() {
                prop_assert!(!late[place] || *nonce > 99);
                prop_assert!(*nonce > 99 || free.contains(nonce));
                // Two jobs of one key are both late, or neither is: their order holds.
                let later = (place + 1..given.len()).filter(|l| late[*l] == late[place]);
                prop_assert!(later.into_iter().all(|later| given[later] > *nonce));
            }
        }

        #[test]
        fn nonces_are_dense_fresh_and_usable(
            steps in prop::collection::vec((0u64..20, 0u64..300), 1..50),
            start in 0u64..1_000_000,
        ) {
            let mut last = None;
            let mut given = std::collections::BTreeSet::new();
            for (count, ahead) in steps {
                // The chain lies anywhere from its start to beyond our ledger.
                let on_chain = start + ahead;
                let range = next(last, on_chain, count);
                prop_assert_eq!(range.clone().count() as u64, count);
                prop_assert!(range.start >= on_chain);
                if let Some(last) = last {
                    prop_assert!(range.start > last);
                    let skipped = range.start - last - 1;
                    prop_assert_eq!(skipped, drift(Some(last), on_chain));
                }
                for nonce in range.clone() {
                    prop_assert!(given.insert(nonce), "{} given twice", nonce);
                }
                if count > 0 {
                    last = Some(range.end - 1);
                }
            }
        }
    }
}

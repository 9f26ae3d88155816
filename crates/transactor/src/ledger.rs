//! Which nonces come next. Pure.

use std::ops::Range;

/// The next `count` nonces of a wallet whose ledger ends at `last` and whose nonce on chain is
/// `on_chain`. Never below the ledger's end, so no nonce is given out twice; never below the
/// chain's, where a nonce is already used.
pub(crate) fn next(last: Option<u64>, on_chain: u64, count: u64) -> Range<u64> {
    let first = last.map_or(on_chain, |last| (last + 1).max(on_chain));
    first..first + count
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

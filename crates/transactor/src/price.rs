//! What a transaction offers. Pure. EIP-1559: base fee and tip per unit of gas, in wei.

use crate::config::TX_GAS_MAX;

/// An offer per unit of gas, in wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fees {
    pub max: u128,
    /// Never above `max`.
    pub tip: u128,
}

/// Twice the base fee plus `tip`: good for six full blocks in a row. None when even the next block
/// could cost more than `cap`: then jobs wait.
pub(crate) fn price(base: u128, tip: u128, cap: u128) -> Option<Fees> {
    // One full block raises the base fee by an eighth (EIP-1559).
    let next = base.saturating_add(base.div_ceil(8)).saturating_add(tip);
    if next > cap {
        return None;
    }
    Some(Fees { max: base.saturating_mul(2).saturating_add(tip).min(cap), tip })
}

/// A replacement for `old` which every node takes: an eighth more on both, or the market if that is
/// higher. None when that is above `cap`.
pub(crate) fn bump(old: Fees, market: Option<Fees>, cap: u128) -> Option<Fees> {
    let least = Fees { max: raised(old.max), tip: raised(old.tip) };
    let market = market.unwrap_or(least);
    let max = least.max.max(market.max).min(cap);
    let tip = least.tip.max(market.tip).min(max);
    (max >= least.max && tip >= least.tip).then_some(Fees { max, tip })
}

fn raised(fee: u128) -> u128 {
    fee.saturating_add(fee.div_ceil(8)).max(fee.saturating_add(1))
}

/// A gas limit for an estimate: a fifth more, within the cap of a transaction. None when the
/// estimate itself is above the cap.
pub(crate) fn gas_limit(estimate: u64) -> Option<u64> {
    (estimate <= TX_GAS_MAX)
        .then(|| estimate.saturating_add(estimate.div_ceil(5)).clamp(21_000, TX_GAS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ETHER: u128 = 1_000_000_000_000_000_000;

    proptest! {
        #[test]
        fn an_offer_is_within_the_cap_and_good_for_the_next_block(
            base in 0..ETHER, tip in 0..ETHER, cap in 0..ETHER,
        ) {
            match price(base, tip, cap) {
                Some(fees) => {
                    prop_assert!(fees.max <= cap && fees.tip <= fees.max);
                    prop_assert!(fees.max >= base + base / 8 + fees.tip);
                }
                None => prop_assert!(base + base / 8 + 1 + tip > cap),
            }
        }

        #[test]
        fn a_bump_replaces_on_every_node(
            max in 0..ETHER, tip in 0..ETHER, market in 0..ETHER, cap in 0..ETHER,
        ) {
            let old = Fees { max, tip: tip.min(max) };
            let market = price(market, tip, u128::MAX);
            if let Some(new) = bump(old, market, cap) {
                prop_assert!(new.max <= cap && new.tip <= new.max);
                // 12.5 %: above the 10 % of geth, reth, erigon, besu and nethermind.
                prop_assert!(new.max * 8 >= old.max * 9 && new.tip * 8 >= old.tip * 9);
                prop_assert!(new.max > old.max && new.tip > old.tip);
            } else {
                prop_assert!(max + max.div_ceil(8) >= cap || raised(old.tip) > cap
                    || max + 1 > cap);
            }
        }

        #[test]
        fn gas_stays_below_the_transaction_cap(estimate in 0..u64::MAX) {
            match gas_limit(estimate) {
                Some(limit) => prop_assert!(limit >= estimate && limit <= TX_GAS_MAX),
                None => prop_assert!(estimate > TX_GAS_MAX),
            }
        }
    }

    #[test]
    fn prices() {
        assert_eq!(price(100, 2, 1_000), Some(Fees { max: 202, tip: 2 }));
        assert_eq!(price(100, 2, 150), Some(Fees { max: 150, tip: 2 }));
        assert_eq!(price(100, 2, 114), None);
        let old = Fees { max: 80, tip: 0 };
        assert_eq!(bump(old, None, 90), Some(Fees { max: 90, tip: 1 }));
        assert_eq!(bump(old, None, 89), None);
        assert_eq!(gas_limit(21_000), Some(25_200));
    }
}

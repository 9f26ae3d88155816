use super::*;
use crate::config::TX_GAS_MAX;
use alloy_primitives::U128;
use chain::FeeHistory;
use proptest::prelude::*;

const ETHER: u128 = 1_000_000_000_000_000_000;
const GWEI: u128 = 1_000_000_000;

fn urgencies() -> impl Strategy<Value = Urgency> {
    prop::sample::select(Urgency::ALL.to_vec())
}

fn at(base: u128, tip: u128) -> Market {
    Market { base: Some(base), tips: [tip; 4] }
}

fn fees(max: u128, tip: u128) -> Fees {
    Fees { max, tip, legacy: false }
}

fn legacy(price: u128) -> Fees {
    Fees { max: price, tip: price, legacy: true }
}

/// Blocks as (ratio of gas used, tips at the percentiles).
fn history(blocks: &[(f64, [u128; 4])], bases: &[u128]) -> FeeHistory {
    FeeHistory {
        base_fee_per_gas: bases.iter().map(|base| U128::from(*base)).collect(),
        gas_used_ratio: blocks.iter().map(|block| block.0).collect(),
        reward: Some(blocks.iter().map(|b| b.1.map(U128::from).to_vec()).collect()),
    }
}

proptest! {
    #[test]
    fn an_offer_is_within_the_cap_and_good_for_the_next_block(
        base in 0..ETHER, tip in 0..ETHER, cap in 0..ETHER, urgency in urgencies(),
    ) {
        match offer(&at(base, tip), urgency, cap) {
            Some(fees) => {
                prop_assert!(fees.max <= cap && fees.tip <= fees.max && !fees.legacy);
                prop_assert!(fees.max >= base + base / 8 + fees.tip);
            }
            None => prop_assert!(base + base / 8 + 1 + tip > cap),
        }
        let without = Market { base: None, tips: [tip; 4] };
        prop_assert_eq!(offer(&without, urgency, cap), (tip <= cap).then_some(legacy(tip)));
    }

    #[test]
    fn a_bump_replaces_on_every_node_within_cap_and_market(
        max in 0..ETHER, tip in 0..ETHER, is_legacy: bool, base in 0..ETHER, market_tip in 0..ETHER,
        cap in 0..ETHER, free in 0..ETHER,
    ) {
        let old = if is_legacy { legacy(max) } else { fees(max, tip.min(max)) };
        let market = offer(&at(base, market_tip), Urgency::Normal, cap);
        match bump(old, market, cap, free) {
            Ok(new) => {
                prop_assert!(new.max <= cap && new.tip <= new.max && new.legacy == old.legacy);
                prop_assert!(!old.legacy || new.tip == new.max);
                // 12.5 %: above the 10 % of geth, reth, erigon, besu and nethermind.
                prop_assert!(new.max * 8 >= old.max * 9 && new.tip * 8 >= old.tip * 9);
                prop_assert!(new.max > old.max && new.tip > old.tip);
                let market = market.unwrap();
                prop_assert!(new.max >= market.max || new.max == cap);
                prop_assert!(new.max <= free || new.max <= market.max * 5);
            }
            Err(Held::Cap) => prop_assert!(
                market.is_none() || old.max + old.max.div_ceil(8).max(1) > cap
                    || old.tip + old.tip.div_ceil(8).max(1) > cap
            ),
            Err(Held::Market) => prop_assert!(old.max + old.max.div_ceil(8) + 1 > free),
        }
    }

    #[test]
    fn gas_stays_below_the_transaction_cap(estimate in 0..u64::MAX, most in 0..u64::MAX) {
        match gas_limit(estimate) {
            Some(limit) => prop_assert!(limit >= estimate && limit <= TX_GAS_MAX),
            None => prop_assert!(estimate > TX_GAS_MAX),
        }
        let void = void_gas(Some(estimate), most);
        prop_assert!((21_000..=TX_GAS_MAX).contains(&void) && void <= most.max(21_000));
    }

    #[test]
    fn tips_rise_with_urgency_and_keep_the_floor(
        blocks in prop::collection::vec(
            (prop::sample::select(vec![0.0, 0.3, 1.0]), prop::array::uniform4(0..ETHER)), 0..25),
        suggested in prop::option::of(0..ETHER), floor in 0..ETHER, base in 0..ETHER,
    ) {
        let found = market(base, Some(&history(&blocks, &[])), suggested, floor);
        prop_assert!(found.tips.is_sorted() && found.tips[0] >= floor);
        prop_assert_eq!(found.base, Some(base));
    }
}

#[test]
fn offers() {
    let cases = [
        (Urgency::Low, 1_000, Some(fees(152, 2))),
        (Urgency::Normal, 1_000, Some(fees(202, 2))),
        (Urgency::Urgent, 1_000, Some(fees(302, 2))),
        (Urgency::Normal, 150, Some(fees(150, 2))),
        (Urgency::Normal, 115, Some(fees(115, 2))),
        (Urgency::Normal, 114, None),
    ];
    for (urgency, cap, expected) in cases {
        assert_eq!(offer(&at(100, 2), urgency, cap), expected, "{urgency} below {cap}");
    }
}

#[test]
fn bumps() {
    let market = Some(fees(20, 1));
    let cases = [
        // (old, market, cap, free), and what comes of it.
        ((fees(80, 0), market, 90, 1_000), Ok(fees(90, 1))),
        ((fees(80, 0), market, 89, 1_000), Err(Held::Cap)),
        ((fees(80, 0), None, 1_000, 1_000), Err(Held::Cap)),
        ((fees(80, 8), Some(fees(300, 40)), 1_000, 1_000), Ok(fees(300, 40))),
        // 90 is below 5 × 20; the next one, 102, is not.
        ((fees(80, 0), market, 1_000, 0), Ok(fees(90, 1))),
        ((fees(90, 1), market, 1_000, 0), Err(Held::Market)),
        ((fees(90, 1), market, 1_000, 102), Ok(fees(102, 2))),
        ((legacy(80), Some(legacy(20)), 1_000, 1_000), Ok(legacy(90))),
        ((legacy(80), Some(legacy(200)), 1_000, 1_000), Ok(legacy(200))),
        // A chain got its base fee while an old transaction waited.
        ((legacy(80), market, 1_000, 1_000), Ok(legacy(90))),
    ];
    for ((old, market, cap, free), expected) in cases {
        assert_eq!(bump(old, market, cap, free), expected, "{old:?} {market:?} {cap} {free}");
    }
}

#[test]
fn an_offer_falls_short_of_the_base_fee_or_of_the_tip() {
    let normal = |old, base, tip| falls_short(old, &at(base, tip), Urgency::Normal);
    assert!(!normal(fees(200, 10), 100, 11));
    assert!(normal(fees(200, 10), 100, 12));
    assert!(normal(fees(200, 10), 201, 0));
    // The base fee ate the tip.
    assert!(normal(fees(200, 10), 195, 10));
    let without = Market { base: None, tips: [100; 4] };
    assert!(falls_short(legacy(90), &without, Urgency::Normal));
    assert!(!falls_short(legacy(91), &without, Urgency::Normal));
}

#[test]
fn only_a_much_lower_offer_is_worth_another_attempt() {
    assert_eq!(lowered(fees(80, 8), Some(fees(70, 9))), Some(fees(70, 9)));
    assert_eq!(lowered(fees(80, 8), Some(fees(71, 9))), None);
    assert_eq!(lowered(fees(80, 8), None), None);
}

#[test]
fn the_lowest_cap_holds() {
    let caps = Caps { job: None, chain: 500, total_wei: 21_000 * 400 };
    assert_eq!(caps.per_gas(21_000), 400);
    assert_eq!(caps.per_gas(10_500), 400, "a transaction has at least the gas of a transfer");
    assert_eq!(caps.per_gas(210_000), 40);
    assert_eq!(Caps { job: Some(30), ..caps }.per_gas(210_000), 30);
    assert_eq!(Caps { total_wei: u128::MAX, ..caps }.per_gas(21_000), 500);
}

#[test]
fn estimates() {
    let block = |ratio: f64, scale: u128| (ratio, [1, 2, 3, 4].map(|n| n * scale * GWEI));
    let calm = vec![block(0.5, 1); 20];
    let spike = [vec![block(0.5, 1); 15], vec![block(1.0, 1_000); 5]].concat();
    let quiet = [vec![block(0.0, 0); 17], vec![block(0.1, 1); 3]].concat();
    let empty = [vec![block(0.0, 0); 18], vec![block(0.1, 50); 2]].concat();
    let dear = vec![block(0.1, 50); 20];
    let gwei = |tips: [u128; 4]| tips.map(|tip| tip * GWEI);
    let cases = [
        ("a calm market", &calm, Some(GWEI), 1, gwei([1, 2, 3, 4])),
        ("a few dear blocks do not count", &spike, Some(GWEI), 1, gwei([1, 2, 3, 4])),
        ("empty blocks do not count", &quiet, Some(GWEI), 1, gwei([1, 2, 3, 4])),
        ("too few blocks: the node's", &empty, Some(8), 1, [8, 8, 10, 12]),
        ("too few blocks, no suggestion: the floor's", &empty, None, 16, [16, 16, 20, 24]),
        ("ten times the node's at most", &dear, Some(8 * GWEI), 1, gwei([50, 80, 80, 80])),
        ("the floor", &calm, Some(GWEI), 3 * GWEI, gwei([3, 3, 3, 4])),
    ];
    for (name, blocks, suggested, floor, expected) in cases {
        let found = market(7, Some(&history(blocks, &[])), suggested, floor);
        assert_eq!(found, Market { base: Some(7), tips: expected }, "{name}");
    }
    assert_eq!(market(7, None, None, 2).tips, [2, 2, 3, 3]);
}

#[test]
fn the_base_fee_is_the_next_blocks_when_that_is_higher() {
    let two = [(0.5, [1; 4]), (0.5, [1; 4])];
    let base = |bases: &[u128]| market(10, Some(&history(&two, bases)), None, 1).base;
    assert_eq!(base(&[9, 10, 11]), Some(11));
    assert_eq!(base(&[9, 10, 9]), Some(10));
    assert_eq!(base(&[9, 11]), Some(10), "not the next block's");
}

#[test]
fn legacy_prices_rise_with_urgency() {
    let expected = Market { base: None, tips: [8, 8, 10, 12] };
    assert_eq!(legacy_market(8, 1), expected);
    assert_eq!(legacy_market(1, 8), expected);
}

#[test]
fn void_gas_is_a_transfers_unless_the_chain_wants_more() {
    let cases = [
        (None, 21_000, 21_000),
        (Some(21_000), 100_000, 21_000),
        (Some(100), 100_000, 21_000),
        (Some(50_000), 100_000, 60_000),
        (Some(50_000), 55_000, 55_000),
        (Some(50_000), 0, 21_000),
        (Some(u64::MAX), u64::MAX, TX_GAS_MAX),
    ];
    for (estimate, most, expected) in cases {
        assert_eq!(void_gas(estimate, most), expected, "{estimate:?} at most {most}");
    }
    assert_eq!(gas_limit(21_000), Some(25_200));
}

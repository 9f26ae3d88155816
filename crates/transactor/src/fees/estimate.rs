//! From what the chain says to what gas costs.

use super::Market;
use chain::FeeHistory;

/// Blocks looked at: 4 minutes of Ethereum, 40 s of a rollup.
pub(crate) const WINDOW: u16 = 20;
/// Percentiles of the tips in a block, by gas, one per urgency.
pub(crate) const PERCENTILES: [f64; 4] = [10.0, 50.0, 75.0, 90.0];
/// Blocks with transactions that an estimate needs; below, the node's suggestion counts.
const BLOCKS_MIN: usize = 3;
/// An estimate is at most so many times the node's suggestion: on a quiet chain a few strangers'
/// tips are all there is.
const SUGGESTION_MULTIPLE: u128 = 10;
/// Eighths of one suggested price, per urgency.
const SPREAD_EIGHTHS: [u128; 4] = [8, 8, 10, 12];

/// The market of a chain with a base fee. `base` is that of the head, `suggested` the node's own
/// suggestion if it has one, `floor` the least tip.
///
/// Per urgency it is the median over the blocks of that percentile: one dear block does not move
/// it. Blocks without transactions say nothing (their tips are zeros by the standard) and are left
/// out.
pub(crate) fn market(
    base: u128,
    history: Option<&FeeHistory>,
    suggested: Option<u128>,
    floor: u128,
) -> Market {
    // One more entry than blocks: the next block's.
    let next = history.and_then(|history| {
        let whole = history.base_fee_per_gas.len() == history.gas_used_ratio.len() + 1;
        history.base_fee_per_gas.last().filter(|_| whole).map(|fee| fee.to::<u128>())
    });
    let found = history.and_then(medians);
    let tips = match (found, suggested) {
        (Some(tips), Some(suggested)) => {
            let most = suggested.saturating_mul(SUGGESTION_MULTIPLE).max(floor);
            tips.map(|tip| tip.min(most))
        }
        (Some(tips), None) => tips,
        (None, suggested) => spread(suggested.unwrap_or(floor)),
    };
    Market { base: Some(next.map_or(base, |next| next.max(base))), tips: rising(tips, floor) }
}

/// The market of a chain without a base fee, from `eth_gasPrice`.
pub(crate) fn legacy_market(gas_price: u128, floor: u128) -> Market {
    Market { base: None, tips: rising(spread(gas_price.max(floor)), floor) }
}

fn spread(price: u128) -> [u128; 4] {
    SPREAD_EIGHTHS.map(|eighths| price.saturating_mul(eighths).div_ceil(8))
}

fn medians(history: &FeeHistory) -> Option<[u128; 4]> {
    let rows: Vec<&Vec<_>> = history
        .reward
        .as_deref()?
        .iter()
        .zip(&history.gas_used_ratio)
        .filter(|(row, ratio)| **ratio > 0.0 && row.len() == PERCENTILES.len())
        .map(|(row, _)| row)
        .collect();
    if rows.len() < BLOCKS_MIN {
        return None;
    }
    let mut tips = [0; 4];
    for (place, tip) in tips.iter_mut().enumerate() {
        let mut column: Vec<u128> = rows.iter().map(|row| row[place].to()).collect();
        column.sort_unstable();
        *tip = column[(column.len() - 1) / 2];
    }
    Some(tips)
}

/// At least `floor`, and never falling with urgency.
fn rising(tips: [u128; 4], floor: u128) -> [u128; 4] {
    let mut least = floor;
    tips.map(|tip| {
        least = least.max(tip);
        least
    })
}

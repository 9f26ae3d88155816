//! The first offer.

use super::{Fees, Market};
use vocab::Urgency;

/// Eighths of the base fee that an offer bears. Only what is needed is paid, so room costs nothing
/// but balance: twice is good for six full blocks in a row, one and a half for three, three times
/// for nine.
const fn base_eighths(urgency: Urgency) -> u128 {
    match urgency {
        Urgency::Low => 12,
        Urgency::Normal | Urgency::High => 16,
        Urgency::Urgent => 24,
    }
}

/// What to offer now. None when even the next block could cost more than `cap`: then jobs wait.
pub(crate) fn offer(market: &Market, urgency: Urgency, cap: u128) -> Option<Fees> {
    let tip = market.tip(urgency);
    let Some(base) = market.base else {
        return (tip <= cap).then_some(Fees { max: tip, tip, legacy: true });
    };
    // One full block raises the base fee by an eighth (EIP-1559).
    let next = base.saturating_add(base.div_ceil(8)).saturating_add(tip);
    if next > cap {
        return None;
    }
    let room = base.saturating_mul(base_eighths(urgency)).div_ceil(8);
    let max = room.saturating_add(tip).min(cap);
    Some(Fees { max, tip, legacy: false })
}

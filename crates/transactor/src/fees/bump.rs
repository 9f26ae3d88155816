//! Replacements.

use super::{Fees, Market};
use vocab::Urgency;

/// A replacement may cost this many times the market, but no more, once it is above the threshold
/// (the rule of op-service's txmgr): repeated bumps must not run away from what gas costs.
const MARKET_MULTIPLE: u128 = 5;

/// Why an offer stays as it is. The same bytes go out again meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// The least replacement that nodes take is above the cap, or the market is.
    Cap,
    /// The least replacement is many times what gas costs now.
    Market,
}

impl Held {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cap => "cap",
            Self::Market => "market",
        }
    }
}

/// A replacement for `old` which every node takes: an eighth more on both prices (geth, reth,
/// erigon, besu and nethermind want a tenth), or the market if that is higher. `market` is today's
/// offer under `cap`, none when the market is above. Up to `free` the market does not limit it.
pub(crate) fn bump(old: Fees, market: Option<Fees>, cap: u128, free: u128) -> Result<Fees, Held> {
    let market = market.ok_or(Held::Cap)?;
    let (least_max, least_tip) = (raised(old.max), raised(old.tip));
    let max = least_max.max(market.max).min(cap);
    let tip = match old.legacy {
        true => max,
        false => least_tip.max(market.tip).min(max),
    };
    if max < least_max || tip < least_tip {
        return Err(Held::Cap);
    }
    let beyond =
        |fee: u128, market: u128| fee > free && fee > market.saturating_mul(MARKET_MULTIPLE);
    if beyond(max, market.max) || (!old.legacy && beyond(tip, market.tip)) {
        return Err(Held::Market);
    }
    Ok(Fees { max, tip, legacy: old.legacy })
}

/// Is an offer below what would be offered now, by so much that it may not be mined? The base fee
/// passed it, or the tip of its urgency is more than a tenth above.
pub(crate) fn falls_short(old: Fees, market: &Market, urgency: Urgency) -> bool {
    let tip = market.tip(urgency);
    let better = |now: u128, then: u128| now > then.saturating_add(then / 10);
    match market.base {
        None => better(tip, old.max),
        Some(base) => {
            // What of the offer is left for the tip now.
            let left = old.tip.min(old.max.saturating_sub(base));
            base > old.max || better(tip, left)
        }
    }
}

/// An offer so far below `old` that it is worth another attempt where no node has the old bytes.
pub(crate) fn lowered(old: Fees, market: Option<Fees>) -> Option<Fees> {
    let market = market?;
    let max = old.max - old.max / 8;
    (market.max <= max).then_some(Fees { legacy: old.legacy, ..market })
}

fn raised(fee: u128) -> u128 {
    fee.saturating_add(fee.div_ceil(8)).max(fee.saturating_add(1))
}

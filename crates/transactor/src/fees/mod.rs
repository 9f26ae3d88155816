//! What a transaction offers for gas. Pure: what the chain says comes in, an offer or its bump
//! comes out. All amounts are wei per unit of gas unless they say otherwise.

mod bump;
mod estimate;
mod gas;
pub(crate) mod l1;
mod offer;

pub(crate) use bump::{Held, bump, falls_short, lowered};
pub(crate) use estimate::{PERCENTILES, WINDOW, legacy_market, market};
pub(crate) use gas::{GAS_MIN, gas_limit, void_gas};
pub use l1::L1Charge;
pub(crate) use offer::offer;

use db::Numeric;
use vocab::Urgency;

/// What gas costs now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Market {
    /// Base fee of the next block; none on a chain without (before London), where transactions of
    /// type 0 are sent.
    pub base: Option<u128>,
    /// Tip per urgency; without a base fee the whole price. Never falls with urgency.
    pub tips: [u128; 4],
}

impl Market {
    pub fn tip(&self, urgency: Urgency) -> u128 {
        self.tips[urgency as usize]
    }
}

/// An offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fees {
    pub max: u128,
    /// Never above `max`; equal to it in a legacy transaction.
    pub tip: u128,
    /// Type 0: one price, all of which is paid.
    pub legacy: bool,
}

/// What a job says of its price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    pub urgency: Urgency,
    /// Most that it may offer.
    pub cap: Option<u128>,
}

impl Terms {
    pub fn stored(urgency: &str, cap: Option<&Numeric>) -> Self {
        Self {
            urgency: urgency.parse().expect("invariant: the schema allows known urgencies only"),
            cap: cap.map(|cap| cap.0.saturating_to()),
        }
    }
}

/// The limits of an offer, of which the lowest holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caps {
    /// The job's own.
    pub job: Option<u128>,
    /// The chain's.
    pub chain: u128,
    /// Most that the gas of one transaction may cost, in wei altogether.
    pub total_wei: u128,
}

impl Caps {
    /// Most per unit of gas for a transaction with this gas limit.
    pub fn per_gas(&self, gas_limit: u64) -> u128 {
        let of_total = self.total_wei / u128::from(gas_limit.max(GAS_MIN));
        self.job.unwrap_or(u128::MAX).min(self.chain).min(of_total)
    }
}

#[cfg(test)]
mod tests;

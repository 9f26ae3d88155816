//! How much gas to ask for.

use crate::config::TX_GAS_MAX;

/// A plain transfer's, below which no transaction goes.
pub(crate) const GAS_MIN: u64 = 21_000;

/// A gas limit for an estimate: a fifth more, within the cap of a transaction. None when the
/// estimate itself is above the cap.
pub(crate) fn gas_limit(estimate: u64) -> Option<u64> {
    (estimate <= TX_GAS_MAX)
        .then(|| estimate.saturating_add(estimate.div_ceil(5)).clamp(GAS_MIN, TX_GAS_MAX))
}

/// A void's gas limit: exactly a transfer's where that is enough; else, on rollups that charge
/// their data as gas and for delegated accounts, the estimate and a fifth. At most what the signer
/// signs for a void.
pub(crate) fn void_gas(estimate: Option<u64>, most: u64) -> u64 {
    let wanted = match estimate {
        None | Some(..=GAS_MIN) => GAS_MIN,
        Some(estimate) => gas_limit(estimate).unwrap_or(TX_GAS_MAX),
    };
    wanted.min(most).max(GAS_MIN)
}

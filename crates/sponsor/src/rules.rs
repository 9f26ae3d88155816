//! Does a sponsor pay for such a request, now? By what stands in the request alone.

use crate::{
    ForwardRequest,
    request::{Selector, selector_of},
};
use std::sync::LazyLock;
use vocab::{Address, U256};

/// How far ahead a request's deadline must lie, in seconds, and may lie.
pub const DEADLINE_AHEAD_MIN: u64 = 120;
pub const DEADLINE_AHEAD_MAX: u64 = 24 * 60 * 60;
/// The job is given up so long before the request's deadline, in seconds: the chain's clock counts.
pub const DEADLINE_MARGIN: u64 = 30;
/// The least `gas` that a call can mean.
const GAS_MIN: u64 = 5_000;

/// Functions that run calls found in their arguments. Behind a forwarder they let one user speak as
/// another: the inner calls end in an address of the caller's choosing (disclosed by OpenZeppelin
/// and thirdweb in December 2023).
const MULTICALLS: [&str; 14] = [
    "multicall(bytes[])",
    "multicall(uint256,bytes[])",
    "multicall(bytes32,bytes[])",
    "multicall(address[],bytes[])",
    "multicall((address,bytes)[])",
    "batch(bytes[],bool)",
    "aggregate((address,bytes)[])",
    "aggregate3((address,bool,bytes)[])",
    "aggregate3Value((address,bool,uint256,bytes)[])",
    "tryAggregate(bool,(address,bytes)[])",
    "tryBlockAndAggregate(bool,(address,bytes)[])",
    "blockAndAggregate((address,bytes)[])",
    "executeBatch((address,address,uint256,uint256,uint48,bytes,bytes)[],address)",
    "execute((address,address,uint256,uint256,uint48,bytes,bytes))",
];

static MULTICALL_SELECTORS: LazyLock<Vec<(Selector, &'static str)>> =
    LazyLock::new(|| MULTICALLS.map(|signature| (selector_of(signature), signature)).to_vec());

/// The signature of the function that runs calls found in its arguments, if this selector is one's.
#[must_use]
pub fn is_multicall(selector: Selector) -> Option<&'static str> {
    let found = MULTICALL_SELECTORS.iter().find(|(known, _)| *known == selector);
    found.map(|(_, signature)| *signature)
}

/// A function that a sponsor pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub target: Address,
    pub selector: Selector,
}

/// What a sponsor says to a request.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    pub active: bool,
    /// What is not here is not paid for.
    pub rules: &'a [Rule],
    /// Of the request's `gas`.
    pub gas_max: u64,
    /// The forwarder itself, which is never a target.
    pub forwarder: Address,
    /// Unix seconds.
    pub now: u64,
}

/// Why a request is not paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the sponsor is paused")]
    Paused,
    #[error("is not zero: only gas is paid for")]
    Value,
    #[error("has no selector: only calls of functions are paid for")]
    NoSelector,
    #[error("`{0}` runs other calls: never behind a forwarder")]
    Multicall(&'static str),
    #[error("is the forwarder itself")]
    Forwarder,
    #[error("no rule of the sponsor allows this function of this contract")]
    NotAllowed,
    #[error("{GAS_MIN} to {max}")]
    Gas { max: u64 },
    #[error("is less than {DEADLINE_AHEAD_MIN} s ahead")]
    DeadlineSoon,
    #[error("is more than {DEADLINE_AHEAD_MAX} s ahead")]
    DeadlineFar,
}

/// Does the sponsor pay for this request, as far as the request tells?
///
/// # Errors
/// [`Refused`], the first that applies.
pub fn check(request: &ForwardRequest, terms: &Terms<'_>) -> Result<(), Refused> {
    if !terms.active {
        return Err(Refused::Paused);
    }
    if request.value != U256::ZERO {
        return Err(Refused::Value);
    }
    let selector = request.selector().ok_or(Refused::NoSelector)?;
    if let Some(signature) = is_multicall(selector) {
        return Err(Refused::Multicall(signature));
    }
    if request.to == terms.forwarder {
        return Err(Refused::Forwarder);
    }
    if !terms.rules.contains(&Rule { target: request.to, selector }) {
        return Err(Refused::NotAllowed);
    }
    if !(GAS_MIN..=terms.gas_max).contains(&request.gas) {
        return Err(Refused::Gas { max: terms.gas_max });
    }
    let ahead = request.deadline.saturating_sub(terms.now);
    if ahead < DEADLINE_AHEAD_MIN {
        return Err(Refused::DeadlineSoon);
    }
    if ahead > DEADLINE_AHEAD_MAX {
        return Err(Refused::DeadlineFar);
    }
    Ok(())
}

#[cfg(test)]
mod tests;

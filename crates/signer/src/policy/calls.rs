//! One rule for calls.

use alloy_primitives::{Address, U256};

use super::{ApprovalRule, Grant, Listed, malformed};
use crate::{
    bounds::Bounds,
    calldata::Functions,
    refusal::Refusal,
    wire::{TxIntent, TxKind},
};

#[derive(Debug)]
pub(super) struct CallRule {
    pub(super) to: Listed<Address>,
    pub(super) functions: Functions,
    pub(super) transfer: bool,
    pub(super) bounds: Bounds,
    pub(super) value_wei_max: Option<U256>,
    pub(super) approvals: Option<ApprovalRule>,
}

/// What one rule says.
#[derive(Debug)]
pub(super) enum Verdict<T> {
    /// It is about something else: what.
    Elsewhere(String),
    /// It is about this, but does not allow it.
    No(Refusal),
    Yes(T),
}

impl CallRule {
    pub(super) fn judge(&self, intent: &TxIntent) -> Verdict<Grant<'_>> {
        let TxKind::Call { to, value, data } = &intent.kind else {
            return Verdict::Elsewhere("it is about calls".to_owned());
        };
        if !self.to.holds(to) {
            return Verdict::Elsewhere(format!("{to} is not in its to"));
        }
        match data.split_first_chunk::<4>() {
            None if !self.transfer => {
                return Verdict::Elsewhere("it allows no plain transfer".to_owned());
            }
            None => {}
            Some((selector, arguments)) => {
                let Some(function) = self.functions.get(selector) else {
                    let selector = alloy_primitives::hex::encode_prefixed(selector);
                    return Verdict::Elsewhere(format!("selector {selector} is not listed"));
                };
                let values = match function.decode(arguments) {
                    Ok(values) => values,
                    Err(reason) => return Verdict::No(malformed(&reason)),
                };
                if let Err(reason) = self.bounds.check(&values, intent.key) {
                    return Verdict::No(Refusal::ArgumentNotAllowed { reason });
                }
            }
        }
        if let Some(limit) = self.value_wei_max
            && *value > limit
        {
            return Verdict::No(Refusal::OverValueLimit { asked: *value, limit });
        }
        Verdict::Yes(Grant { approvals: self.approvals.as_ref(), identity: None })
    }
}

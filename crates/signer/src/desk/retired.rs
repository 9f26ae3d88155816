//! Keys that the operator took out of service.

use std::collections::HashMap;

use alloy_primitives::Address;

use crate::{
    error::ServeError,
    keys::Keyring,
    policy::{Grants, Role},
    refusal::Refusal,
    store::Store,
    wire::{TxIntent, TxKind},
};

/// Which keys are retired, as the store said at start.
#[derive(Debug, Default)]
pub(crate) struct Retired(HashMap<Address, Retirement>);

/// What a retired key may still do.
#[derive(Debug)]
pub(crate) struct Retirement {
    drain_to: Option<Address>,
}

impl Retired {
    pub(super) fn load(keyring: &Keyring, store: &Store) -> Result<Self, ServeError> {
        let mut retired = HashMap::new();
        for ((role, index), drain_to) in store.retired().map_err(ServeError::Store)? {
            if let Some(key) = keyring.get(&role, index) {
                retired.insert(key.info.address, Retirement { drain_to });
            }
        }
        Ok(Self(retired))
    }

    /// `None`: the key is in service.
    pub(super) fn judge(&self, key: &Address) -> Option<&Retirement> {
        self.0.get(key)
    }
}

impl Retirement {
    /// A transfer to the named address needs no rule that lists it, and no budget of value: the
    /// operator allowed it. Chain, gas and fees keep their limits, those of a void.
    pub(super) fn check<'a>(
        &self,
        role: &'a Role,
        intent: &TxIntent,
    ) -> Result<Grants<'a>, Refusal> {
        match self.is_drain(intent) {
            true => role.check(&void_of(intent)),
            false => role.check(intent),
        }
    }

    /// Whether the key may give a nonce that it has not used to this.
    pub(super) fn check_new(&self, intent: &TxIntent) -> Result<(), Refusal> {
        match matches!(intent.kind, TxKind::Void {}) || self.is_drain(intent) {
            true => Ok(()),
            false => Err(Refusal::KeyRetired { key: intent.key }),
        }
    }

    pub(super) fn is_drain(&self, intent: &TxIntent) -> bool {
        matches!(&intent.kind, TxKind::Call { to, data, .. }
            if data.is_empty() && Some(*to) == self.drain_to)
    }
}

fn void_of(intent: &TxIntent) -> TxIntent {
    TxIntent { kind: TxKind::Void {}, ..intent.clone() }
}

//! One rule for typed messages.

use std::{collections::HashSet, sync::Arc};

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, Keccak256, keccak256};

use super::{ApprovalRule, Grant, Listed, calls::Verdict};
use crate::{
    bounds::{Bounds, Path},
    eip712,
    refusal::Refusal,
    shape::{Record, Shape},
    wire::{TypedDomain, TypedIntent},
};

#[derive(Debug)]
pub(super) struct MessageRule {
    pub(super) of: Arc<Record>,
    pub(super) domain: DomainRule,
    pub(super) bounds: Bounds,
    pub(super) identity: Vec<IdentityPart>,
    pub(super) approvals: Option<ApprovalRule>,
}

/// Which domains a message may have. What is absent here must be absent there.
#[derive(Debug)]
pub(super) struct DomainRule {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    pub(super) chains: Option<HashSet<u64>>,
    pub(super) verifying_contract: Option<Listed<Address>>,
    pub(super) salt: Option<B256>,
}

/// What, among others, tells one message from another.
#[derive(Debug)]
pub(super) enum IdentityPart {
    /// The signing key.
    Own,
    Field(Path, Shape),
}

impl MessageRule {
    /// The hash to sign and this rule's consent.
    pub(super) fn judge(&self, role: &str, intent: &TypedIntent) -> Verdict<(B256, Grant<'_>)> {
        if self.of.name != intent.primary_type {
            return Verdict::Elsewhere(format!("it is about {:?}", self.of.name));
        }
        if let Err(reason) = self.domain.check(&intent.domain) {
            return Verdict::No(Refusal::DomainNotAllowed { reason: reason.to_owned() });
        }
        let message = match self.of.read(&intent.message, "") {
            Ok(message) => message,
            Err(reason) => return Verdict::No(Refusal::MalformedMessage { reason }),
        };
        let values = message.as_tuple().unwrap_or_default();
        if let Err(reason) = self.bounds.check(values, intent.key) {
            return Verdict::No(Refusal::ArgumentNotAllowed { reason });
        }
        let separator = eip712::domain_separator(&intent.domain);
        let identity = match self.identity_of(role, separator, intent.key, values) {
            Ok(identity) => identity,
            Err(reason) => return Verdict::No(Refusal::MalformedMessage { reason }),
        };
        let word = eip712::word(&Shape::Record(self.of.clone()), &message);
        let digest = eip712::signing_hash(separator, word);
        Verdict::Yes((digest, Grant { approvals: self.approvals.as_ref(), identity }))
    }

    /// One number per (role, domain, type, identifying fields).
    fn identity_of(
        &self,
        role: &str,
        separator: B256,
        own: Address,
        values: &[DynSolValue],
    ) -> Result<Option<B256>, String> {
        if self.identity.is_empty() {
            return Ok(None);
        }
        let mut hash = Keccak256::new();
        hash.update(b"stoa identity 1");
        hash.update(keccak256(role));
        hash.update(separator);
        hash.update(self.of.type_hash);
        for part in &self.identity {
            match part {
                IdentityPart::Own => hash.update(own.into_word()),
                IdentityPart::Field(path, shape) => {
                    hash.update(keccak256(path.text()));
                    path.visit(values, &mut |value, _| {
                        hash.update(eip712::word(shape, value));
                        Ok(())
                    })?;
                }
            }
        }
        Ok(Some(hash.finalize()))
    }
}

impl DomainRule {
    fn check(&self, asked: &TypedDomain) -> Result<(), &'static str> {
        let chain = match (&self.chains, asked.chain_id) {
            (Some(listed), Some(chain_id)) => listed.contains(&chain_id),
            (listed, chain_id) => listed.is_none() && chain_id.is_none(),
        };
        let contract = match (&self.verifying_contract, asked.verifying_contract) {
            (Some(listed), Some(contract)) => listed.holds(&contract),
            (listed, contract) => listed.is_none() && contract.is_none(),
        };
        match () {
            () if self.name != asked.name => Err("another name"),
            () if self.version != asked.version => Err("another version"),
            () if !chain => Err("another chain_id"),
            () if !contract => Err("another verifying_contract"),
            () if self.salt != asked.salt => Err("another salt"),
            () => Ok(()),
        }
    }
}

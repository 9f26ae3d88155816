//! What each role may sign: a TOML file, default deny.

mod calls;
mod explain;
mod file;
mod messages;

use std::collections::{BTreeMap, HashSet};

use alloy_primitives::{Address, B256, U256, keccak256};

use crate::{
    refusal::Refusal,
    tx,
    wire::{DATA_BYTES_MAX, Fee, TxIntent, TxKind, TypedIntent},
};
use calls::{CallRule, Verdict};
pub use explain::{Act, Explanation, encode_call, explain};
pub(crate) use file::parse_address;
use messages::MessageRule;

/// Gas of a plain transfer, and with it of a void, where a chain counts as Ethereum does.
const TRANSFER_GAS: u64 = 21_000;
const ROLE_BYTES_MAX: usize = 32;

/// Why a policy file is refused.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// No TOML, an unknown field, or a field of the wrong type.
    #[error("the policy file cannot be read")]
    Syntax(#[from] toml::de::Error),
    /// Readable, but it makes no sense.
    #[error("policy, role {role:?}: {reason}")]
    Role {
        /// The role.
        role: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another version of the format.
    #[error("policy version {0} is not known, only 1")]
    Version(u32),
}

/// The digest under which a policy is logged and reported: Keccak-256 of the file's text.
///
/// Refuses a file that no signer would start with.
pub fn policy_digest(text: &str) -> Result<B256, PolicyError> {
    Policy::parse(text).map(|policy| policy.digest)
}

#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) digest: B256,
    roles: BTreeMap<String, Role>,
}

/// One role's rules.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) keys_max: u32,
    pub(crate) signatures_per_minute: u32,
    pub(crate) value_wei_hour_max: Option<U256>,
    pub(crate) value_wei_day_max: U256,
    chains: HashSet<u64>,
    gas_limit_max: u64,
    void_gas_limit_max: u64,
    max_fee_per_gas_max: u128,
    fee_wei_max: Option<U256>,
    value_wei_max: U256,
    calls: Vec<CallRule>,
    messages: Vec<MessageRule>,
    create: Listed<B256>,
}

#[derive(Debug)]
enum Listed<T> {
    Any,
    Only(HashSet<T>),
}

impl<T: Eq + std::hash::Hash> Listed<T> {
    fn holds(&self, item: &T) -> bool {
        match self {
            Self::Any => true,
            Self::Only(items) => items.contains(item),
        }
    }
}

/// Who must approve an act.
#[derive(Debug)]
pub(crate) struct ApprovalRule {
    pub(crate) from: HashSet<Address>,
    pub(crate) count: u32,
    pub(crate) expires_max_s: u64,
}

/// One rule's consent to a transaction or message.
#[derive(Debug)]
pub(crate) struct Grant<'a> {
    /// Still to be had, if any.
    pub(crate) approvals: Option<&'a ApprovalRule>,
    /// What identifies the message, if the rule says that something does.
    pub(crate) identity: Option<B256>,
}

impl Grant<'_> {
    const FREE: Self = Self { approvals: None, identity: None };
}

/// The rules that allow an act, at least one.
pub(crate) type Grants<'a> = Vec<Grant<'a>>;

impl Policy {
    pub(crate) fn parse(text: &str) -> Result<Self, PolicyError> {
        Ok(Self { digest: keccak256(text), roles: file::parse_roles(text)? })
    }

    pub(crate) fn role(&self, name: &str) -> Result<&Role, Refusal> {
        self.roles.get(name).ok_or_else(|| Refusal::UnknownRole { role: name.to_owned() })
    }
}

/// Role names become file names.
pub(crate) fn role_name_is_valid(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= ROLE_BYTES_MAX
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

impl Role {
    /// Everything that can be judged without knowing what was signed before.
    pub(crate) fn check(&self, intent: &TxIntent) -> Result<Grants<'_>, Refusal> {
        for (_, judged) in self.limits(intent) {
            judged?;
        }
        match &intent.kind {
            TxKind::Void {} => Ok(vec![Grant::FREE]),
            TxKind::Create { init_code, .. } => {
                self.check_create(init_code)?;
                Ok(vec![Grant::FREE])
            }
            TxKind::Call { to, data, .. } => {
                let selector = data.first_chunk::<4>().map(|selector| selector.into());
                let mut refused = Refusal::CallNotAllowed { to: *to, selector };
                let mut grants = Vec::new();
                for rule in &self.calls {
                    match rule.judge(intent) {
                        Verdict::Elsewhere(_) => {}
                        Verdict::No(refusal) => refused = refusal,
                        Verdict::Yes(grant) => grants.push(grant),
                    }
                }
                if grants.is_empty() { Err(refused) } else { Ok(grants) }
            }
        }
    }

    /// The message's hash, and the rules that allow it.
    pub(crate) fn check_message(
        &self,
        intent: &TypedIntent,
    ) -> Result<(B256, Grants<'_>), Refusal> {
        let primary_type = intent.primary_type.clone();
        let mut refused = Refusal::MessageNotAllowed { primary_type };
        let (mut digest, mut grants) = (B256::ZERO, Vec::new());
        for rule in &self.messages {
            match rule.judge(&self.name, intent) {
                // Two rules may know different types of one name, and so different hashes; what
                // is signed is the first that allows it.
                Verdict::Yes((hash, grant)) if grants.is_empty() || hash == digest => {
                    digest = hash;
                    grants.push(grant);
                }
                Verdict::Yes(_) | Verdict::Elsewhere(_) => {}
                Verdict::No(refusal) => refused = refusal,
            }
        }
        if grants.is_empty() { Err(refused) } else { Ok((digest, grants)) }
    }

    /// The role's limits for one transaction, each with what it says.
    fn limits(&self, intent: &TxIntent) -> [(&'static str, Result<(), Refusal>); 6] {
        [
            ("chain", self.check_chain(intent)),
            ("shape", check_shape(intent)),
            ("price per gas", self.check_price(intent)),
            ("gas limit", self.check_gas(intent)),
            ("fees in all", self.check_fee_total(intent)),
            ("value", self.check_value(intent)),
        ]
    }

    fn check_chain(&self, intent: &TxIntent) -> Result<(), Refusal> {
        match self.chains.contains(&intent.chain_id) {
            true => Ok(()),
            false => Err(Refusal::ChainNotAllowed { chain_id: intent.chain_id }),
        }
    }

    fn check_price(&self, intent: &TxIntent) -> Result<(), Refusal> {
        let (asked, limit) = (intent.fee.per_gas_max(), self.max_fee_per_gas_max);
        if asked > limit { Err(Refusal::OverFeeLimit { asked, limit }) } else { Ok(()) }
    }

    fn check_gas(&self, intent: &TxIntent) -> Result<(), Refusal> {
        let limit = match intent.kind {
            TxKind::Void {} => self.void_gas_limit_max,
            TxKind::Call { .. } | TxKind::Create { .. } => self.gas_limit_max,
        };
        let asked = intent.gas_limit;
        if asked > limit { Err(Refusal::OverGasLimit { asked, limit }) } else { Ok(()) }
    }

    fn check_fee_total(&self, intent: &TxIntent) -> Result<(), Refusal> {
        // 64 by 128 bits: no overflow.
        let asked = U256::from(intent.gas_limit) * U256::from(intent.fee.per_gas_max());
        match self.fee_wei_max {
            Some(limit) if asked > limit => Err(Refusal::OverFeeTotal { asked, limit }),
            _ => Ok(()),
        }
    }

    fn check_value(&self, intent: &TxIntent) -> Result<(), Refusal> {
        let (asked, limit) = (tx::value(&intent.kind), self.value_wei_max);
        if asked > limit { Err(Refusal::OverValueLimit { asked, limit }) } else { Ok(()) }
    }

    fn check_create(&self, init_code: &[u8]) -> Result<(), Refusal> {
        let init_code_hash = keccak256(init_code);
        match self.create.holds(&init_code_hash) {
            true => Ok(()),
            false => Err(Refusal::CreateNotAllowed { init_code_hash }),
        }
    }
}

/// What no chain would take, or what contradicts itself.
fn check_shape(intent: &TxIntent) -> Result<(), Refusal> {
    if let Fee::Eip1559 { max_fee_per_gas, max_priority_fee_per_gas } = intent.fee
        && max_priority_fee_per_gas > max_fee_per_gas
    {
        return Err(malformed("the priority fee is above the whole fee"));
    }
    if intent.gas_limit < TRANSFER_GAS {
        return Err(malformed("the gas limit is below 21000"));
    }
    let data: &[u8] = match &intent.kind {
        TxKind::Call { data, .. } if (1..4).contains(&data.len()) => {
            return Err(malformed("calldata shorter than a selector"));
        }
        TxKind::Call { data, .. } => data,
        TxKind::Create { init_code, .. } => init_code,
        TxKind::Void {} => &[],
    };
    if data.len() > DATA_BYTES_MAX {
        return Err(malformed("more than 131072 bytes of data"));
    }
    Ok(())
}

fn malformed(reason: &str) -> Refusal {
    Refusal::MalformedCall { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;

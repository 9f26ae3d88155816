//! Why the signer says no.

use alloy_primitives::{Address, B256, Selector, U256};
use serde::{Deserialize, Serialize};

use crate::wire::decimal;

/// Why the signer will not do it. Asking again unchanged is pointless unless
/// [`Refusal::is_temporary`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Refusal {
    /// No such key here.
    #[error("no key {key}")]
    UnknownKey {
        /// Address asked for.
        key: Address,
    },
    /// The policy has no such role.
    #[error("no role {role:?} in the policy")]
    UnknownRole {
        /// Role asked for.
        role: String,
    },
    /// The role may have no more keys.
    #[error("a role's keys are numbered below {limit}")]
    TooManyKeys {
        /// The role's `keys_max`.
        limit: u32,
    },
    /// The role may not sign on this chain.
    #[error("chain {chain_id} is not allowed")]
    ChainNotAllowed {
        /// Chain asked for.
        chain_id: u64,
    },
    /// The policy lists no such call.
    #[error("call of {} at {to} is not allowed", selector_text(.selector))]
    CallNotAllowed {
        /// Receiver.
        to: Address,
        /// First four bytes of calldata; none for a plain transfer.
        selector: Option<Selector>,
    },
    /// The policy does not list this init code.
    #[error("creation with init code {init_code_hash} is not allowed")]
    CreateNotAllowed {
        /// Its Keccak-256.
        init_code_hash: B256,
    },
    /// The intent contradicts itself, or its calldata is not the canonical encoding of the
    /// function's arguments.
    #[error("malformed: {reason}")]
    MalformedCall {
        /// What is wrong.
        reason: String,
    },
    /// Gas limit above the role's.
    #[error("gas limit {asked} above {limit}")]
    OverGasLimit {
        /// Gas asked for.
        asked: u64,
        /// The role's limit.
        limit: u64,
    },
    /// Price per gas above the role's limit.
    #[error("{asked} wei per gas above {limit}")]
    OverFeeLimit {
        /// Wei per gas asked for.
        #[serde(with = "decimal")]
        asked: u128,
        /// The role's limit.
        #[serde(with = "decimal")]
        limit: u128,
    },
    /// Value above the role's limit for one transaction.
    #[error("{asked} wei above {limit} for one transaction")]
    OverValueLimit {
        /// Wei asked for.
        asked: U256,
        /// The role's limit.
        limit: U256,
    },
    /// Gas limit times price above the role's limit for one transaction.
    #[error("{asked} wei of fees above {limit} for one transaction")]
    OverFeeTotal {
        /// The most that the transaction could cost.
        asked: U256,
        /// The role's limit.
        limit: U256,
    },
    /// Value above what is left of the role's limit for this hour on this chain.
    #[error("{asked} wei above {limit} for one hour, of which {spent} is spent")]
    OverHourlyValue {
        /// Wei asked for.
        asked: U256,
        /// Wei signed away this hour.
        spent: U256,
        /// The role's limit.
        limit: U256,
    },
    /// Value above what is left of the role's limit for this UTC day on this chain.
    #[error("{asked} wei above {limit} for one day, of which {spent} is spent")]
    OverDailyValue {
        /// Wei asked for.
        asked: U256,
        /// Wei signed away today.
        spent: U256,
        /// The role's limit.
        limit: U256,
    },
    /// The role's signatures for this minute are used up; ask again in the next.
    #[error("more than {limit} signatures in one minute")]
    OverRate {
        /// Signatures per minute.
        limit: u32,
    },
    /// Another call was signed at this nonce before.
    #[error("nonce {nonce} belongs to call {signed}, not {asked}")]
    NonceConflict {
        /// The nonce.
        nonce: u64,
        /// Digest of the call that owns it.
        signed: B256,
        /// Digest of the call asked for.
        asked: B256,
    },
    /// The key is held elsewhere, and no signature came from there in time. The nonce or message
    /// is the asker's all the same; ask again.
    #[error("the back end of key {key} gave no signature")]
    KeyUnavailable {
        /// Address of the key.
        key: Address,
    },
    /// The key is out of service: it signs voids, other prices of what it has signed, and
    /// transfers to the address that the operator named.
    #[error("key {key} is retired")]
    KeyRetired {
        /// Address of the key.
        key: Address,
    },
    /// This nonce has been priced too often.
    #[error("more than {limit} variants at one nonce")]
    TooManyVariants {
        /// Most variants of one nonce.
        limit: u32,
    },
    /// A listed call or message with an argument or field outside the policy's bounds.
    #[error("not within bounds: {reason}")]
    ArgumentNotAllowed {
        /// Path, value, bound.
        reason: String,
    },
    /// The policy lists no such message.
    #[error("message {primary_type:?} is not allowed")]
    MessageNotAllowed {
        /// Type asked for.
        primary_type: String,
    },
    /// The message is listed, but not for this domain.
    #[error("the domain is not allowed: {reason}")]
    DomainNotAllowed {
        /// Which field of it.
        reason: String,
    },
    /// The message is not of its type.
    #[error("malformed message: {reason}")]
    MalformedMessage {
        /// What is wrong.
        reason: String,
    },
    /// Another message of the same identity was signed before.
    #[error("the message's identity belongs to {signed}, not {asked}")]
    MessageConflict {
        /// Hash of the message that has the identity.
        signed: B256,
        /// Hash of the message asked for.
        asked: B256,
    },
    /// The policy wants others to approve this act first: ask again with their approvals.
    #[error("act {act} needs {needed} approvals and has {valid}")]
    ApprovalRequired {
        /// What must be approved: [`crate::transaction_act`] or [`crate::message_act`].
        act: B256,
        /// Approvals needed, each by another operator.
        needed: u32,
        /// Of those sent along, how many count.
        valid: u32,
        /// How long an approval may last, in seconds.
        expires_max_s: u64,
        /// By which rule.
        rule: Box<ApprovedBy>,
        /// Why the others don't count.
        refused: Vec<String>,
    },
}

/// Of the rule that wants approvals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovedBy {
    /// Who may approve.
    pub operators: Vec<Address>,
    /// The role that has the rule.
    pub role: String,
    /// Keccak-256 of the policy file.
    pub policy: B256,
}

impl Refusal {
    /// A short name that never changes, the same as on the wire: for metrics and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownKey { .. } => "unknown_key",
            Self::UnknownRole { .. } => "unknown_role",
            Self::TooManyKeys { .. } => "too_many_keys",
            Self::ChainNotAllowed { .. } => "chain_not_allowed",
            Self::CallNotAllowed { .. } => "call_not_allowed",
            Self::CreateNotAllowed { .. } => "create_not_allowed",
            Self::MalformedCall { .. } => "malformed_call",
            Self::OverGasLimit { .. } => "over_gas_limit",
            Self::OverFeeLimit { .. } => "over_fee_limit",
            Self::OverFeeTotal { .. } => "over_fee_total",
            Self::OverValueLimit { .. } => "over_value_limit",
            Self::OverHourlyValue { .. } => "over_hourly_value",
            Self::OverDailyValue { .. } => "over_daily_value",
            Self::OverRate { .. } => "over_rate",
            Self::NonceConflict { .. } => "nonce_conflict",
            Self::KeyUnavailable { .. } => "key_unavailable",
            Self::KeyRetired { .. } => "key_retired",
            Self::TooManyVariants { .. } => "too_many_variants",
            Self::ArgumentNotAllowed { .. } => "argument_not_allowed",
            Self::MessageNotAllowed { .. } => "message_not_allowed",
            Self::DomainNotAllowed { .. } => "domain_not_allowed",
            Self::MalformedMessage { .. } => "malformed_message",
            Self::MessageConflict { .. } => "message_conflict",
            Self::ApprovalRequired { .. } => "approval_required",
        }
    }

    /// Whether the same request may be granted later: in another minute, hour or day, or when the
    /// key's back end is there again.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::OverRate { .. }
                | Self::OverDailyValue { .. }
                | Self::OverHourlyValue { .. }
                | Self::KeyUnavailable { .. }
        )
    }
}

fn selector_text(selector: &Option<Selector>) -> String {
    selector.map_or_else(|| "nothing (plain transfer)".to_owned(), |s| s.to_string())
}

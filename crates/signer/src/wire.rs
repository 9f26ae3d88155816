//! Shapes of the protocol between the engine and the signer: JSON, unknown fields refused.
//!
//! Amounts wider than 64 bits travel as strings, so that no JSON number is ever rounded.

use std::fmt;

use alloy_primitives::{Address, B256, Bytes, Selector, U256};
use serde::{Deserialize, Serialize};

/// Most intents in one `sign_transactions` request.
pub const INTENTS_MAX: usize = 256;
/// Most bytes of calldata or init code in one intent; nodes refuse larger transactions anyway.
pub const DATA_BYTES_MAX: usize = 128 * 1024;

/// A transaction which the signer is asked to sign, before any encoding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TxIntent {
    /// Address of the signing key.
    pub key: Address,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Account nonce.
    pub nonce: u64,
    /// What the transaction does.
    pub kind: TxKind,
    /// Gas limit.
    pub gas_limit: u64,
    /// What it offers per unit of gas.
    pub fee: Fee,
}

/// What a transaction does. Together with key, chain and nonce this is its identity; fees and the
/// gas limit are not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TxKind {
    /// A message call, or with empty `data` a plain transfer.
    Call {
        /// Receiver.
        to: Address,
        /// Wei sent along.
        value: U256,
        /// Calldata.
        data: Bytes,
    },
    /// A contract creation.
    Create {
        /// Wei sent along.
        value: U256,
        /// Init code with constructor arguments.
        init_code: Bytes,
    },
    /// Uses a nonce up: zero wei from the key to itself, without data.
    Void {},
}

/// Price per unit of gas, in wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fee {
    /// A type 2 transaction.
    Eip1559 {
        /// Most in all.
        #[serde(with = "decimal")]
        max_fee_per_gas: u128,
        /// Most to the block's producer; not above `max_fee_per_gas`.
        #[serde(with = "decimal")]
        max_priority_fee_per_gas: u128,
    },
    /// A type 0 transaction with an EIP-155 chain id.
    Legacy {
        /// Price.
        #[serde(with = "decimal")]
        gas_price: u128,
    },
}

impl Fee {
    /// The most that one unit of gas can cost.
    pub fn per_gas_max(&self) -> u128 {
        match *self {
            Self::Eip1559 { max_fee_per_gas, .. } => max_fee_per_gas,
            Self::Legacy { gas_price } => gas_price,
        }
    }
}

/// A signed transaction, ready to broadcast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedTx {
    /// EIP-2718 bytes.
    pub raw: Bytes,
    /// Transaction hash.
    pub hash: B256,
}

/// Per intent: the signed bytes, or why not.
pub type SignOutcome = Result<SignedTx, Refusal>;

/// A key and what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyInfo {
    /// Its address.
    pub address: Address,
    /// Role in the policy.
    pub role: String,
    /// Number within the role, from 0.
    pub index: u32,
}

/// Everything ever signed at one nonce of one key on one chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedNonce {
    /// Digest of the call that owns this nonce: [`crate::call_digest`]. Of the void, if only the
    /// void was ever signed here.
    pub digest: B256,
    /// All variants, oldest first.
    pub variants: Vec<SignedVariant>,
}

/// One signed transaction of a nonce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedVariant {
    /// Transaction hash.
    pub hash: B256,
    /// Whether it is the void and not the call.
    pub void: bool,
    /// EIP-2718 bytes; only the last 16 variants keep them, and only of recent nonces.
    pub raw: Option<Bytes>,
}

/// State of the signer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Keccak-256 of the policy file, so that an operator can attest what is in force.
    pub policy_digest: B256,
    /// Keys held.
    pub keys: u32,
    /// Process id of the signer.
    pub pid: u32,
}

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
    /// The key is held elsewhere, and no signature came from there in time. The nonce is this
    /// call's all the same; ask again.
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
}

impl Refusal {
    /// Whether the same request may be granted later: in another minute, on another
    /// day, or when the key's back end is there again.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::OverRate { .. } | Self::OverDailyValue { .. } | Self::KeyUnavailable { .. }
        )
    }
}

fn selector_text(selector: &Option<Selector>) -> String {
    selector.map_or_else(|| "nothing (plain transfer)".to_owned(), |s| s.to_string())
}

/// A request frame.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) call: Call,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Call {
    EnsureKey { role: String, index: u32 },
    ListKeys {},
    SignTransactions { intents: Vec<TxIntent> },
    Signed { key: Address, chain_id: u64, nonce: u64 },
    Health {},
}

/// An answer frame; `id` is the request's, or 0 if the request could not be read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Response {
    pub(crate) id: u64,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Outcome {
    Key(KeyInfo),
    Keys(Vec<KeyInfo>),
    Transactions(Vec<SignOutcome>),
    Signed(Option<SignedNonce>),
    Health(Health),
    Refused(Refusal),
    Fault(Fault),
}

/// Why a request was not judged at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// The frame is no request of this protocol; the connection ends.
    Malformed,
    /// The signer's own disk or keystore failed.
    Internal,
    /// Too much in flight.
    Busy,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the signer could not read the request",
            Self::Internal => "the signer failed inside",
            Self::Busy => "the signer is busy",
        })
    }
}

/// `u128` as a decimal string.
mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

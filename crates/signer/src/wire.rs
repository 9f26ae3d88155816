//! Shapes of the protocol between the engine and the signer: JSON, unknown fields refused.
//!
//! Amounts wider than 64 bits travel as strings, so that no JSON number is ever rounded.

use std::fmt;

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{approval::Approval, refusal::Refusal};

/// Most intents in one `sign_transactions` request.
pub const INTENTS_MAX: usize = 256;
/// Most bytes of calldata or init code in one intent; nodes refuse larger transactions anyway.
pub const DATA_BYTES_MAX: usize = 128 * 1024;
/// Most approvals in one request.
pub const APPROVALS_MAX: usize = 64;

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

/// An EIP-712 message which the signer is asked to sign, as values: it has the types itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypedIntent {
    /// Address of the signing key.
    pub key: Address,
    /// Whom the message is for.
    pub domain: TypedDomain,
    /// Name of the message's type.
    pub primary_type: String,
    /// The fields: integers as decimal strings, `0x` strings or JSON integers; addresses and bytes
    /// as `0x` strings; structs as objects with exactly their fields.
    pub message: Value,
}

/// An EIP-712 domain. Absent fields are not part of the domain's type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypedDomain {
    /// `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `chainId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<u64>,
    /// `verifyingContract`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifying_contract: Option<Address>,
    /// `salt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<B256>,
}

/// A signed message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedTyped {
    /// r, s, and v as 27 or 28: 65 bytes, as contracts take it.
    pub signature: Bytes,
    /// The EIP-712 hash that was signed.
    pub digest: B256,
}

/// Per message: its signature, or why not.
pub type TypedOutcome = Result<SignedTyped, Refusal>;

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
    /// Number of the audit log's last line.
    pub audit_seq: u64,
    /// That line's SHA-256: kept elsewhere, it shows whether the log's end was cut off.
    pub audit_hash: B256,
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
    EnsureKey {
        role: String,
        index: u32,
    },
    ListKeys {},
    SignTransactions {
        intents: Vec<TxIntent>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        approvals: Vec<Approval>,
    },
    SignTyped {
        intents: Vec<TypedIntent>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        approvals: Vec<Approval>,
    },
    Signed {
        key: Address,
        chain_id: u64,
        nonce: u64,
    },
    Health {},
    Metrics {},
}

impl Call {
    /// Whether it asks for more at once than the protocol allows.
    pub(crate) fn is_too_long(&self) -> bool {
        let (intents, approvals) = match self {
            Self::SignTransactions { intents, approvals } => (intents.len(), approvals.len()),
            Self::SignTyped { intents, approvals } => (intents.len(), approvals.len()),
            _ => (0, 0),
        };
        intents > INTENTS_MAX || approvals > APPROVALS_MAX
    }
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
    Typed(Vec<TypedOutcome>),
    Signed(Option<SignedNonce>),
    Health(Health),
    Metrics(String),
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
pub(crate) mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(value: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

//! Calls that operators ask for, and all transactions of the engine.

use crate::{Block, Fact, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How soon a transaction should be mined, within its fee cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    Low,
    #[default]
    Normal,
    High,
    Urgent,
}

/// What the failure of a transaction means for those after it under the same ordering key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// They wait until somebody replaces it, queues it again, or cancels it.
    #[default]
    Block,
    /// They go on.
    Free,
}

/// A call by name and types; without `function` a plain transfer of `value`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallRequest {
    /// An address. One of `to` and `contract`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    pub to: Option<String>,
    /// A name from `GET /api/v1/abis`, or `default_collection`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// Name, or signature where several share a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "transfer(address,uint256)")]
    pub function: Option<String>,
    /// By position (an array) or by name (an object). Integers are decimal strings, or numbers up
    /// to 2^53; bytes are hexadecimal with `0x`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        value_type = Option<Object>,
        example = json!(["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "1000"]),
    )]
    pub args: Option<Value>,
    /// Wei: a decimal string, or a number up to 2^53. 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1000000000000000")]
    pub value: Option<Value>,
    /// Estimated when absent, plus a fifth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 100_000)]
    pub gas_limit: Option<u64>,
}

/// A transaction to be sent.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransactionRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 31337)]
    pub chain_id: Option<u64>,
    /// Which wallets may send it; the first role for calls when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "operator")]
    pub role: Option<String>,
    /// The one wallet of the role that must send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    pub to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub args: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1000000000000000")]
    pub value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gas_limit: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    /// Wei per gas: it never offers more. The chain's own cap holds as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "50000000000")]
    pub fee_cap: Option<Value>,
    /// RFC 3339: not sent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:00:00Z")]
    pub not_before: Option<String>,
    /// RFC 3339: when it is not mined by then, it ends as `expired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// -1000 to 1000, higher goes first; a step is worth 30 seconds of waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1000, maximum = 1000)]
    pub priority: Option<i16>,
    /// Transactions with one key go out from one wallet, in the order of acceptance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "account-17")]
    pub ordering_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// The call that undoes this one: sent once, from the same role, if it ends as `failed` or
    /// `expired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensation: Option<CallRequest>,
}

/// A transaction of the engine.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Transaction {
    pub id: Uuid,
    pub status: Status,
    /// Why it failed, when it did: a code, and after `: ` a text.
    pub reason: Option<String>,
    /// `call` and `transfer` were asked for here; others belong to products.
    #[schema(example = "call")]
    pub kind: String,
    /// Of a call: the function's signature.
    #[schema(example = "transfer(address,uint256)")]
    pub label: Option<String>,
    #[schema(example = 31337)]
    pub chain_id: u64,
    #[schema(example = "operator")]
    pub role: String,
    /// Who sends it; absent until a wallet takes it.
    pub wallet: Option<String>,
    /// Absent when it creates a contract.
    pub to: Option<String>,
    /// Wei.
    #[schema(example = "1000000000000000")]
    pub value: String,
    pub nonce: Option<u64>,
    pub tx_hash: Option<String>,
    pub block: Option<Block>,
    /// It was mined and reverted; `failed` once that is final.
    pub reverted: bool,
    pub urgency: Urgency,
    /// Wei per gas.
    pub fee_cap: Option<String>,
    pub gas_limit: Option<u64>,
    pub priority: i16,
    pub not_before: Option<String>,
    pub deadline: Option<String>,
    pub ordering_key: Option<String>,
    pub on_failure: OnFailure,
    /// Somebody asked to stop it; it may be mined all the same.
    pub cancel_requested_at: Option<String>,
    /// The transaction whose place it takes.
    pub replaces: Option<Uuid>,
    /// The transaction that it undoes.
    pub compensates: Option<Uuid>,
    /// How often it was queued again after its end.
    pub redrives: u32,
    #[schema(example = "2026-11-20T12:00:00.000Z")]
    pub created_at: String,
    pub updated_at: String,
}

/// One signed form of a transaction. All attempts share the nonce.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TransactionAttempt {
    pub attempt: u16,
    pub wallet: String,
    pub nonce: u64,
    /// Absent until it is signed.
    pub tx_hash: Option<String>,
    pub gas_limit: u64,
    /// Wei per gas.
    pub max_fee: String,
    pub max_priority_fee: String,
    /// Not the call, but a zero transfer that uses the nonce up.
    pub void: bool,
    /// What nodes said when they got it: `accepted`, `rejected` or `unknown`.
    pub sent: Option<String>,
    pub sent_error: Option<String>,
    pub sent_at: Option<String>,
    pub created_at: String,
}

/// A call, decoded by the ABI of its target.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DecodedCall {
    /// Name of the contract in the registry.
    pub contract: String,
    pub function: String,
    pub signature: String,
    #[schema(value_type = Object)]
    pub args: Value,
}

/// Why a call fails or failed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CallFailure {
    /// `reverted`, `panicked`, `refused` by the node, the name of a contract's error, or a reason
    /// of the engine's own.
    #[schema(example = "ERC20InsufficientBalance")]
    pub code: String,
    pub text: String,
    /// Of a contract's error.
    pub signature: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub args: Option<Value>,
    pub data: Option<String>,
}

/// A transaction with all that was done for it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TransactionDetail {
    #[serde(flatten)]
    pub transaction: Transaction,
    /// Calldata, or creation code; cut after 128 KiB.
    pub input: String,
    /// Absent when the target's ABI is not known.
    pub call: Option<DecodedCall>,
    pub failure: Option<CallFailure>,
    /// The declared undo: target, value and calldata.
    #[schema(value_type = Option<Object>)]
    pub compensation: Option<Value>,
    pub attempts: Vec<TransactionAttempt>,
    /// Present when the signer has asked for a second person's consent.
    pub approval: Option<TransactionApproval>,
}

/// What the signer wants approved before it signs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TransactionApproval {
    /// Since when the transaction waits for it; absent when it waits no more.
    pub wanted_at: Option<String>,
    /// Digest of what is approved: key, chain, receiver, value and data; neither nonce nor fees.
    pub act: String,
    /// What it is the digest of, as `stoa signer approve --intent` reads it.
    #[schema(value_type = Object)]
    pub intent: Value,
    /// The role whose rule wants it, in the signer's policy of the digest `policy`.
    pub role: String,
    pub policy: String,
    /// Addresses of those who may approve, and how many of them must.
    pub operators: Vec<String>,
    pub needed: u32,
    /// How long an approval may last, in seconds.
    pub expires_seconds_max: u64,
    /// Why approvals that the signer saw did not count.
    pub refused: Vec<String>,
    /// Approvals that were brought, oldest first.
    pub given: Vec<GivenApproval>,
}

/// An approval that was brought.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GivenApproval {
    pub operator: String,
    pub act: String,
    pub expires_at: Option<String>,
    pub created_at: String,
}

/// An operator's signed consent, as `stoa signer approve` prints it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// The digest that is approved.
    #[schema(value_type = String)]
    pub act: Value,
    /// Seconds since 1970, UTC, from which on it no longer counts.
    pub expires: u64,
    /// 32 random bytes.
    #[schema(value_type = String)]
    pub salt: Value,
    /// r, s and v over the EIP-712 message `Approval`: 65 bytes.
    #[schema(value_type = String)]
    pub signature: Value,
}

/// One page of transactions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TransactionList {
    pub items: Vec<Transaction>,
    pub next_cursor: Option<String>,
}

/// The history of one transaction, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TransactionFacts {
    pub facts: Vec<Fact>,
}

/// Which transactions to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TransactionListQuery {
    pub chain_id: Option<u64>,
    pub status: Option<String>,
    pub kind: Option<String>,
    pub role: Option<String>,
    /// Address of a wallet.
    pub wallet: Option<String>,
    pub ordering_key: Option<String>,
    /// RFC 3339: only those asked for at this time or later.
    pub since: Option<String>,
    /// `true`: only those that wait for operators' approvals; `false`: only the others.
    pub awaiting_approval: Option<bool>,
    /// `next_cursor` of the page before, with the same filters.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

/// A call to be tried without sending it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuoteRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 31337)]
    pub chain_id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub args: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
}

/// What a call would do and cost at the head.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TransactionQuote {
    /// The call goes through.
    pub succeeds: bool,
    pub chain_id: u64,
    pub from: String,
    pub to: String,
    pub value: String,
    pub input: String,
    /// This and what follows is absent when the call fails.
    pub gas_estimate: Option<u64>,
    /// What the transaction would be given.
    pub gas_limit: Option<u64>,
    /// Wei per gas; absent on chains without.
    pub base_fee: Option<String>,
    /// Wei per gas: what would be offered, by the urgency.
    pub max_fee: Option<String>,
    pub max_priority_fee: Option<String>,
    /// Wei: what a rollup takes for publishing on L1.
    pub l1_fee: Option<String>,
    /// Wei: what it would cost in the next block, L1 included; the value comes on top.
    pub fee_likely: Option<String>,
    /// Wei: what it could cost at the very most.
    pub fee_max: Option<String>,
    /// What the function answers, decoded.
    #[schema(value_type = Option<Object>)]
    pub returns: Option<Value>,
    pub return_data: Option<String>,
    pub failure: Option<CallFailure>,
}

/// Nothing needs to be said.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelRequest {}

/// What a transaction may offer from now on; at least one of both.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpeedUpRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    /// Wei per gas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "100000000000")]
    pub fee_cap: Option<Value>,
}

/// How a transaction is queued again.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedriveRequest {
    /// RFC 3339: instead of one that has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
}

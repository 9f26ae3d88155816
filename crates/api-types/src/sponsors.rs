//! Sponsors, and the calls of users that they pay for.

use crate::{Block, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A function that a sponsor pays for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SponsorRule {
    #[schema(example = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    pub target: String,
    /// A signature in canonical form, or a selector such as `0xa9059cbb`.
    #[schema(example = "setApprovalForAll(address,bool)")]
    pub function: String,
}

/// Whether a sponsor pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SponsorState {
    Active,
    /// It takes nothing new; what was accepted goes on.
    Paused,
}

/// A sponsor to make. What is left out is nothing: no budget, no rule.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SponsorRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 31337)]
    pub chain_id: Option<u64>,
    /// Unique on its chain, 1 to 64 characters.
    #[schema(example = "welcome")]
    pub name: String,
    /// The principal whose keys may spend it; the caller's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Uuid>,
    /// Wei of gas per UTC day: a decimal string, or a number up to 2^53.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1000000000000000000")]
    pub day_budget: Option<Value>,
    /// Wei of gas in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "20000000000000000000")]
    pub total_budget: Option<Value>,
    /// Wei of gas per user and UTC day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "50000000000000000")]
    pub user_day_budget: Option<Value>,
    /// Requests per user and UTC day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 10)]
    pub user_day_requests: Option<u32>,
    /// Of a request's `gas`, 5000 to 16777216; 1000000 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 300_000)]
    pub gas_max: Option<u64>,
    /// At most 100. What is not listed is not paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<SponsorRule>>,
}

/// What is to change about a sponsor; what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SponsorChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<SponsorState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub day_budget: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub total_budget: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub user_day_budget: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_day_requests: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gas_max: Option<u64>,
    /// In the place of all that there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<SponsorRule>>,
}

/// Amounts of one sponsor, in wei of gas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SponsorAmounts {
    #[schema(example = "1000000000000000000")]
    pub day: String,
    #[schema(example = "20000000000000000000")]
    pub total: String,
    /// Of one user on a day: `user` in the query says which, a new one otherwise.
    #[schema(example = "50000000000000000")]
    pub user_day: String,
    /// Requests of that user on a day.
    #[schema(example = 10)]
    pub user_day_requests: u32,
}

/// Who pays for which calls.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Sponsor {
    pub id: Uuid,
    #[schema(example = 31337)]
    pub chain_id: u64,
    #[schema(example = "welcome")]
    pub name: String,
    /// The principal whose keys may spend it.
    pub owner: Uuid,
    pub state: SponsorState,
    /// The UTC day that `used` and `left` tell of.
    #[schema(example = "2026-11-21")]
    pub day: String,
    pub limits: SponsorAmounts,
    /// Reserved for what is under way, or paid.
    pub used: SponsorAmounts,
    pub left: SponsorAmounts,
    pub gas_max: u64,
    pub rules: Vec<SponsorRule>,
    pub created_at: String,
    pub updated_at: String,
}

/// One page of sponsors.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SponsorList {
    pub items: Vec<Sponsor>,
    pub next_cursor: Option<String>,
}

/// Which sponsors to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SponsorListQuery {
    pub chain_id: Option<u64>,
    /// `next_cursor` of the page before, with the same filters.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

/// Of whom a sponsor's part is told.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SponsorQuery {
    /// Address of a user.
    pub user: Option<String>,
}

/// How a user consents to a call that somebody else pays for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// ERC-2771.
    #[default]
    ForwardRequest,
    /// ERC-4337; `not_supported` yet.
    UserOperation,
    /// EIP-7702; `not_supported` yet.
    DelegatedCall,
}

/// What a user signs (`ForwardRequest` of OpenZeppelin's `ERC2771Forwarder`). Integers are decimal
/// strings, or numbers up to 2^53.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardRequest {
    /// The user.
    #[schema(example = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8")]
    pub from: String,
    #[schema(example = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    pub to: String,
    /// Wei. Must be 0: a sponsor pays for gas only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "0")]
    pub value: Option<Value>,
    /// That the call gets.
    #[schema(value_type = String, example = "80000")]
    pub gas: Value,
    /// The forwarder's, of the user: its `nonces(user)` and those of requests under way.
    #[schema(value_type = String, example = "0")]
    pub nonce: Value,
    /// Unix seconds, 120 s to 24 h ahead.
    #[schema(value_type = String, example = "1795300000")]
    pub deadline: Value,
    /// Calldata, without the user's address behind it.
    #[schema(example = "0xa22cb465")]
    pub data: String,
}

/// A call that a user signed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SponsoredRequest {
    pub sponsor_id: Uuid,
    #[serde(default)]
    pub consent: Consent,
    /// Must be the sponsor's, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<u64>,
    /// Must be the engine's, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarder: Option<String>,
    pub request: ForwardRequest,
    /// 65 bytes r, s, v; v is 27 or 28, s is low.
    pub signature: String,
}

/// A call that a user is to sign.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrepareRequest {
    pub sponsor_id: Uuid,
    #[serde(default)]
    pub consent: Consent,
    /// The user.
    #[schema(example = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8")]
    pub from: String,
    /// An address. One of `to` and `contract`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// A name from `GET /api/v1/abis`, or `default_collection`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "default_collection")]
    pub contract: Option<String>,
    /// Name, or signature where several share a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "setApprovalForAll")]
    pub function: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub args: Option<Value>,
    /// Calldata, in the place of `function` and `args`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Estimated when absent, plus three tenths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "80000")]
    pub gas: Option<Value>,
    /// Unix seconds; an hour ahead when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1795300000")]
    pub deadline: Option<Value>,
}

/// What a user has to sign.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PreparedRequest {
    pub chain_id: u64,
    pub forwarder: String,
    /// To be sent in unchanged, with the signature.
    pub request: ForwardRequest,
    /// For `eth_signTypedData_v4`.
    #[schema(value_type = Object)]
    pub typed_data: Value,
    /// EIP-712 hash of it.
    pub digest: String,
    /// What it can cost the sponsor at most, in wei.
    #[schema(example = "400000000000000")]
    pub cost_max: String,
}

/// A call that a user signed, and its way to the chain.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SponsoredTransaction {
    pub id: Uuid,
    pub sponsor_id: Uuid,
    pub status: Status,
    /// Why it failed, expired, or reverted.
    pub reason: Option<String>,
    pub consent: Consent,
    #[schema(example = 31337)]
    pub chain_id: u64,
    pub forwarder: String,
    pub user: String,
    /// The forwarder's, of the user.
    pub nonce: u64,
    pub to: String,
    /// Of the function.
    #[schema(example = "0xa22cb465")]
    pub selector: String,
    pub gas: u64,
    /// Unix seconds.
    pub deadline: i64,
    /// What the user signed.
    pub digest: String,
    /// The transaction that carries it.
    pub transaction_id: Uuid,
    pub tx_hash: Option<String>,
    pub block: Option<Block>,
    /// It was mined and had no effect.
    pub reverted: bool,
    /// Wei: the most that it can cost.
    pub reserved: String,
    /// Wei: what it did cost; absent until that is final.
    pub cost: Option<String>,
    pub settled_at: Option<String>,
    pub created_at: String,
}

/// One page of sponsored transactions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SponsoredList {
    pub items: Vec<SponsoredTransaction>,
    pub next_cursor: Option<String>,
}

/// Which sponsored transactions to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SponsoredListQuery {
    pub sponsor_id: Option<Uuid>,
    /// Address of a user.
    pub user: Option<String>,
    pub status: Option<String>,
    /// `next_cursor` of the page before, with the same filters.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

//! Contracts that can be called by name and types.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// The ABI of a contract that is not ours.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AbiRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 31337)]
    pub chain_id: Option<u64>,
    #[schema(example = "0xDc64a140Aa3E981100a9becA4E685f962f0cF6C9")]
    pub address: String,
    /// What calls may name it by: letters, digits, `_`, `-` and `.`, unique per chain.
    #[schema(example = "Treasury")]
    pub name: String,
    /// The array that compilers write; at most 1,000 items and 256 KiB.
    #[schema(value_type = Vec<Object>)]
    pub abi: Value,
}

/// Where an ABI comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AbiSource {
    /// The contract is the engine's own.
    BuiltIn,
    Uploaded,
}

/// A contract that can be called by name and types.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AbiEntry {
    #[schema(example = 31337)]
    pub chain_id: u64,
    pub address: String,
    #[schema(example = "StoaCollectionFactory")]
    pub name: String,
    pub source: AbiSource,
    pub created_at: String,
}

/// An ABI with what can be called.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AbiDetail {
    #[serde(flatten)]
    pub entry: AbiEntry,
    /// Signatures of all functions.
    #[schema(example = json!(["transfer(address,uint256)"]))]
    pub functions: Vec<String>,
    /// Absent in the answer to an upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub abi: Option<Value>,
}

/// One page of the registry.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AbiList {
    pub items: Vec<AbiEntry>,
    pub next_cursor: Option<String>,
}

/// Which contracts to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AbiListQuery {
    pub chain_id: Option<u64>,
    /// `next_cursor` of the page before, with the same filters.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

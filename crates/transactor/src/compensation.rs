//! The call that undoes a job, declared with it.

use alloy_primitives::{Address, Bytes, U256};
use serde::{Deserialize, Serialize};

/// A call that is queued, once, when the job that declares it ends as failed or expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compensation {
    /// What it is to the product.
    pub kind: String,
    /// Which wallets may send it; those of the job itself if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    pub to: Address,
    #[serde(default)]
    pub value: U256,
    #[serde(default)]
    pub input: Bytes,
    /// None: estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gas_limit: Option<u64>,
}

impl Compensation {
    /// From its stored form.
    pub(crate) fn parse(stored: serde_json::Value) -> Option<Self> {
        serde_json::from_value(stored).ok()
    }

    /// Its stored form.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}

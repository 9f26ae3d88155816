//! Many mints in one request.

use crate::{Metadata, Mint};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Mints to be made: all of them, or none.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MintBatchRequest {
    /// 1 to 256.
    #[schema(min_items = 1, max_items = 256)]
    pub items: Vec<MintBatchItem>,
}

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MintBatchItem {
    /// Your own, unique for ever: the `Idempotency-Key` that this mint would have in a request of
    /// its own. One that was minted before with the same content is not minted again.
    #[schema(example = "order-4711")]
    pub id: String,
    /// Who shall own the item. In mixed case it must satisfy EIP-55.
    #[schema(example = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    pub to: String,
    /// Where the item's metadata lies. At most one of `uri` and `metadata`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy")]
    pub uri: Option<String>,
    /// A metadata document, stored first as by `POST /api/v1/metadata`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Metadata>)]
    pub metadata: Option<Box<serde_json::value::RawValue>>,
    /// Its address; the default collection when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 31337)]
    pub chain_id: Option<u64>,
}

/// What became of a batch, in the order asked for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MintBatch {
    pub items: Vec<BatchedMint>,
}

/// An item of the request, and its job.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BatchedMint {
    /// As you gave it.
    #[schema(example = "order-4711")]
    pub id: String,
    pub mint: Mint,
}

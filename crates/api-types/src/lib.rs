//! Wire shapes: what goes over HTTP, and nothing else. Amounts and token ids are decimal strings,
//! addresses carry their EIP-55 checksum, times are RFC 3339 in UTC with milliseconds.

mod abis;
mod api_keys;
mod audit;
mod facts;
mod holdings;
mod indexes;
mod metric_series;
mod mint_batches;
mod principals;
mod sign_in;
mod sponsors;
mod token_metadata;
mod transactions;
mod users;
mod wallets;
mod webhooks;

pub use abis::*;
pub use api_keys::*;
pub use audit::*;
pub use facts::*;
pub use holdings::*;
pub use indexes::*;
pub use metric_series::*;
pub use mint_batches::*;
pub use principals::*;
pub use sign_in::*;
pub use sponsors::*;
pub use token_metadata::*;
pub use transactions::*;
pub use users::*;
pub use wallets::*;
pub use webhooks::*;

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Where something stands on its way to the chain.
///
/// `unknown` means that a node took the transaction's bytes and its answer was lost: not failure.
/// After a reorg a job goes back from `tentative` or `auditable` to `submitted`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Queued,
    Reserved,
    Submitted,
    Unknown,
    Tentative,
    Auditable,
    Final,
    Failed,
    Expired,
    Cancelled,
}

/// A block by number and hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Block {
    #[schema(example = 1204)]
    pub number: u64,
    #[schema(example = "0x8f5bab218b6bb34476f51ca588e9f4553a3a7ce5e13a66c660a5283e97e9a85a")]
    pub hash: String,
}

/// A picture in the content store.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Upload {
    #[schema(example = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")]
    pub cid: String,
    #[schema(example = "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")]
    pub uri: String,
    /// Told by content, not by name.
    #[schema(example = "image/jpeg")]
    pub media_type: String,
    /// Bytes.
    #[schema(example = 2_345_678)]
    pub size: u64,
    /// Pixels, as shown.
    #[schema(example = 4032)]
    pub width: u32,
    #[schema(example = 3024)]
    pub height: u32,
    /// Absent when a preview would cost too much to make.
    pub preview: Option<Preview>,
}

/// A small picture of an upload.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    pub cid: String,
    pub uri: String,
}

/// The form of an upload.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes a multipart form")]
pub struct UploadForm {
    /// PNG, JPEG, GIF or WebP, at most 20 MB.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    pub file: String,
}

/// Metadata in the content store.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StoredMetadata {
    #[schema(example = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy")]
    pub cid: String,
    #[schema(example = "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy")]
    pub uri: String,
    /// Bytes of the canonical form.
    #[schema(example = 214)]
    pub size: u64,
}

/// ERC-721 metadata. Other fields are kept as they are.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Metadata {
    #[schema(example = "Harbour at dawn")]
    pub name: String,
    pub description: Option<String>,
    /// ipfs, ar, https or data.
    #[schema(example = "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")]
    pub image: String,
    pub animation_url: Option<String>,
    pub attributes: Option<Vec<Value>>,
}

/// A mint to be made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MintRequest {
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

/// A mint job.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Mint {
    pub id: Uuid,
    pub status: Status,
    /// Why it failed, when it did.
    pub reason: Option<String>,
    #[schema(example = 31337)]
    pub chain_id: u64,
    #[schema(example = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512")]
    pub contract: String,
    #[schema(example = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    pub to: String,
    pub uri: Option<String>,
    /// Decimal; known from `tentative` on.
    #[schema(example = "17")]
    pub token_id: Option<String>,
    pub tx_hash: Option<String>,
    pub block: Option<Block>,
    /// The engine's transaction that carries it now, as in the engine's log and on the topic
    /// `transactions`.
    pub transaction_id: Option<Uuid>,
    /// `x-request-id` of the request that made it; finds it in the engine's log.
    pub request_id: Option<String>,
    #[schema(example = "2026-11-20T12:00:00.000Z")]
    pub created_at: String,
    pub updated_at: String,
    pub submitted_at: Option<String>,
    pub tentative_at: Option<String>,
    pub final_at: Option<String>,
}

/// One page of a list. `next_cursor` is absent on the last one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MintList {
    pub items: Vec<Mint>,
    pub next_cursor: Option<String>,
}

/// An item on chain.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Item {
    #[schema(example = 31337)]
    pub chain_id: u64,
    pub contract: String,
    #[schema(example = "17")]
    pub token_id: String,
    /// Absent once burned.
    pub owner: Option<String>,
    /// Absent in collections with a base URI.
    pub uri: Option<String>,
    pub minted_block: u64,
    pub minted_tx: String,
    /// What its document says; absent while it has not come to its turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_metadata: Option<TokenMetadata>,
    /// Of items of this engine's collections: what a sale owes, as the collection says as of the
    /// same block (ERC-2981). Absent when that is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub royalty: Option<Royalty>,
}

/// An item with what belongs to it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ItemDetail {
    #[serde(flatten)]
    pub item: Item,
    /// `tentative`, `auditable` or `final`: how sure the present state is.
    pub level: Status,
    /// The document behind `uri`, when this engine holds it.
    #[schema(value_type = Option<Metadata>)]
    pub metadata: Option<Value>,
    /// The job that minted it, when it was one of ours.
    pub mint_id: Option<Uuid>,
    /// The latest 100 transfers, newest first.
    pub history: Vec<Transfer>,
}

/// One change of owner. A mint comes from the zero address, a burn goes to it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Transfer {
    pub from: String,
    pub to: String,
    pub tx_hash: String,
    pub block: Block,
    pub log_index: i32,
    pub mined_at: String,
}

/// One page of items.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ItemList {
    pub items: Vec<Item>,
    pub next_cursor: Option<String>,
}

/// How a collection refers to the content of its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContentMode {
    /// A SHA-256 digest per item: only `ipfs://<CIDv1 raw sha2-256>`.
    Digest,
    /// One base URI followed by the token id.
    BaseUri,
    /// A string per item.
    FreeUri,
}

/// A collection to be deployed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionRequest {
    /// 1 to 100 characters.
    #[schema(example = "Harbour pictures")]
    pub name: String,
    /// 1 to 16 printable ASCII characters.
    #[schema(example = "HARB")]
    pub symbol: String,
    pub content_mode: ContentMode,
    /// Needed in mode `base_uri` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_uri: Option<String>,
    /// ERC-7572 metadata of the collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_uri: Option<String>,
    /// Who shall own the collection; the engine's operator when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub royalty_receiver: Option<String>,
    /// In 1/10,000 of the price, at most 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 250, maximum = 1000)]
    pub royalty_bps: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 31337)]
    pub chain_id: Option<u64>,
}

/// A collection, on chain or asked for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Collection {
    #[schema(example = 31337)]
    pub chain_id: u64,
    /// Known before it is deployed.
    pub contract: String,
    /// Absent for a collection that others deployed with our factory.
    pub status: Option<Status>,
    pub reason: Option<String>,
    /// It stands on chain.
    pub deployed: bool,
    pub request_id: Option<Uuid>,
    pub name: Option<String>,
    pub symbol: Option<String>,
    pub content_mode: Option<ContentMode>,
    pub base_uri: Option<String>,
    pub creator: Option<String>,
    /// Items minted and burned, decimal.
    #[schema(example = "120")]
    pub minted: String,
    #[schema(example = "0")]
    pub burned: String,
    pub created_block: Option<u64>,
    pub requested_at: Option<String>,
    /// What a sale owes (ERC-2981): as the chain says, and as it was asked for until it is
    /// deployed. Absent when that is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub royalty: Option<Royalty>,
}

/// One page of collections.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CollectionList {
    pub items: Vec<Collection>,
    pub next_cursor: Option<String>,
}

/// One thing wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body, or `?name` for a query parameter.
    #[schema(example = "/to")]
    pub pointer: String,
    pub detail: String,
    /// In an answer about several items: what this one alone would be refused with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A problem (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Where the code is explained.
    #[schema(example = "/docs/errors#address_checksum")]
    pub r#type: String,
    pub title: String,
    #[schema(example = 422)]
    pub status: u16,
    /// Stable; meant for machines.
    #[schema(example = "address_checksum")]
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Of this very answer; quote it when you ask for help.
    pub request_id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// Is the process alive?
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    pub status: String,
}

/// May the process take requests?
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    pub ready: bool,
    pub database: bool,
    pub chains: Vec<ChainReadiness>,
}

/// How far the index of one chain is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChainReadiness {
    pub chain_id: u64,
    /// Highest block that is indexed.
    pub height: Option<u64>,
    /// Highest block that a node tells.
    pub head: Option<u64>,
    /// Blocks that the index is behind.
    pub lag: Option<u64>,
    /// False when the indexer has stopped and waits for an operator.
    pub live: bool,
    /// Nothing is sent to it: the server may be ready while this chain is not.
    pub read_only: bool,
    pub ready: bool,
}

/// Where a list shall go on and how long it may be.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MintListQuery {
    pub status: Option<String>,
    /// Address of a collection.
    pub collection: Option<String>,
    /// Address of a recipient.
    pub to: Option<String>,
    /// Of `collection`; the default chain when absent.
    pub chain_id: Option<u64>,
    /// `next_cursor` of the page before, with the same filters.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

/// The number of a block in a query: none lies beyond what the index can hold.
fn block_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number = Option::<u64>::deserialize(deserializer)?;
    let too_large = number.is_some_and(|number| i64::try_from(number).is_err());
    if too_large { Err(D::Error::custom("a block number is below 2^63")) } else { Ok(number) }
}

/// Which items to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ItemListQuery {
    /// The default chain when absent.
    pub chain_id: Option<u64>,
    /// Address of an owner.
    pub owner: Option<String>,
    /// Address of a collection, or of a followed ERC-721.
    pub collection: Option<String>,
    /// Answer only once the index has come to this block; waits at most 3 seconds.
    #[serde(default, deserialize_with = "crate::block_number")]
    pub wait_for_block: Option<u64>,
    /// How things were after this block, which has to lie in the reorg window; a later one is
    /// waited for.
    #[serde(default, deserialize_with = "crate::block_number")]
    pub as_of_block: Option<u64>,
    /// `next_cursor` of the page before, with the same filters.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

/// Which collections to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CollectionListQuery {
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

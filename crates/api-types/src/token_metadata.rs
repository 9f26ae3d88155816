//! What the documents of tokens say.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// How the last try to read a document ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetadataState {
    /// It has not come to its turn, or is read again. What was read before is still shown.
    Pending,
    Resolved,
    /// `reason` says why. What was read before is still shown.
    Failed,
}

/// The document behind a token's URI, as it was last read. Texts are those of strangers: show them
/// as text, and its pages only in a sandbox.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenMetadata {
    pub state: MetadataState,
    /// Why the last try failed.
    #[schema(example = "timed_out")]
    pub reason: Option<String>,
    /// When it is tried again by itself; absent when it is not.
    pub retry_at: Option<String>,
    #[schema(example = "Dawn #1")]
    pub name: Option<String>,
    /// Of 8,192 characters at most; 500 in lists.
    pub description: Option<String>,
    /// `ipfs:`, `ar:`, `https:`, `http:`, or a picture inside a `data:` link. Lists leave out what
    /// is longer than 2,048 characters.
    pub image: Option<String>,
    /// The same of films, sounds, models and pages.
    pub animation_url: Option<String>,
    pub external_url: Option<String>,
    pub attributes: Vec<TokenAttribute>,
    /// What the contract says that a sale owes (ERC-2981).
    pub royalty: Option<Royalty>,
    /// The document's bytes are those that its content id names. Absent where that can't be told.
    pub verified: Option<bool>,
    /// The block as of which the contract named the document.
    pub as_of_block: Option<u64>,
    pub resolved_at: Option<String>,
}

/// One trait of a token.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenAttribute {
    #[serde(default)]
    #[schema(example = "Background")]
    pub trait_type: Option<String>,
    /// A string, a number or a boolean.
    pub value: Value,
    /// `number`, `boost_number`, `boost_percentage`, `date`, or what else the document says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_type: Option<String>,
}

/// What a sale owes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Royalty {
    pub receiver: String,
    /// Hundredths of a per cent of the price, up to 10,000.
    #[schema(example = 500)]
    pub bps: u32,
}

/// What became of a request to read a token's document again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MetadataRefresh {
    /// False when that was asked for less than a minute ago.
    pub queued: bool,
}

/// A trait of a collection's items.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TraitCount {
    /// Empty for values without a type.
    #[schema(example = "Background")]
    pub trait_type: String,
    /// Numbers and booleans as text.
    #[schema(example = "Blue")]
    pub value: String,
    /// Items that have it; burned ones don't count.
    #[schema(example = 212)]
    pub items: u64,
}

/// One page of traits.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TraitList {
    pub items: Vec<TraitCount>,
    pub next_cursor: Option<String>,
}

/// Which traits to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TraitListQuery {
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

//! How a collection refers to an item's content on chain, and which URIs that can express.

use data_encoding::BASE32_NOPAD;

/// Bytes of a free URI at most: each costs gas for ever.
pub const URI_LEN_MAX: usize = 2048;

/// Fixed when a collection is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentMode {
    /// 32 bytes per item; the contract builds `ipfs://<CIDv1, raw, SHA-256>` from them.
    Digest,
    /// One base for all items; the contract appends the decimal token id.
    BaseUri,
    /// A string per item.
    FreeUri,
}

/// What is written on chain for one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemContent {
    /// SHA-256 of the raw block.
    Digest([u8; 32]),
    /// Nothing: base and token id say it all. `asserted_token_id` is the id which the caller's
    /// URI ends in, if a URI was given; the mint must fail rather than give the item another id.
    BaseUri {
        asserted_token_id: Option<String>,
    },
    FreeUri(String),
}

/// A mode cannot express a URI. `Display` is fit for the caller who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriNotRepresentable {
    /// Only `Digest` and `FreeUri`.
    #[error("this collection needs a uri for each item")]
    Missing,
    #[error("this collection accepts only ipfs://<CIDv1, raw, sha2-256> without a path")]
    NotRawIpfs,
    #[error("this collection accepts only its base uri followed by a token id")]
    NotBelowBase,
    #[error("the uri is longer than {URI_LEN_MAX} bytes")]
    TooLong,
    /// Empty, or with spaces or control characters.
    #[error("the uri is empty or contains spaces or control characters")]
    Malformed,
}

impl UriNotRepresentable {
    /// A stable word for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NotRawIpfs => "not_raw_ipfs",
            Self::NotBelowBase => "not_below_base",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
        }
    }
}

/// Decides what a collection of this mode writes on chain for an item whose metadata lies at
/// `uri`. `base_uri` is the collection's; only `BaseUri` looks at it.
pub fn represent(
    mode: ContentMode,
    base_uri: &str,
    uri: Option<&str>,
) -> Result<ItemContent, UriNotRepresentable> {
    match (mode, uri) {
        (ContentMode::BaseUri, None) => Ok(ItemContent::BaseUri { asserted_token_id: None }),
        (ContentMode::BaseUri, Some(uri)) => match uri.strip_prefix(base_uri) {
            Some(id) if is_token_id(id) => {
                Ok(ItemContent::BaseUri { asserted_token_id: Some(id.to_owned()) })
            }
            _ => Err(UriNotRepresentable::NotBelowBase),
        },
        (_, None) => Err(UriNotRepresentable::Missing),
        (_, Some(uri)) if uri.len() > URI_LEN_MAX => Err(UriNotRepresentable::TooLong),
        (ContentMode::Digest, Some(uri)) => raw_digest(uri).map(ItemContent::Digest),
        (ContentMode::FreeUri, Some(uri)) => {
            let sound =
                !uri.is_empty() && !uri.chars().any(|c| c.is_whitespace() || c.is_control());
            sound
                .then(|| ItemContent::FreeUri(uri.to_owned()))
                .ok_or(UriNotRepresentable::Malformed)
        }
    }
}

/// A uint256 in decimal, without leading zeros: at most 78 digits.
fn is_token_id(text: &str) -> bool {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits && (1..=78).contains(&text.len()) && (text == "0" || !text.starts_with('0'))
}

/// The digest in `ipfs://<CIDv1, raw, SHA-256>` in lower-case base32, the one form that the
/// contract writes.
fn raw_digest(uri: &str) -> Result<[u8; 32], UriNotRepresentable> {
    let refused = UriNotRepresentable::NotRawIpfs;
    let base32 = uri.strip_prefix("ipfs://b").ok_or(refused)?;
    if base32.len() != 58 || base32.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(refused);
    }
    let bytes = BASE32_NOPAD.decode(base32.to_ascii_uppercase().as_bytes()).map_err(|_| refused)?;
    // CIDv1, codec raw, SHA-256, 32 bytes of digest.
    let digest = bytes.strip_prefix(&[0x01, 0x55, 0x12, 0x20]).ok_or(refused)?;
    digest.try_into().map_err(|_| refused)
}

#[cfg(test)]
mod tests;

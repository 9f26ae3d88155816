//! Content identifiers: CIDv1, SHA-256, codec raw or dag-pb, written in lower-case base32.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;

const VERSION: u8 = 1;
const SHA2_256: u8 = 0x12;
const RAW: u8 = 0x55;
const DAG_PB: u8 = 0x70;

/// Bytes of a CID in binary: version, codec, hash function, digest length, digest.
pub const BINARY_LEN: usize = 36;
/// Characters of a CID in text: `b` and 36 bytes in base32 without padding.
pub const TEXT_LEN: usize = 59;

/// What the addressed block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Codec {
    /// The block is the content itself.
    Raw,
    /// The block is the root of a UnixFS tree over the content.
    DagPb,
}

impl Codec {
    fn code(self) -> u8 {
        match self {
            Self::Raw => RAW,
            Self::DagPb => DAG_PB,
        }
    }
}

/// A content identifier. There is one text per value: `parse` accepts nothing but what `Display`
/// prints.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cid {
    codec: Codec,
    digest: [u8; 32],
}

/// Why a text is no CID that we use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidError {
    /// Not a CIDv1 in lower-case base32, or damaged.
    #[error("not a CIDv1 in lower-case base32")]
    Malformed,
    /// A CID whose codec or hash function is not one of ours.
    #[error("only SHA-256 with codec raw or dag-pb is supported")]
    Unsupported,
    /// `Cid::from_uri` was given something else than `ipfs://<cid>`.
    #[error("not a URI of the form ipfs://<cid>")]
    NotIpfsUri,
}

impl Cid {
    /// The CID of a block with this SHA-256 digest.
    pub const fn from_digest(codec: Codec, digest: [u8; 32]) -> Self {
        Self { codec, digest }
    }

    /// Parses exactly `ipfs://<cid>`: no path, query or fragment.
    pub fn from_uri(uri: &str) -> Result<Self, CidError> {
        uri.strip_prefix("ipfs://").ok_or(CidError::NotIpfsUri)?.parse()
    }

    /// `ipfs://<cid>`.
    pub fn to_uri(&self) -> String {
        format!("ipfs://{self}")
    }

    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// The SHA-256 of the addressed block.
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The binary form, as linked from dag-pb nodes.
    pub fn to_bytes(&self) -> [u8; BINARY_LEN] {
        let mut bytes = [0; BINARY_LEN];
        // Each of the four numbers is below 128, so its varint is itself.
        bytes[..4].copy_from_slice(&[VERSION, self.codec.code(), SHA2_256, 32]);
        bytes[4..].copy_from_slice(&self.digest);
        bytes
    }
}

impl FromStr for Cid {
    type Err = CidError;

    fn from_str(text: &str) -> Result<Self, CidError> {
        let base32 = text.strip_prefix('b').ok_or(CidError::Malformed)?;
        // The length bounds the work before anything is decoded.
        if base32.len() > 128 || base32.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(CidError::Malformed);
        }
        // The decoder refuses padding, other characters and stray bits: one text per value.
        let bytes = BASE32_NOPAD
            .decode(base32.to_ascii_uppercase().as_bytes())
            .map_err(|_| CidError::Malformed)?;
        let (head, digest) = bytes.split_at_checked(4).ok_or(CidError::Malformed)?;
        let codec = match *head {
            [VERSION, RAW, SHA2_256, 32] => Codec::Raw,
            [VERSION, DAG_PB, SHA2_256, 32] => Codec::DagPb,
            [VERSION, ..] => return Err(CidError::Unsupported),
            _ => return Err(CidError::Malformed),
        };
        let digest = digest.try_into().map_err(|_| CidError::Malformed)?;
        Ok(Self { codec, digest })
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b{}", BASE32_NOPAD.encode(&self.to_bytes()).to_ascii_lowercase())
    }
}

impl fmt::Debug for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cid({self})")
    }
}

impl serde::Serialize for Cid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Cid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;

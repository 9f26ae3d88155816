//! Content identifiers: CIDv1, SHA-256, codec raw or dag-pb, written in lower-case base32.

use std::fmt;
use std::str::FromStr;

use ::cid::Cid as AnyCid;
use ::cid::multihash::Multihash;

const SHA2_256: u64 = 0x12;
const RAW: u64 = 0x55;
const DAG_PB: u64 = 0x70;

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
    fn code(self) -> u64 {
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
        bytes[..4].copy_from_slice(&[1, self.codec.code() as u8, SHA2_256 as u8, 32]);
        bytes[4..].copy_from_slice(&self.digest);
        bytes
    }
}

impl FromStr for Cid {
    type Err = CidError;

    fn from_str(text: &str) -> Result<Self, CidError> {
        // The length bounds the work before anything is decoded.
        if !text.starts_with('b') || !(8..=128).contains(&text.len()) || !text.is_ascii() {
            return Err(CidError::Malformed);
        }
        let any = AnyCid::try_from(text).map_err(|_| CidError::Malformed)?;
        let codec = match any.codec() {
            RAW => Codec::Raw,
            DAG_PB => Codec::DagPb,
            _ => return Err(CidError::Unsupported),
        };
        if any.hash().code() != SHA2_256 {
            return Err(CidError::Unsupported);
        }
        let digest = any.hash().digest().try_into().map_err(|_| CidError::Malformed)?;
        let cid = Self { codec, digest };
        // One text per value: refuses stray bits, padding and over-long varints.
        if cid.to_string() == text { Ok(cid) } else { Err(CidError::Malformed) }
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = Multihash::<64>::wrap(SHA2_256, &self.digest)
            .expect("invariant: 32 bytes fit a multihash of 64");
        fmt::Display::fmt(&AnyCid::new_v1(self.codec.code(), hash), f)
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

//! From the URI that a contract gives to the place where the document is.

use crate::Reason;
use base64::{Engine, engine};
use content::{Cid, Codec};
use outbound::host_of;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use sha2::{Digest, Sha256};
use vocab::U256;

/// Most characters of a URI that is no `data:`.
pub const URI_LEN_MAX: usize = 2_048;
/// What a queue of documents behind IPFS gateways is called. No host is: each has a port.
pub(crate) const IPFS: &str = "ipfs:";
/// The same for Arweave.
pub(crate) const ARWEAVE: &str = "ar:";

/// Base64 as it is found: with padding or without.
const BASE64: engine::GeneralPurpose = lenient(&base64::alphabet::STANDARD);
const BASE64_URL: engine::GeneralPurpose = lenient(&base64::alphabet::URL_SAFE);

const fn lenient(alphabet: &base64::alphabet::Alphabet) -> engine::GeneralPurpose {
    let config = engine::GeneralPurposeConfig::new()
        .with_decode_padding_mode(engine::DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    engine::GeneralPurpose::new(alphabet, config)
}

/// Where a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the URI itself.
    Inline(Vec<u8>),
    Ipfs(IpfsPath),
    Arweave(String),
    Web(Url),
}

/// A path below a CID: `CID` or `CID/…`. Holds nothing that leads out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpfsPath {
    root: String,
    /// Empty, or begins with a slash.
    path: String,
}

/// What the root of an [`IpfsPath`] names, where we can check it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// These bytes and no others.
    Raw([u8; 32]),
    /// The block that a file of 256 KiB or less is, as most tools make it.
    DagPb([u8; 32]),
}

impl Place {
    /// Read a URI. Inline documents have at most `inline_max` bytes.
    ///
    /// # Errors
    /// The [`Reason`] why it is not followed.
    pub fn parse(uri: &str, inline_max: usize) -> Result<Self, Reason> {
        let uri = uri.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\0');
        if uri.is_empty() {
            return Err(Reason::UriMissing);
        }
        let scheme = uri.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        if scheme.as_deref() == Some("data") {
            return inline(&uri[5..], inline_max).map(Self::Inline);
        }
        if uri.len() > URI_LEN_MAX {
            return Err(Reason::UriTooLong);
        }
        if uri.chars().any(char::is_control) {
            return Err(Reason::UriMalformed);
        }
        match scheme.as_deref() {
            Some("ipfs") => IpfsPath::parse(&uri[5..]).map(Self::Ipfs),
            Some("ar") => arweave(&uri[3..]).map(Self::Arweave),
            Some("http" | "https") => uri.parse().map(Self::Web).map_err(|_| Reason::UriMalformed),
            // Bare CIDs are common enough.
            None => IpfsPath::parse(uri.strip_prefix("/ipfs/").unwrap_or(uri))
                .map(Self::Ipfs)
                .map_err(|_| Reason::SchemeUnsupported),
            Some(_) => Err(Reason::SchemeUnsupported),
        }
    }

    /// Who has to be asked: the queue that the token waits in. None for what is here already.
    #[must_use]
    pub fn host(&self) -> Option<String> {
        match self {
            Self::Inline(_) => None,
            Self::Ipfs(_) => Some(IPFS.to_owned()),
            Self::Arweave(_) => Some(ARWEAVE.to_owned()),
            Self::Web(url) => Some(host_of(url)),
        }
    }
}

/// The URI with ERC-1155's `{id}`: lower-case hexadecimal, 64 digits.
#[must_use]
pub fn substitute_id(uri: &str, token_id: U256) -> String {
    uri.replace("{id}", &format!("{token_id:064x}"))
}

impl IpfsPath {
    /// What follows `ipfs:`.
    fn parse(text: &str) -> Result<Self, Reason> {
        let text = text.trim_start_matches('/');
        let text = text.strip_prefix("ipfs/").unwrap_or(text).trim_start_matches('/');
        let (root, rest) = text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len()));
        let sound = (32..=128).contains(&root.len())
            && root.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !sound {
            return Err(Reason::UriMalformed);
        }
        Ok(Self { root: root.to_owned(), path: below(rest)? })
    }

    /// The address behind a gateway.
    pub(crate) fn at(&self, gateway: &Url) -> Result<Url, Reason> {
        joined(gateway, &format!("ipfs/{}", self.root), &self.path)
    }

    /// The CID, when the document is all that it names and we could hold it.
    #[must_use]
    pub fn own_cid(&self) -> Option<Cid> {
        if self.path.is_empty() { self.root.parse().ok() } else { None }
    }

    /// What the bytes must hash to, where that can be told.
    #[must_use]
    pub fn named(&self) -> Option<Named> {
        if !self.path.is_empty() {
            return None;
        }
        if let Ok(cid) = self.root.parse::<Cid>() {
            return Some(match cid.codec() {
                Codec::Raw => Named::Raw(*cid.digest()),
                Codec::DagPb => Named::DagPb(*cid.digest()),
            });
        }
        // CIDv0: a multihash in base58, which is always dag-pb.
        let bytes = bs58::decode(&self.root).into_vec().ok()?;
        match *bytes.as_slice() {
            [0x12, 0x20, ref digest @ ..] => digest.try_into().ok().map(Named::DagPb),
            _ => None,
        }
    }
}

impl Named {
    /// Are these the bytes? None when that can't be told: a tree may be built in many ways, and of
    /// those only the two usual ones are tried.
    #[must_use]
    pub fn check(&self, bytes: &[u8]) -> Option<bool> {
        match self {
            Self::Raw(digest) => Some(Sha256::digest(bytes).as_slice() == digest),
            Self::DagPb(digest) => {
                let alone = Sha256::digest(single_block(bytes));
                let tree = content::unixfs::cid_of(bytes);
                let is = alone.as_slice() == digest
                    || (tree.codec() == Codec::DagPb && tree.digest() == digest);
                is.then_some(true)
            }
        }
    }
}

/// A file as one dag-pb block: a UnixFS message with the bytes inside.
fn single_block(bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0x08, 0x02]; // Type = File
    if !bytes.is_empty() {
        file.push(0x12); // Data
        push_varint(&mut file, bytes.len());
        file.extend_from_slice(bytes);
    }
    file.push(0x18); // filesize
    push_varint(&mut file, bytes.len());
    let mut block = vec![0x0a];
    push_varint(&mut block, file.len());
    block.extend(file);
    block
}

fn push_varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A path in the form that it may be sent in: nothing in it leads out of what it stands below, and
/// a question mark or a number sign is part of a file's name.
fn below(rest: &str) -> Result<String, Reason> {
    let decoded = percent_decode_str(rest).decode_utf8().map_err(|_| Reason::UriMalformed)?;
    let leads_out = |part: &str| matches!(part, "." | "..");
    if decoded.contains('\\') || decoded.split('/').any(leads_out) {
        return Err(Reason::UriMalformed);
    }
    if decoded.chars().any(char::is_control) {
        return Err(Reason::UriMalformed);
    }
    Ok(if rest == "/" { String::new() } else { rest.replace('?', "%3F").replace('#', "%23") })
}

fn joined(gateway: &Url, root: &str, path: &str) -> Result<Url, Reason> {
    let base = gateway.as_str().trim_end_matches('/');
    let start = format!("{base}/{root}");
    let url: Url = format!("{start}{path}").parse().map_err(|_| Reason::UriMalformed)?;
    if url.as_str().starts_with(&start) { Ok(url) } else { Err(Reason::UriMalformed) }
}

/// What follows `ar:`: the id of a transaction (32 bytes in base64url), and maybe a path.
fn arweave(text: &str) -> Result<String, Reason> {
    let text = text.trim_start_matches('/');
    let (root, rest) = text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len()));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if root.len() != 43 || !root.bytes().all(plain) {
        return Err(Reason::UriMalformed);
    }
    Ok(format!("{root}{}", below(rest)?))
}

/// The address of something on Arweave behind a gateway.
pub(crate) fn arweave_at(gateway: &Url, place: &str) -> Result<Url, Reason> {
    let (root, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    joined(gateway, root, path)
}

/// What follows `data:` (RFC 2397), as it is found in contracts: what is after the comma is data
/// to its end, a number sign too.
fn inline(rest: &str, bytes_max: usize) -> Result<Vec<u8>, Reason> {
    // Percent-encoding needs three characters for a byte.
    if rest.len() > bytes_max.saturating_mul(3).saturating_add(1_024) {
        return Err(Reason::TooLarge);
    }
    let (media, data) = rest.split_once(',').ok_or(Reason::UriMalformed)?;
    let encoded =
        media.rsplit(';').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("base64"));
    let bytes = if encoded {
        let text: Vec<u8> =
            percent_decode_str(data).filter(|byte| !byte.is_ascii_whitespace()).collect();
        let decoded = BASE64.decode(&text).or_else(|_| BASE64_URL.decode(&text));
        decoded.map_err(|_| Reason::UriMalformed)?
    } else {
        percent_decode_str(data).collect()
    };
    if bytes.len() > bytes_max { Err(Reason::TooLarge) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests;

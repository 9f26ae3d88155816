//! Cursors: where a list goes on. Opaque to callers, signed, and bound to one list with its
//! filters.
//!
//! `base64url(version ‖ digest of list and filters (8) ‖ position ‖ HMAC-SHA256 (16))`

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const FILTERS_LEN: usize = 8;
const MAC_LEN: usize = 16;
/// A trait's type and value are in one, in characters of up to four bytes.
const TEXT_LEN_MAX: usize = 2_560;

/// Signs cursors. Never printed.
#[derive(Clone)]
pub struct CursorKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

/// Not a cursor of this list with these filters, signed by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct BadCursor;

/// One list with its filters.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    pub name: &'a str,
    pub filters: &'a [Option<&'a str>],
}

impl CursorKey {
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The cursor that stands for `position` in `listing`.
    #[must_use]
    pub fn seal(&self, listing: Listing<'_>, position: &[u8]) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(listing.digest());
        bytes.extend(position);
        bytes.extend(self.mac(&bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position that a cursor from outside stands for.
    ///
    /// # Errors
    /// [`BadCursor`]
    pub fn open(&self, listing: Listing<'_>, text: &str) -> Result<Vec<u8>, BadCursor> {
        if text.len() > TEXT_LEN_MAX {
            return Err(BadCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadCursor)?;
        let split = bytes.len().checked_sub(MAC_LEN).ok_or(BadCursor)?;
        let (payload, mac) = bytes.split_at(split);
        if !bool::from(self.mac(payload).ct_eq(mac)) {
            return Err(BadCursor);
        }
        let (version, rest) = payload.split_first().ok_or(BadCursor)?;
        let (filters, position) = rest.split_at_checked(FILTERS_LEN).ok_or(BadCursor)?;
        if *version != VERSION || filters != listing.digest() {
            return Err(BadCursor);
        }
        Ok(position.to_vec())
    }

    fn mac(&self, payload: &[u8]) -> [u8; MAC_LEN] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.0.as_slice())
            .expect("invariant: HMAC takes keys of any length");
        mac.update(payload);
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        let mut cut = [0; MAC_LEN];
        cut.copy_from_slice(&full[..MAC_LEN]);
        cut
    }
}

impl Listing<'_> {
    fn digest(&self) -> [u8; FILTERS_LEN] {
        let mut hash = Sha256::new();
        let mut add = |part: Option<&str>| {
            // Presence and length first: no two lists of parts have the same bytes.
            let length = part.map_or(u64::MAX, |text| text.len() as u64);
            hash.update(length.to_be_bytes());
            hash.update(part.unwrap_or_default());
        };
        add(Some(self.name));
        self.filters.iter().for_each(|part| add(*part));
        let full: [u8; 32] = hash.finalize().into();
        let mut cut = [0; FILTERS_LEN];
        cut.copy_from_slice(&full[..FILTERS_LEN]);
        cut
    }
}

#[cfg(test)]
mod tests;

//! Fields that are encrypted where they are stored: AES-256-GCM under one of several keys, bound to
//! the very place where they stand, so that nothing can be put in another row or column.
//!
//! ```text
//! sealed = version (1) ‖ nonce (12) ‖ ciphertext ‖ tag (16), beside it the id of its key
//! bound to: table, column, row, id of the key
//! ```
//! The newest key whose time has come seals; all open. Rotation is sealing anew what an older key
//! sealed.
//!
//! What this crate must not know: tables, users, where keys are kept.

use rand::{RngCore, TryRngCore};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};
use time::OffsetDateTime;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const TAG_LEN: usize = 16;
/// Longest id of a key.
const ID_LEN_MAX: usize = 64;

/// A key. Never shown.
#[derive(Clone)]
pub struct FieldKey {
    id: String,
    activates_at: OffsetDateTime,
    key: Arc<LessSafeKey>,
}

/// The bytes, or the id, make no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key has 32 bytes, and an id of 1 to 64 letters, digits, - and _")]
pub struct NoKey;

/// Why a field can't be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    #[error("no key of fields may be used yet")]
    NoKey,
    /// It was sealed by a key that this ring has not.
    #[error("the key of a field is not there")]
    KeyUnknown,
    /// Changed, cut, or moved from another place.
    #[error("a field is not as it was sealed")]
    Altered,
}

/// Where a field stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub table: &'static str,
    pub column: &'static str,
    /// The row's own key.
    pub row: &'a [u8],
}

/// A sealed field, as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    pub key_id: String,
    pub bytes: Vec<u8>,
}

/// Keys by which fields are sealed and opened. Cheap to clone; clones share the keys.
#[derive(Clone, Debug)]
pub struct KeyRing(Arc<RwLock<Vec<FieldKey>>>);

impl fmt::Debug for FieldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl FieldKey {
    /// From 32 secret random bytes; it seals from `activates_at` on.
    ///
    /// # Errors
    /// [`NoKey`]
    pub fn new(id: &str, secret: &[u8], activates_at: OffsetDateTime) -> Result<Self, NoKey> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if id.is_empty() || id.len() > ID_LEN_MAX || !id.bytes().all(plain) {
            return Err(NoKey);
        }
        let key = UnboundKey::new(&AES_256_GCM, secret).map_err(|_| NoKey)?;
        let key = Arc::new(LessSafeKey::new(key));
        Ok(Self { id: id.to_owned(), activates_at, key })
    }

    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    #[must_use]
    pub fn activates_at(&self) -> OffsetDateTime {
        self.activates_at
    }
}

impl KeyRing {
    #[must_use]
    pub fn new(keys: Vec<FieldKey>) -> Self {
        let ring = Self(Arc::default());
        ring.replace(keys);
        ring
    }

    /// From now on these are the keys.
    pub fn replace(&self, mut keys: Vec<FieldKey>) {
        keys.sort_by(|a, b| (a.activates_at, &a.id).cmp(&(b.activates_at, &b.id)));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    fn find(&self, of: impl Fn(&FieldKey) -> bool) -> Option<FieldKey> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().rev().find(|key| of(key)).cloned()
    }

    /// The id of the key that seals now.
    ///
    /// # Errors
    /// [`FieldError::NoKey`]
    pub fn current(&self, now: OffsetDateTime) -> Result<String, FieldError> {
        let key = self.find(|key| key.activates_at <= now);
        Ok(key.ok_or(FieldError::NoKey)?.id)
    }

    /// Seal a field for its place.
    ///
    /// # Errors
    /// [`FieldError::NoKey`]
    pub fn seal(
        &self,
        place: Place<'_>,
        plain: &[u8],
        now: OffsetDateTime,
    ) -> Result<Sealed, FieldError> {
        let key = self.find(|key| key.activates_at <= now).ok_or(FieldError::NoKey)?;
        let mut nonce = [0; NONCE_LEN];
        // Random: 2³² fields of one key are safe, and rotation makes an end long before.
        let drawn = rand::rngs::OsRng.try_fill_bytes(&mut nonce);
        drawn.unwrap_or_else(|_| rand::rng().fill_bytes(&mut nonce));
        let mut sealed = plain.to_vec();
        let aad = Aad::from(bound(place, &key.id));
        let nonce_of = Nonce::assume_unique_for_key(nonce);
        let done = key.key.seal_in_place_append_tag(nonce_of, aad, &mut sealed);
        done.map_err(|_| FieldError::NoKey)?;
        let bytes = [&[VERSION][..], &nonce, &sealed].concat();
        Ok(Sealed { key_id: key.id, bytes })
    }

    /// What was sealed for this place.
    ///
    /// # Errors
    /// [`FieldError::KeyUnknown`], [`FieldError::Altered`].
    pub fn open(
        &self,
        place: Place<'_>,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, FieldError> {
        let key = self.find(|key| key.id == sealed.key_id).ok_or(FieldError::KeyUnknown)?;
        let rest = sealed.bytes.strip_prefix(&[VERSION]).ok_or(FieldError::Altered)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or(FieldError::Altered)?;
        if rest.len() < TAG_LEN {
            return Err(FieldError::Altered);
        }
        let mut plain = Zeroizing::new(rest.to_vec());
        let aad = Aad::from(bound(place, &key.id));
        let opened = key.key.open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut plain);
        let len = opened.map_err(|_| FieldError::Altered)?.len();
        plain.truncate(len);
        Ok(plain)
    }
}

/// No two places have the same bytes.
fn bound(place: Place<'_>, key_id: &str) -> Vec<u8> {
    let parts = [place.table.as_bytes(), place.column.as_bytes(), place.row, key_id.as_bytes()];
    let mut bytes = b"stoa field".to_vec();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::{Duration, macros::datetime};

    const NOW: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);
    const PLACE: Place<'_> = Place { table: "user_emails", column: "address", row: &[1; 16] };

    fn key(id: &str, byte: u8, at: OffsetDateTime) -> FieldKey {
        FieldKey::new(id, &[byte; 32], at).expect("a key")
    }

    #[test]
    fn a_field_opens_where_it_stands_and_nowhere_else() {
        let ring = KeyRing::new(vec![key("a", 1, NOW)]);
        let sealed = ring.seal(PLACE, b"ada@example.org", NOW).expect("sealed");
        assert_eq!(ring.open(PLACE, &sealed).expect("opened").as_slice(), b"ada@example.org");
        assert!(!sealed.bytes.windows(3).any(|part| part == b"ada"));
        for other in [
            Place { row: &[2; 16], ..PLACE },
            Place { row: &[1; 15], ..PLACE },
            Place { column: "contact", ..PLACE },
            Place { table: "mails", ..PLACE },
        ] {
            assert_eq!(ring.open(other, &sealed), Err(FieldError::Altered), "{other:?}");
        }
        for at in 0..sealed.bytes.len() {
            let mut bytes = sealed.bytes.clone();
            bytes[at] ^= 1;
            let changed = Sealed { bytes, ..sealed.clone() };
            assert_eq!(ring.open(PLACE, &changed), Err(FieldError::Altered), "{at}");
            let cut = Sealed { bytes: sealed.bytes[..at].to_vec(), ..sealed.clone() };
            assert_eq!(ring.open(PLACE, &cut), Err(FieldError::Altered), "{at}");
        }
        // The same twice is not the same.
        assert_ne!(ring.seal(PLACE, b"ada@example.org", NOW), Ok(sealed));
        let empty = ring.seal(PLACE, b"", NOW).expect("sealed");
        assert!(ring.open(PLACE, &empty).expect("opened").is_empty());
    }

    #[test]
    fn the_newest_key_whose_time_has_come_seals_and_all_open() {
        let later = NOW + Duration::HOUR;
        let ring = KeyRing::new(vec![key("b", 2, later), key("a", 1, NOW)]);
        let first = ring.seal(PLACE, b"x", NOW).expect("sealed");
        let second = ring.seal(PLACE, b"x", later).expect("sealed");
        assert_eq!((first.key_id.as_str(), second.key_id.as_str()), ("a", "b"));
        assert!(ring.open(PLACE, &first).is_ok() && ring.open(PLACE, &second).is_ok());
        // Under another key of the same bytes it is not the field that was sealed.
        let renamed = Sealed { key_id: "b".to_owned(), ..first.clone() };
        assert_eq!(ring.open(PLACE, &renamed), Err(FieldError::Altered));
        ring.replace(vec![key("b", 2, later)]);
        assert_eq!(ring.open(PLACE, &first), Err(FieldError::KeyUnknown));
        assert_eq!(ring.seal(PLACE, b"x", NOW), Err(FieldError::NoKey));
        assert_eq!(ring.current(NOW), Err(FieldError::NoKey));
        assert_eq!(ring.current(later).as_deref(), Ok("b"));
    }

    #[test]
    fn a_key_has_its_length_and_a_plain_id() {
        assert!(FieldKey::new("2026-11_a", &[0; 32], NOW).is_ok());
        for (id, len) in [("", 32), ("a b", 32), ("a/b", 32), ("a", 31), ("a", 33), ("a", 16)] {
            assert_eq!(FieldKey::new(id, &vec![0; len], NOW).err(), Some(NoKey), "{id} {len}");
        }
        assert!(!format!("{:?}", key("a", 255, NOW)).contains("255"));
    }
}

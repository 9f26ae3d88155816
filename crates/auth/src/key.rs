//! The text of an API key: `sk_<env>_<id>_<secret><checksum>`.
//!
//! - `sk_<env>` lets secret scanners find leaked keys and tells a test key from a real one;
//! - `id` (16 base62 digits) is public and names the row;
//! - `secret` is 256 random bits in 43 base62 digits. Only its MAC under the pepper is stored;
//! - `checksum` is the CRC-32 of all before it in 6 base62 digits: a mistyped or made-up key is
//!   refused before any look into the database.

use hmac::{Hmac, KeyInit, Mac};
use rand::RngCore;
use sha2::Sha256;
use std::fmt;
use vocab::U256;
use zeroize::Zeroizing;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
pub(crate) const ID_LEN: usize = 16;
const SECRET_LEN: usize = 43;
const CHECKSUM_LEN: usize = 6;
const NONCE_LEN: usize = 24;
/// Longest text that is looked at.
const TEXT_LEN_MAX: usize = 3 + 16 + 1 + ID_LEN + 1 + SECRET_LEN + CHECKSUM_LEN;

/// Keys the MACs of secrets, so that a stolen table is of no use. Never printed.
#[derive(Clone)]
pub struct Pepper(Zeroizing<[u8; 32]>);

impl Pepper {
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// HMAC-SHA256(pepper, secret).
    pub(crate) fn mac(&self, secret: &str) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.0.as_slice())
            .expect("invariant: HMAC takes keys of any length");
        mac.update(secret.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The MAC of parts for one purpose. No two purposes or lists of parts have the same bytes, and
    /// none those of a secret of a key, which holds no zero byte.
    #[must_use]
    pub fn labelled_mac(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.0.as_slice())
            .expect("invariant: HMAC takes keys of any length");
        mac.update(&[0]);
        for part in [label.as_bytes()].iter().chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(…)")
    }
}

/// The text is no key of ours: wrong shape or checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an API key")]
pub struct MalformedKey;

/// A well-formed key. Its secret is never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText {
    text: Zeroizing<String>,
    env_len: usize,
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyText({}_{}_…)", self.prefix(), self.id())
    }
}

impl KeyText {
    /// A fresh key for `env` (2 to 16 lower-case letters; other characters are left out).
    #[must_use]
    pub fn generate(env: &str) -> Self {
        let mut env: String = env.chars().filter(char::is_ascii_lowercase).take(16).collect();
        if env.len() < 2 {
            env = "live".to_owned();
        }
        let mut random = [0u8; 32];
        rand::rng().fill_bytes(&mut random);
        Self::with_id(&format!("sk_{env}"), &base62(U256::from_be_slice(&random), ID_LEN))
    }

    /// A key with a fresh secret in the place of one with this prefix and id, both of ours.
    #[must_use]
    pub fn with_id(prefix: &str, id: &str) -> Self {
        let mut random = Zeroizing::new([0u8; 32]);
        rand::rng().fill_bytes(random.as_mut_slice());
        let secret = Zeroizing::new(base62(U256::from_be_slice(random.as_slice()), SECRET_LEN));
        let mut text = Zeroizing::new(format!("{prefix}_{id}_{}", *secret));
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self { text, env_len: prefix.len().saturating_sub(3) }
    }

    /// Reads a key, checking shape and checksum.
    ///
    /// # Errors
    /// [`MalformedKey`] for anything that [`KeyText::generate`] could not have made.
    pub fn parse(text: &str) -> Result<Self, MalformedKey> {
        if text.len() > TEXT_LEN_MAX || !text.is_ascii() {
            return Err(MalformedKey);
        }
        let mut parts = text.split('_');
        let shape = (parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
        let (Some("sk"), Some(env), Some(id), Some(tail), None) = shape else {
            return Err(MalformedKey);
        };
        let base62 = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric());
        let sound = (2..=16).contains(&env.len())
            && env.bytes().all(|b| b.is_ascii_lowercase())
            && id.len() == ID_LEN
            && tail.len() == SECRET_LEN + CHECKSUM_LEN
            && base62(id)
            && base62(tail);
        let (body, sum) = text.split_at(text.len().saturating_sub(CHECKSUM_LEN));
        if !sound || checksum(body) != sum {
            return Err(MalformedKey);
        }
        Ok(Self { text: Zeroizing::new(text.to_owned()), env_len: env.len() })
    }

    /// The whole key: to be shown to its owner once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// `sk_<env>`
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.text[..3 + self.env_len]
    }

    /// The public id.
    #[must_use]
    pub fn id(&self) -> &str {
        let start = 3 + self.env_len + 1;
        &self.text[start..start + ID_LEN]
    }

    pub(crate) fn secret(&self) -> &str {
        &self.text[self.text.len() - CHECKSUM_LEN - SECRET_LEN..self.text.len() - CHECKSUM_LEN]
    }
}

/// By what requests of a key are signed (HMAC-SHA256, the bytes of the text are the secret):
/// `sks_<env>_<id>_<43 base62 digits>`. It is told once, and made again of pepper and salt to check
/// a signature, as nothing of it is stored.
#[must_use]
pub fn signing_secret(pepper: &Pepper, prefix: &str, id: &str, salt: &[u8]) -> Zeroizing<String> {
    let mac = Zeroizing::new(pepper.labelled_mac("request signing", &[id.as_bytes(), salt]));
    let digits = Zeroizing::new(base62(U256::from_be_slice(mac.as_slice()), SECRET_LEN));
    let env = prefix.strip_prefix("sk_").unwrap_or(prefix);
    Zeroizing::new(format!("sks_{env}_{id}_{}", *digits))
}

/// A nonce that nobody can guess: 24 base62 digits of chance, 142 bits.
#[must_use]
pub fn fresh_nonce() -> String {
    let mut random = [0u8; 32];
    rand::rng().fill_bytes(&mut random);
    base62(U256::from_be_slice(&random), NONCE_LEN)
}

fn checksum(text: &str) -> String {
    base62(U256::from(crc32fast::hash(text.as_bytes())), CHECKSUM_LEN)
}

/// `value` in exactly `len` digits, highest first; higher digits than fit are dropped.
fn base62(mut value: U256, len: usize) -> String {
    let mut digits = vec![b'0'; len];
    for digit in digits.iter_mut().rev() {
        let (rest, place) = value.div_rem(U256::from(DIGITS.len()));
        *digit = DIGITS[place.to::<usize>()];
        value = rest;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests;

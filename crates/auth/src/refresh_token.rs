//! Refresh tokens: opaque, used once each.
//!
//! `stoa_rt_` and base64url(session (16) ‖ generation (4) ‖ secret (32) ‖ tag (16))
//!
//! - The secret of the first is random. A successor's is made of its predecessor's, the pepper and
//!   a random salt, so that who shows the predecessor again in time is given the same one, although
//!   none is stored: not even the pepper and the database together tell a token.
//! - The tag is a MAC under the pepper. A token that was ours is known from one that was made up
//!   without a row for each, so that only a real one that was used before ends its session.

use crate::key::Pepper;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::RngCore;
use std::fmt;
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

const PREFIX: &str = "stoa_rt_";
const TAG_LEN: usize = 16;
const BYTES_LEN: usize = 16 + 4 + 32 + TAG_LEN;

/// The text is no refresh token that this engine made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a refresh token")]
pub struct MalformedRefreshToken;

/// A token that this engine made at some time. Its secret is never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    session: Uuid,
    generation: u32,
    secret: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken({}, {}, …)", self.session, self.generation)
    }
}

impl RefreshToken {
    /// The first of a session.
    #[must_use]
    pub fn first(session: Uuid) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        rand::rng().fill_bytes(secret.as_mut_slice());
        Self { session, generation: 0, secret }
    }

    /// A salt for [`Self::successor`].
    #[must_use]
    pub fn fresh_salt() -> [u8; 32] {
        let mut salt = [0; 32];
        rand::rng().fill_bytes(&mut salt);
        salt
    }

    /// The one that takes its place: the same for the same salt.
    #[must_use]
    pub fn successor(&self, pepper: &Pepper, salt: &[u8; 32]) -> Self {
        let (session, generation) = (self.session, self.generation.saturating_add(1));
        let place = generation.to_be_bytes();
        let parts: [&[u8]; 4] = [session.as_bytes(), &place, self.secret.as_slice(), salt];
        let secret = Zeroizing::new(pepper.labelled_mac("refresh successor", &parts));
        Self { session, generation, secret }
    }

    #[must_use]
    pub fn session(&self) -> Uuid {
        self.session
    }

    /// How many of its session came before it.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// What is stored of it.
    #[must_use]
    pub fn mac(&self, pepper: &Pepper) -> [u8; 32] {
        pepper.labelled_mac("refresh stored", &self.parts(&self.generation.to_be_bytes()))
    }

    fn parts<'a>(&'a self, generation: &'a [u8; 4]) -> [&'a [u8]; 3] {
        [self.session.as_bytes(), generation, self.secret.as_slice()]
    }

    fn tag(&self, pepper: &Pepper) -> [u8; TAG_LEN] {
        let mac = pepper.labelled_mac("refresh tag", &self.parts(&self.generation.to_be_bytes()));
        let mut tag = [0; TAG_LEN];
        tag.copy_from_slice(&mac[..TAG_LEN]);
        tag
    }

    /// The whole token: to be given to its owner.
    #[must_use]
    pub fn reveal(&self, pepper: &Pepper) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(BYTES_LEN));
        bytes.extend_from_slice(self.session.as_bytes());
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(self.secret.as_slice());
        bytes.extend_from_slice(&self.tag(pepper));
        Zeroizing::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes.as_slice())))
    }

    /// Reads a token from outside. Asks no database.
    ///
    /// # Errors
    /// [`MalformedRefreshToken`] for anything that this engine did not make.
    pub fn parse(text: &str, pepper: &Pepper) -> Result<Self, MalformedRefreshToken> {
        let encoded = text.strip_prefix(PREFIX).ok_or(MalformedRefreshToken)?;
        if encoded.len() != BYTES_LEN.div_ceil(3) * 4 - 1 {
            return Err(MalformedRefreshToken);
        }
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| MalformedRefreshToken)?;
        let (session, rest) = bytes.split_first_chunk::<16>().ok_or(MalformedRefreshToken)?;
        let (generation, rest) = rest.split_first_chunk::<4>().ok_or(MalformedRefreshToken)?;
        let (secret, tag) = rest.split_first_chunk::<32>().ok_or(MalformedRefreshToken)?;
        let token = Self {
            session: Uuid::from_bytes(*session),
            generation: u32::from_be_bytes(*generation),
            secret: Zeroizing::new(*secret),
        };
        if bool::from(token.tag(pepper).as_slice().ct_eq(tag)) {
            Ok(token)
        } else {
            Err(MalformedRefreshToken)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEPPER: [u8; 32] = [7; 32];

    #[test]
    fn a_token_reads_back_and_is_not_printed() {
        let pepper = Pepper::new(PEPPER);
        let token = RefreshToken::first(Uuid::from_u128(5));
        let text = token.reveal(&pepper);
        assert_eq!(text.len(), PREFIX.len() + 91);
        let read = RefreshToken::parse(&text, &pepper).expect("our own");
        assert_eq!(read, token);
        assert_eq!((read.session(), read.generation()), (Uuid::from_u128(5), 0));
        let secret = URL_SAFE_NO_PAD.encode(token.secret.as_slice());
        assert!(!format!("{token:?}").contains(&secret[..8]));
        assert_ne!(RefreshToken::first(Uuid::from_u128(5)), token);
    }

    #[test]
    fn what_was_made_up_is_refused() {
        let pepper = Pepper::new(PEPPER);
        let text = RefreshToken::first(Uuid::from_u128(5)).reveal(&pepper);
        assert!(RefreshToken::parse(&text, &Pepper::new([8; 32])).is_err(), "another pepper");
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).expect("text");
            assert!(RefreshToken::parse(&changed, &pepper).is_err(), "byte {at}");
        }
        for bad in ["", PREFIX, &text[1..], &text[..text.len() - 1], &format!("{}A", *text)] {
            assert!(RefreshToken::parse(bad, &pepper).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_successor_is_the_same_for_the_same_salt_only() {
        let (pepper, salt) = (Pepper::new(PEPPER), RefreshToken::fresh_salt());
        let first = RefreshToken::first(Uuid::from_u128(5));
        let second = first.successor(&pepper, &salt);
        assert_eq!(second.generation(), 1);
        assert_eq!(first.successor(&pepper, &salt), second);
        assert_ne!(first.successor(&pepper, &RefreshToken::fresh_salt()), second);
        assert_ne!(first.successor(&Pepper::new([8; 32]), &salt), second);
        let other = RefreshToken::first(Uuid::from_u128(5));
        assert_ne!(other.successor(&pepper, &salt), second);
        assert_ne!(first.mac(&pepper), second.mac(&pepper));
        let text = second.reveal(&pepper);
        assert_eq!(RefreshToken::parse(&text, &pepper).expect("our own"), second);
    }
}

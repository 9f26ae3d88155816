//! The state of a sign-in with an identity provider: goes out with the browser and comes back with
//! it, and is good for the browser alone that holds the secret beside it, its binder.
//!
//! `state = base64url(JSON) . base64url(MAC)`: what was asked for stands in it, so that nothing has
//! to be stored for who only knocks. Nonce and PKCE verifier are made of it and the binder under
//! the pepper: neither is stored anywhere, and neither can be made by who has seen the state.

use crate::key::Pepper;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use std::fmt;
use subtle::ConstantTimeEq;
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

/// How long somebody may take at the provider.
pub const STATE_TIME: Duration = Duration::minutes(10);
const TEXT_LEN_MAX: usize = 2_048;
const BINDER_LEN: usize = 43;

/// What a browser keeps while its user is away: a random secret. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Binder(Zeroizing<String>);

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderState {
    /// Unix seconds.
    #[serde(rename = "t")]
    pub issued: i64,
    /// Where the session is to be of.
    #[serde(rename = "o")]
    pub origin: String,
    /// Of cookies, or of tokens.
    #[serde(rename = "c")]
    pub cookie: bool,
    /// A path below the origin.
    #[serde(rename = "p")]
    pub return_to: String,
    #[serde(rename = "r")]
    random: String,
}

/// A state as it goes out, with what belongs to it.
pub struct SealedState {
    pub text: String,
    pub nonce: String,
    pub verifier: Zeroizing<String>,
    /// By which it is known that it was used.
    pub mac: [u8; 32],
}

/// None of ours, of another browser, or too old: the caller does not learn which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a state of this browser")]
pub struct StateInvalid;

impl fmt::Debug for Binder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Binder(…)")
    }
}

impl fmt::Debug for SealedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedState(…)")
    }
}

impl Binder {
    #[must_use]
    pub fn fresh() -> Self {
        Self(Zeroizing::new(random()))
    }

    /// Of a browser; none if it can't be one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let fits = text.len() == BINDER_LEN && text.bytes().all(plain);
        fits.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// For the browser that keeps it, and nobody else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl ProviderState {
    #[must_use]
    pub fn new(now: OffsetDateTime, origin: String, cookie: bool, return_to: String) -> Self {
        Self { issued: now.unix_timestamp(), origin, cookie, return_to, random: random() }
    }

    /// To go out with the browser that holds `binder`.
    #[must_use]
    pub fn seal(&self, binder: &Binder, pepper: &Pepper) -> SealedState {
        let payload = serde_json::to_vec(self).unwrap_or_default();
        let payload = URL_SAFE_NO_PAD.encode(payload);
        let mac = URL_SAFE_NO_PAD.encode(seal_mac(&payload, binder, pepper));
        sealed(format!("{payload}.{mac}"), binder, pepper)
    }

    /// What comes back, and what belongs to it.
    ///
    /// # Errors
    /// [`StateInvalid`]
    pub fn open(
        text: &str,
        binder: &Binder,
        pepper: &Pepper,
        now: OffsetDateTime,
    ) -> Result<(Self, SealedState), StateInvalid> {
        if text.len() > TEXT_LEN_MAX {
            return Err(StateInvalid);
        }
        let (payload, mac) = text.split_once('.').ok_or(StateInvalid)?;
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| StateInvalid)?;
        if !bool::from(mac.ct_eq(&seal_mac(payload, binder, pepper))) {
            return Err(StateInvalid);
        }
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| StateInvalid)?;
        let state: Self = serde_json::from_slice(&payload).map_err(|_| StateInvalid)?;
        if state.ends_at() <= now {
            return Err(StateInvalid);
        }
        Ok((state, sealed(text.to_owned(), binder, pepper)))
    }

    /// It is good until then.
    #[must_use]
    pub fn ends_at(&self) -> OffsetDateTime {
        let issued = OffsetDateTime::from_unix_timestamp(self.issued);
        issued.unwrap_or(OffsetDateTime::UNIX_EPOCH) + STATE_TIME
    }
}

fn seal_mac(payload: &str, binder: &Binder, pepper: &Pepper) -> [u8; 32] {
    pepper.labelled_mac("provider state", &[payload.as_bytes(), binder.0.as_bytes()])
}

fn sealed(text: String, binder: &Binder, pepper: &Pepper) -> SealedState {
    let of = |label| {
        let mac = pepper.labelled_mac(label, &[text.as_bytes(), binder.0.as_bytes()]);
        URL_SAFE_NO_PAD.encode(mac)
    };
    let (nonce, verifier) = (of("provider nonce"), Zeroizing::new(of("provider verifier")));
    let mac = pepper.labelled_mac("provider spent", &[text.as_bytes()]);
    SealedState { text, nonce, verifier, mac }
}

fn random() -> String {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::rng().fill_bytes(bytes.as_mut_slice());
    URL_SAFE_NO_PAD.encode(bytes.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);

    #[test]
    fn a_state_is_good_for_its_browser_and_its_time() {
        let (pepper, binder) = (Pepper::new([7; 32]), Binder::fresh());
        let state = ProviderState::new(NOW, "https://a.example".to_owned(), true, "/x".to_owned());
        let sealed = state.seal(&binder, &pepper);
        let open = |text: &str, binder: &Binder, pepper: &Pepper, seconds| {
            ProviderState::open(text, binder, pepper, NOW + Duration::seconds(seconds))
        };
        let (opened, again) = open(&sealed.text, &binder, &pepper, 599).expect("ours");
        assert_eq!(opened, state);
        assert_eq!((again.nonce, again.mac), (sealed.nonce.clone(), sealed.mac));
        assert_eq!(again.verifier, sealed.verifier);
        assert!((43..=128).contains(&sealed.verifier.len()), "RFC 7636, section 4.1");
        assert!(open(&sealed.text, &binder, &pepper, 600).is_err());
        assert!(open(&sealed.text, &Binder::fresh(), &pepper, 1).is_err());
        assert!(open(&sealed.text, &binder, &Pepper::new([8; 32]), 1).is_err());
        let (payload, mac) = sealed.text.split_once('.').expect("two parts");
        let other = ProviderState { return_to: "/y".to_owned(), ..state.clone() };
        let other = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&other).expect("JSON"));
        for bad in [
            "",
            ".",
            payload,
            &format!("{other}.{mac}"),
            &format!("{payload}."),
            &format!("{}.{mac}", "A".repeat(3_000)),
        ] {
            assert!(open(bad, &binder, &pepper, 1).is_err(), "{bad}");
        }
        // No two are alike, and none tells the secrets of another.
        let twin = ProviderState::new(NOW, state.origin, true, state.return_to);
        let twin = twin.seal(&binder, &pepper);
        assert!(twin.nonce != sealed.nonce && twin.verifier != sealed.verifier);
    }

    #[test]
    fn a_binder_has_one_form() {
        let binder = Binder::fresh();
        assert_eq!(Binder::parse(binder.reveal()), Some(binder));
        for bad in ["", "x", &"=".repeat(43), &"a".repeat(44)] {
            assert_eq!(Binder::parse(bad), None);
        }
    }
}

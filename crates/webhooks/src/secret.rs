//! What endpoints verify us by. No secret is stored: each is made of the server's key, the
//! endpoint's id and a salt, so that neither a database nor a backup of it can sign.
//!
//! - HMAC (`v1`): `whsec_` and base64 of 32 bytes, which the endpoint's owner is shown once.
//! - Ed25519 (`v1a`): the owner is shown the public key (`whpk_`), and needs nothing secret. The
//!   private half (`whsk_` by the standard) is shown to nobody.

use base64::{Engine, engine::general_purpose::STANDARD};
use db::webhook_endpoints::EndpointRow;
use hmac::{Hmac, KeyInit, Mac};
use rand::RngCore;
use ring::signature::{Ed25519KeyPair, KeyPair};
use sha2::Sha256;
use std::fmt;
use time::OffsetDateTime;
use uuid::Uuid;
use zeroize::Zeroizing;

/// How a delivery is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Hmac,
    Ed25519,
}

impl Scheme {
    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hmac => "hmac",
            Self::Ed25519 => "ed25519",
        }
    }

    fn of(stored: &str) -> Self {
        // The schema knows these two only.
        if stored == "ed25519" { Self::Ed25519 } else { Self::Hmac }
    }
}

/// The server's key: the same in every process, never in the database. Never printed.
#[derive(Clone)]
pub struct RootKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(…)")
    }
}

impl RootKey {
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A salt for a new secret.
    #[must_use]
    pub fn fresh_salt() -> [u8; 32] {
        let mut salt = [0; 32];
        rand::rng().fill_bytes(&mut salt);
        salt
    }

    fn derive(&self, scheme: Scheme, endpoint: Uuid, salt: &[u8]) -> Zeroizing<[u8; 32]> {
        let label = format!("stoa webhook {}", scheme.as_str());
        let parts = [label.as_bytes(), endpoint.as_bytes(), salt];
        let mut mac = hmac(self.0.as_slice());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Zeroizing::new(mac.finalize().into_bytes().into())
    }

    /// What the endpoint's owner needs to verify deliveries, in the standard's form: the secret
    /// (`whsec_`), or the public key (`whpk_`).
    #[must_use]
    pub fn reveal(&self, endpoint: &EndpointRow) -> Zeroizing<String> {
        let scheme = Scheme::of(&endpoint.signature);
        let secret = self.derive(scheme, endpoint.id, &endpoint.salt);
        Zeroizing::new(match scheme {
            Scheme::Hmac => format!("whsec_{}", STANDARD.encode(secret.as_slice())),
            Scheme::Ed25519 => {
                let public = pair(&secret).map(|pair| STANDARD.encode(pair.public_key()));
                format!("whpk_{}", public.unwrap_or_default())
            }
        })
    }

    /// All that sign for the endpoint at this time: the present secret, and the one before it
    /// while it is still good.
    #[must_use]
    pub fn signers(&self, endpoint: &EndpointRow, now: OffsetDateTime) -> Signers {
        let scheme = Scheme::of(&endpoint.signature);
        let previous = endpoint.previous_salt.as_ref();
        let previous = previous.filter(|_| endpoint.previous_until.is_some_and(|end| end > now));
        let salts = [Some(&endpoint.salt), previous];
        let of = |salt: &Vec<u8>| self.derive(scheme, endpoint.id, salt);
        Signers { scheme, secrets: salts.into_iter().flatten().map(of).collect() }
    }
}

/// One or two secrets of one endpoint. Never printed.
#[derive(Clone)]
pub struct Signers {
    scheme: Scheme,
    secrets: Vec<Zeroizing<[u8; 32]>>,
}

impl fmt::Debug for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signers({}, …)", self.scheme.as_str())
    }
}

impl Signers {
    /// The header `webhook-signature`: a signature by each secret, the present one first.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let content = format!("{id}.{timestamp}.{body}");
        let signed = self.secrets.iter().map(|secret| match self.scheme {
            Scheme::Hmac => {
                let mut mac = hmac(secret.as_slice());
                mac.update(content.as_bytes());
                format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
            }
            Scheme::Ed25519 => {
                let signature = pair(secret).map(|pair| pair.sign(content.as_bytes()));
                let text = signature.map(|signature| STANDARD.encode(signature));
                format!("v1a,{}", text.unwrap_or_default())
            }
        });
        signed.collect::<Vec<_>>().join(" ")
    }
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256> as KeyInit>::new_from_slice(key)
        .expect("invariant: HMAC takes keys of any length")
}

/// None only if ring refuses 32 bytes as a seed, which it doesn't.
fn pair(seed: &Zeroizing<[u8; 32]>) -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ED25519, UnparsedPublicKey};

    fn endpoint(signature: &str) -> EndpointRow {
        let now = OffsetDateTime::UNIX_EPOCH;
        EndpointRow {
            id: Uuid::from_u128(5),
            principal_id: Uuid::from_u128(6),
            url: String::new(),
            description: String::new(),
            state: "active".to_owned(),
            reason: None,
            topics: Vec::new(),
            kinds: Vec::new(),
            chain_ids: Vec::new(),
            contracts: Vec::new(),
            addresses: Vec::new(),
            signature: signature.to_owned(),
            salt: vec![1; 32],
            secret_version: 1,
            previous_salt: None,
            previous_until: None,
            failing_since: None,
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn the_published_library_takes_our_signature() {
        let key = RootKey::new([7; 32]);
        let row = endpoint("hmac");
        let secret = key.reveal(&row);
        let verifier = standardwebhooks::Webhook::new(&secret).expect("a secret of the standard");
        let at = OffsetDateTime::now_utc();
        let ours = key.signers(&row, at).sign("msg_1", at.unix_timestamp(), "{\"a\":1}");
        let theirs = verifier.sign("msg_1", at.unix_timestamp(), b"{\"a\":1}");
        assert_eq!(ours, theirs.expect("it signs"));
    }

    #[test]
    fn a_public_key_verifies_what_the_other_half_signed() {
        let key = RootKey::new([7; 32]);
        let row = endpoint("ed25519");
        let shown = key.reveal(&row);
        let public = STANDARD.decode(shown.strip_prefix("whpk_").expect("its prefix")).unwrap();
        let signed = key.signers(&row, row.created_at).sign("msg_1", 9, "{}");
        let signature = STANDARD.decode(signed.strip_prefix("v1a,").expect("its version")).unwrap();
        let public = UnparsedPublicKey::new(&ED25519, public);
        assert!(public.verify(b"msg_1.9.{}", &signature).is_ok());
        assert!(public.verify(b"msg_1.8.{}", &signature).is_err());
    }

    #[test]
    fn the_secret_before_signs_too_for_its_time() {
        let key = RootKey::new([7; 32]);
        let before = endpoint("hmac");
        let end = before.created_at + time::Duration::hours(24);
        let after = EndpointRow {
            salt: vec![2; 32],
            previous_salt: Some(before.salt.clone()),
            previous_until: Some(end),
            ..before.clone()
        };
        let old = key.signers(&before, end).sign("m", 1, "x");
        let sign = |at| key.signers(&after, at).sign("m", 1, "x");
        let both = sign(end - time::Duration::SECOND);
        let (new, second) = both.split_once(' ').expect("two signatures");
        assert_eq!((second, sign(end).as_str()), (old.as_str(), new));
        assert_ne!(new, old);
        assert_ne!(*key.reveal(&before), *key.reveal(&after));
        assert_ne!(*RootKey::new([8; 32]).reveal(&before), *key.reveal(&before));
        assert_ne!(
            *key.reveal(&EndpointRow { id: Uuid::nil(), ..before.clone() }),
            *key.reveal(&before)
        );
        assert!(!format!("{:?} {:?} {before:?}", key, key.signers(&before, end)).contains('7'));
    }
}

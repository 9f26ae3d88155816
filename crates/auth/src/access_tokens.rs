//! Access tokens: JWTs after RFC 9068, signed with Ed25519 by keys that take turns.
//!
//! ```text
//!            activates_at(k1)        activates_at(k2)      + lifetime + leeway
//! ───────────────┼───────────────────────┼────────────────────────┼──────────►
//!  k1 published, │ k1 signs              │ k2 signs, k1 verifies  │ k1 is refused
//!  does not sign │                       │ what it signed before  │ and not published
//! ```

use crate::ed25519;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vocab::{Address, ChainId, Clock, PrincipalId};

/// By how much the clocks of those who issue and those who verify may differ.
pub const TOKEN_LEEWAY: Duration = Duration::seconds(5);
/// Longest token that is looked at. Ours have some 700 bytes.
const TEXT_LEN_MAX: usize = 2_048;
/// RFC 9068, section 2.1: keeps other JWTs from being taken for access tokens.
const TYPE: &str = "at+jwt";

/// A key that signs tokens. Its secret is never shown.
#[derive(Clone)]
pub struct TokenKey {
    id: String,
    public: [u8; 32],
    encoding: EncodingKey,
    decoding: DecodingKey,
    activates_at: OffsetDateTime,
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl TokenKey {
    /// From 32 secret random bytes, which sign from `activates_at` on.
    ///
    /// # Errors
    /// [`TokenFault::NoKey`] when they make no key.
    pub fn new(seed: &[u8; 32], activates_at: OffsetDateTime) -> Result<Self, TokenFault> {
        let public = ed25519::public_key(seed).ok_or(TokenFault::NoKey)?;
        let x = URL_SAFE_NO_PAD.encode(public);
        // RFC 7638: the thumbprint of the public key.
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        Ok(Self {
            id: URL_SAFE_NO_PAD.encode(thumbprint),
            public,
            encoding: EncodingKey::from_ed_der(seed),
            decoding: DecodingKey::from_ed_der(&public),
            activates_at,
        })
    }

    /// As tokens name it (`kid`).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    #[must_use]
    pub fn activates_at(&self) -> OffsetDateTime {
        self.activates_at
    }

    fn published(&self) -> Value {
        json!({
            "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(self.public),
            "kid": self.id, "use": "sig", "alg": "EdDSA",
        })
    }
}

/// Who says what in tokens, and for how long it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPolicy {
    /// `iss`
    pub issuer: String,
    /// `aud`
    pub audience: String,
    pub lifetime: Duration,
}

/// Of whom a token tells.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub principal: PrincipalId,
    pub session: Uuid,
    /// The origin that was signed in at.
    pub client: &'a str,
    /// What was signed in with, if it was a wallet.
    pub wallet: Option<(Address, ChainId)>,
}

/// What a token of ours says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// The principal.
    pub sub: Uuid,
    pub client_id: String,
    /// Unix seconds.
    pub iat: i64,
    pub exp: i64,
    pub jti: Uuid,
    /// The session.
    pub sid: Uuid,
    /// The wallet that was signed in with, EIP-55, and the chain that it was done for; nothing when
    /// it was a provider of identities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<u64>,
}

/// Why a token can't be made or is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Malformed, forged, of another issuer or for another audience: the caller does not learn
    /// which.
    #[error("the token is not valid")]
    Invalid,
    #[error("the token has expired")]
    Expired,
    #[error("there is no key to sign tokens with")]
    NoKey,
}

/// Issues and verifies tokens. Cheap to clone; clones share the keys.
#[derive(Clone, Debug)]
pub struct Tokens {
    policy: Arc<TokenPolicy>,
    clock: Arc<dyn Clock>,
    /// By the time from which they sign.
    keys: Arc<RwLock<Vec<TokenKey>>>,
}

impl Tokens {
    #[must_use]
    pub fn new(policy: TokenPolicy, clock: Arc<dyn Clock>, keys: Vec<TokenKey>) -> Self {
        ed25519::install();
        let tokens = Self { policy: Arc::new(policy), clock, keys: Arc::default() };
        tokens.replace_keys(keys);
        tokens
    }

    #[must_use]
    pub fn policy(&self) -> &TokenPolicy {
        &self.policy
    }

    /// From now on these are the keys.
    pub fn replace_keys(&self, mut keys: Vec<TokenKey>) {
        keys.sort_by_key(TokenKey::activates_at);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// A token for `subject`, and when it ends.
    ///
    /// # Errors
    /// [`TokenFault::NoKey`] when no key may sign yet.
    pub fn issue(&self, subject: Subject<'_>) -> Result<(String, OffsetDateTime), TokenFault> {
        let now = self.clock.now();
        let ends = now + self.policy.lifetime;
        let claims = Claims {
            iss: self.policy.issuer.clone(),
            aud: self.policy.audience.clone(),
            sub: subject.principal.0,
            client_id: subject.client.to_owned(),
            iat: now.unix_timestamp(),
            exp: ends.unix_timestamp(),
            jti: Uuid::now_v7(),
            sid: subject.session,
            address: subject.wallet.map(|(address, _)| address.to_checksum(None)),
            chain_id: subject.wallet.map(|(_, chain)| chain.0),
        };
        let keys = self.usable();
        let key = keys.iter().rev().find(|key| key.activates_at <= now);
        let key = key.ok_or(TokenFault::NoKey)?;
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(key.id.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        let text = encode(&header, &claims, &key.encoding).map_err(|_| TokenFault::NoKey)?;
        Ok((text, ends))
    }

    /// What a token from outside says, if it is one of ours and holds now.
    ///
    /// # Errors
    /// [`TokenFault::Invalid`], [`TokenFault::Expired`]
    pub fn verify(&self, text: &str) -> Result<Claims, TokenFault> {
        if text.len() > TEXT_LEN_MAX {
            return Err(TokenFault::Invalid);
        }
        let header = jsonwebtoken::decode_header(text).map_err(|_| TokenFault::Invalid)?;
        if header.typ.as_deref() != Some(TYPE) || header.crit.is_some() {
            return Err(TokenFault::Invalid);
        }
        let keys = self.usable();
        let named = keys.iter().find(|key| header.kid.as_deref() == Some(key.id.as_str()));
        let key = named.ok_or(TokenFault::Invalid)?;
        let read = decode::<Claims>(text, &key.decoding, &self.validation());
        let claims = read.map_err(|_| TokenFault::Invalid)?.claims;
        let now = self.clock.now().unix_timestamp();
        let leeway = TOKEN_LEEWAY.whole_seconds();
        if claims.iat > now + leeway || claims.exp <= claims.iat {
            return Err(TokenFault::Invalid);
        }
        if claims.exp + leeway <= now {
            return Err(TokenFault::Expired);
        }
        Ok(claims)
    }

    /// The public keys, for those who verify tokens themselves (RFC 7517).
    #[must_use]
    pub fn published_keys(&self) -> Value {
        let keys: Vec<Value> = self.usable().iter().map(TokenKey::published).collect();
        json!({ "keys": keys })
    }

    /// Times are held against our own clock, below.
    fn validation(&self) -> Validation {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.validate_exp = false;
        validation.set_issuer(&[&self.policy.issuer]);
        validation.set_audience(&[&self.policy.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        validation
    }

    /// Those that may still have signed something that holds, and those to come.
    fn usable(&self) -> Vec<TokenKey> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let gone = self.clock.now() - self.policy.lifetime - TOKEN_LEEWAY;
        let next = |place: usize| keys.get(place + 1).map(TokenKey::activates_at);
        let kept = keys.iter().enumerate();
        kept.filter(|(place, _)| next(*place).is_none_or(|next| next > gone))
            .map(|(_, key)| key.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests;

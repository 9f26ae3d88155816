//! From the text of a key, or of an access token, to an actor.

use crate::{
    access_tokens::{TokenFault, Tokens},
    key::Pepper,
    key_check::KeyCheck,
    policy::Actor,
    request_signature::{RequestParts, ShownSignature, SignatureFault},
    session_check::SessionCheck,
};
use db::{Db, DbError};
use std::{net::IpAddr, sync::Arc, time::Duration};
use time::OffsetDateTime;
use vocab::Clock;

/// How long what was changed elsewhere of a key or a session may be as it was here.
pub(crate) const CACHE_TTL: Duration = Duration::from_secs(10);
/// Rows held at most; when more keys are in use at once the cache starts anew.
pub(crate) const CACHE_MAX: usize = 10_000;

/// Why a caller could not be told.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Malformed, unknown, expired, revoked or forged: the caller does not learn which.
    #[error("the key is not valid")]
    Invalid,
    /// The key is good, but not from there.
    #[error("the key may not be used from there")]
    PlaceRefused,
    /// An access token that is not ours, for whatever reason.
    #[error("the token is not valid")]
    TokenInvalid,
    #[error("the token has expired")]
    TokenExpired,
    /// The token holds, its session does not any more.
    #[error("the session has ended")]
    SessionEnded,
    /// The signature of the request is not taken.
    #[error("the signature is not taken")]
    Signature(#[from] SignatureFault),
    #[error("keys can't be looked up")]
    Unavailable(#[from] DbError),
}

impl From<TokenFault> for AuthError {
    fn from(fault: TokenFault) -> Self {
        match fault {
            TokenFault::Expired => Self::TokenExpired,
            TokenFault::Invalid | TokenFault::NoKey => Self::TokenInvalid,
        }
    }
}

/// Verifies keys and access tokens. Cheap to clone; clones share the caches.
#[derive(Clone, Debug)]
pub struct Authenticator {
    db: Db,
    clock: Arc<dyn Clock>,
    keys: KeyCheck,
    sessions: Option<SessionCheck>,
}

impl Authenticator {
    #[must_use]
    pub fn new(db: Db, pepper: Pepper, clock: Arc<dyn Clock>) -> Self {
        let keys = KeyCheck::new(db.clone(), pepper, clock.clone());
        Self { db, clock, keys, sessions: None }
    }

    /// Takes these access tokens, too. Without, it takes none.
    #[must_use]
    pub fn with_tokens(mut self, tokens: Tokens) -> Self {
        self.sessions = Some(SessionCheck::new(self.db.clone(), self.clock.clone(), tokens));
        self
    }

    /// All keys must sign requests of value, not only those that are marked so.
    #[must_use]
    pub fn requiring_signatures(mut self, all: bool) -> Self {
        self.keys.require_signatures(all);
        self
    }

    /// By the clock that keys and tokens are held against.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// What this process knows of a session is not true any more: look again at its next use.
    pub fn forget_session(&self, id: uuid::Uuid) {
        self.sessions.iter().for_each(|sessions| sessions.forget(id));
    }

    /// The same of a key.
    pub fn forget_key(&self, id: &str) {
        self.keys.forget(id);
    }

    /// Who shows this key or access token, calling from there. The text comes from outside. Takes
    /// no database look when checksum or signature is wrong or the row was loaded within the last
    /// 10 s.
    ///
    /// # Errors
    /// [`AuthError`]
    pub async fn authenticate(&self, text: &str, from: Option<IpAddr>) -> Result<Actor, AuthError> {
        // Keys have no dots, and tokens have two.
        if text.contains('.') {
            let sessions = self.sessions.as_ref().ok_or(AuthError::TokenInvalid)?;
            return Ok(Actor::User(sessions.user(text).await?));
        }
        Ok(Actor::Key(self.keys.holder(text, from).await?))
    }

    /// Who signed this request, calling from there. `key` is what they show beside it, if anything:
    /// it must be the same key. A nonce is taken for good, by a row that is committed before this
    /// returns.
    ///
    /// # Errors
    /// [`AuthError`]
    pub async fn authenticate_signed(
        &self,
        request: &RequestParts<'_>,
        shown: &ShownSignature,
        key: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<Actor, AuthError> {
        Ok(Actor::Key(self.keys.signer(request, shown, key, from).await?))
    }

    /// The same of who signed a request.
    #[must_use]
    pub fn has_to_look_for(&self, shown: &ShownSignature) -> bool {
        self.keys.has_to_look_for(shown.key_id())
    }

    /// Would the database have to say whose this is? Then it may be a guess.
    #[must_use]
    pub fn has_to_look(&self, text: &str) -> bool {
        self.keys.has_to_look(text)
    }

    /// Forget nonces whose signatures are too old anyway, in batches until none is left; how many.
    ///
    /// # Errors
    /// [`DbError`]
    pub async fn purge_nonces(&self) -> Result<u64, DbError> {
        self.keys.purge_nonces().await
    }

    /// Write down when and from where keys were used, of each at most once a minute; how many. For
    /// now and then: what is not written is lost with the process.
    ///
    /// # Errors
    /// [`DbError`]; nothing is forgotten then.
    pub async fn record_key_uses(&self) -> Result<usize, DbError> {
        self.keys.record_uses().await
    }
}

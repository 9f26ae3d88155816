//! From the text of a key, or of an access token, to an actor.

use crate::{
    access_tokens::{TokenFault, Tokens},
    key::{KeyText, Pepper},
    policy::{Actor, KeyHolder, PrincipalKind, Scope},
    session_check::SessionCheck,
};
use db::{Db, DbError, PgConnection, api_keys};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;
use vocab::{Clock, PrincipalId};

/// How long a revoked key may still work.
pub(crate) const CACHE_TTL: Duration = Duration::from_secs(10);
/// Rows held at most; when more keys are in use at once the cache starts anew.
pub(crate) const CACHE_MAX: usize = 10_000;

/// Why a caller could not be told.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Malformed, unknown, expired, revoked or forged: the caller does not learn which.
    #[error("the key is not valid")]
    Invalid,
    /// An access token that is not ours, for whatever reason.
    #[error("the token is not valid")]
    TokenInvalid,
    #[error("the token has expired")]
    TokenExpired,
    /// The token holds, its session does not any more.
    #[error("the session has ended")]
    SessionEnded,
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
    pepper: Pepper,
    clock: Arc<dyn Clock>,
    cache: Arc<Mutex<HashMap<String, Cached>>>,
    sessions: Option<SessionCheck>,
}

#[derive(Clone, Debug)]
struct Cached {
    row: Arc<api_keys::ApiKey>,
    loaded: Instant,
}

impl Authenticator {
    #[must_use]
    pub fn new(db: Db, pepper: Pepper, clock: Arc<dyn Clock>) -> Self {
        Self { db, pepper, clock, cache: Arc::default(), sessions: None }
    }

    /// Takes these access tokens, too. Without, it takes none.
    #[must_use]
    pub fn with_tokens(mut self, tokens: Tokens) -> Self {
        self.sessions = Some(SessionCheck::new(self.db.clone(), self.clock.clone(), tokens));
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

    /// Who shows this key or access token. The text comes from outside. Takes no database look when
    /// checksum or signature is wrong or the row was loaded within the last 10 s.
    ///
    /// # Errors
    /// [`AuthError`]
    pub async fn authenticate(&self, text: &str) -> Result<Actor, AuthError> {
        // Keys have no dots, and tokens have two.
        if text.contains('.') {
            let sessions = self.sessions.as_ref().ok_or(AuthError::TokenInvalid)?;
            return Ok(Actor::User(sessions.user(text).await?));
        }
        let key = KeyText::parse(text).map_err(|_| AuthError::Invalid)?;
        let row = self.row(key.id()).await?;
        let mac = self.pepper.mac(key.secret());
        if !bool::from(mac.as_slice().ct_eq(&row.secret_mac)) {
            return Err(AuthError::Invalid);
        }
        let now = self.clock.now();
        if row.revoked_at.is_some() || row.expires_at.is_some_and(|end| end <= now) {
            return Err(AuthError::Invalid);
        }
        Ok(Actor::Key(holder(&row)))
    }

    /// Would the database have to say whose this is? Then it may be a guess.
    #[must_use]
    pub fn has_to_look(&self, text: &str) -> bool {
        KeyText::parse(text).is_ok_and(|key| !self.lock().contains_key(key.id()))
    }

    async fn row(&self, id: &str) -> Result<Arc<api_keys::ApiKey>, AuthError> {
        let cached = self.lock().get(id).cloned();
        if let Some(cached) = cached.filter(|cached| cached.loaded.elapsed() < CACHE_TTL) {
            return Ok(cached.row);
        }
        let mut connection = self.db.acquire().await.map_err(DbError::from)?;
        let row = api_keys::load(&mut connection, id).await?.ok_or(AuthError::Invalid)?;
        api_keys::record_use(&mut connection, id, self.clock.now()).await?;
        let row = Arc::new(row);
        let mut cache = self.lock();
        if cache.len() >= CACHE_MAX {
            cache.clear();
        }
        cache.insert(id.to_owned(), Cached { row: row.clone(), loaded: Instant::now() });
        Ok(row)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Cached>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn holder(row: &api_keys::ApiKey) -> KeyHolder {
    let operator = row.principal_kind == PrincipalKind::Operator.as_str();
    KeyHolder {
        principal: PrincipalId(row.principal_id),
        kind: if operator { PrincipalKind::Operator } else { PrincipalKind::Machine },
        key_id: row.id.clone(),
        // A scope that this version does not know gives no right.
        scopes: row.scopes.iter().filter_map(|scope| scope.parse::<Scope>().ok()).collect(),
    }
}

/// What a key to be issued is for.
#[derive(Clone, Copy, Debug)]
pub struct NewKey<'a> {
    /// `dev`, `staging`, `live`, …
    pub env: &'a str,
    pub principal: PrincipalId,
    pub scopes: &'a [Scope],
    pub expires_at: Option<OffsetDateTime>,
}

/// Make and store a key. Its text exists nowhere but in what is returned.
///
/// # Errors
/// [`DbError`] when it could not be stored, for example for an unknown principal.
pub async fn issue_key(
    db: &mut PgConnection,
    pepper: &Pepper,
    new: NewKey<'_>,
) -> Result<KeyText, DbError> {
    let key = KeyText::generate(new.env);
    let scopes: Vec<String> = new.scopes.iter().map(ToString::to_string).collect();
    let row = api_keys::NewApiKey {
        id: key.id(),
        principal_id: new.principal,
        prefix: key.prefix(),
        secret_mac: &pepper.mac(key.secret()),
        scopes: &scopes,
        expires_at: new.expires_at,
    };
    api_keys::record(db, row).await?;
    Ok(key)
}

/// Revoke a key for good. It may still work for 10 s where it was used just now.
/// False when there is no such key, or it was revoked before.
///
/// # Errors
/// [`DbError`]
pub async fn revoke_key(
    db: &mut PgConnection,
    id: &str,
    now: OffsetDateTime,
) -> Result<bool, DbError> {
    api_keys::record_revocation(db, id, now).await
}

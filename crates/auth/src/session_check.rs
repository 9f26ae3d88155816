//! From an access token to its user, as long as the session is open.

use crate::{
    access_tokens::Tokens,
    authenticator::{AuthError, CACHE_MAX, CACHE_TTL},
    key_check::load_roles,
    policy::{Granted, User, held},
};
use db::{Db, DbError, user_sessions};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{Address, ChainId, Clock, PrincipalId};

/// Looks at a session at most every 10 s: so long may one that was ended elsewhere go on here.
#[derive(Clone, Debug)]
pub(crate) struct SessionCheck {
    db: Db,
    clock: Arc<dyn Clock>,
    tokens: Tokens,
    cache: Arc<Mutex<Cache>>,
}

#[derive(Debug, Default)]
struct Cache {
    known: HashMap<Uuid, Known>,
    /// Rises when something is forgotten, so that a look that began before does not bring it back.
    forgotten: u64,
}

#[derive(Clone, Debug)]
struct Known {
    /// None: it has ended.
    expires_at: Option<OffsetDateTime>,
    principal: PrincipalId,
    contract_chain: Option<ChainId>,
    roles: Vec<Granted>,
    loaded: Instant,
}

impl SessionCheck {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, tokens: Tokens) -> Self {
        Self { db, clock, tokens, cache: Arc::default() }
    }

    pub(crate) async fn user(&self, text: &str) -> Result<User, AuthError> {
        let claims = self.tokens.verify(text)?;
        let known = self.known(claims.sid).await?;
        let now = self.clock.now();
        let open = known.expires_at.is_some_and(|end| end > now);
        if !open || known.principal.0 != claims.sub {
            return Err(AuthError::SessionEnded);
        }
        let until = OffsetDateTime::from_unix_timestamp(claims.exp);
        let address = claims.address.map(|text| text.parse::<Address>()).transpose();
        let address = address.map_err(|_| AuthError::TokenInvalid)?;
        Ok(User {
            principal: known.principal,
            session: claims.sid,
            wallet: address.zip(claims.chain_id.map(ChainId)),
            contract_chain: known.contract_chain,
            roles: held(&known.roles, now),
            until: until.map_err(|_| AuthError::TokenInvalid)?,
        })
    }

    pub(crate) fn forget(&self, id: Uuid) {
        let mut cache = self.lock();
        cache.known.remove(&id);
        cache.forgotten += 1;
    }

    /// What is known of this user's sessions is not true any more.
    pub(crate) fn forget_principal(&self, id: PrincipalId) {
        let mut cache = self.lock();
        cache.known.retain(|_, known| known.principal != id);
        cache.forgotten += 1;
    }

    async fn known(&self, id: Uuid) -> Result<Known, AuthError> {
        let forgotten = {
            let cache = self.lock();
            let known = cache.known.get(&id);
            if let Some(known) = known.filter(|known| known.loaded.elapsed() < CACHE_TTL) {
                return Ok(known.clone());
            }
            cache.forgotten
        };
        let loaded = Instant::now();
        let mut connection = self.db.acquire().await.map_err(DbError::from)?;
        let row = user_sessions::load(&mut connection, id).await?;
        let row = row.ok_or(AuthError::SessionEnded)?;
        let now = self.clock.now();
        let known = Known {
            expires_at: row.ended_at.is_none().then_some(row.expires_at),
            principal: PrincipalId(row.principal_id),
            contract_chain: (row.contract_chain_id != 0)
                .then(|| ChainId::from_i64(row.contract_chain_id)),
            roles: load_roles(&mut connection, row.principal_id, now).await?,
            loaded,
        };
        if known.expires_at.is_some() {
            user_sessions::record_use(&mut connection, id, self.clock.now()).await?;
        }
        let mut cache = self.lock();
        if cache.forgotten == forgotten {
            if cache.known.len() >= CACHE_MAX {
                cache.known.clear();
            }
            cache.known.insert(id, known.clone());
        }
        Ok(known)
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

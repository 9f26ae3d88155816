//! From the text of a key to who holds it, as long as it is good.

use crate::{
    authenticator::{AuthError, CACHE_MAX, CACHE_TTL},
    key::{ID_LEN, KeyText, Pepper, signing_secret},
    key_uses::KeyUses,
    networks::Networks,
    policy::{KeyHolder, PrincipalKind, Scope},
    request_signature::{RequestParts, SIGNATURE_WINDOW, ShownSignature, SignatureFault},
};
use db::{Db, DbError, api_keys, request_nonces};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use subtle::{Choice, ConstantTimeEq};
use vocab::{Clock, PrincipalId};

/// Looks at a key at most every 10 s: so long may one that was changed elsewhere go on here as it
/// was.
#[derive(Clone, Debug)]
pub(crate) struct KeyCheck {
    db: Db,
    pepper: Pepper,
    clock: Arc<dyn Clock>,
    cache: Arc<Mutex<Cache>>,
    uses: KeyUses,
    /// Must all keys sign requests of value?
    all_sign: bool,
}

/// Rows that one statement removes.
const PURGE_BATCH: i64 = 1_000;

#[derive(Debug, Default)]
struct Cache {
    known: HashMap<String, Cached>,
    /// Rises when something is forgotten, so that a look that began before does not bring it back.
    forgotten: u64,
}

#[derive(Clone, Debug)]
struct Cached {
    key: Arc<KnownKey>,
    loaded: Instant,
}

/// A key as stored, with what was read of it.
#[derive(Debug)]
pub(crate) struct KnownKey {
    pub(crate) row: api_keys::ApiKey,
    allowed: Networks,
}

impl KeyCheck {
    pub(crate) fn new(db: Db, pepper: Pepper, clock: Arc<dyn Clock>) -> Self {
        Self { db, pepper, clock, cache: Arc::default(), uses: KeyUses::default(), all_sign: false }
    }

    pub(crate) fn require_signatures(&mut self, all: bool) {
        self.all_sign = all;
    }

    /// Who shows this key, from there.
    pub(crate) async fn holder(
        &self,
        text: &str,
        from: Option<IpAddr>,
    ) -> Result<KeyHolder, AuthError> {
        let shown = KeyText::parse(text).map_err(|_| AuthError::Invalid)?;
        let key = self.known(shown.id()).await?;
        let (mac, now) = (self.pepper.mac(shown.secret()), self.clock.now());
        let equal = key.row.secrets.iter().fold(Choice::from(0), |equal, secret| {
            let open = secret.valid_until.is_none_or(|end| end > now);
            equal | (mac.as_slice().ct_eq(&secret.mac) & Choice::from(u8::from(open)))
        });
        if !bool::from(equal) {
            return Err(AuthError::Invalid);
        }
        let holder = self.admit(&key, from)?;
        Ok(KeyHolder { unsigned: self.all_sign || key.row.signature_required, ..holder })
    }

    /// Who signed this request, from there. What they show beside it must be the same key.
    pub(crate) async fn signer(
        &self,
        request: &RequestParts<'_>,
        shown: &ShownSignature,
        beside: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<KeyHolder, AuthError> {
        let now = self.clock.now();
        shown.check_time(now)?;
        let id = shown.key_id();
        let of_ours = id.len() == ID_LEN && id.bytes().all(|b| b.is_ascii_alphanumeric());
        if !of_ours {
            return Err(SignatureFault::Wrong.into());
        }
        if let Some(text) = beside
            && self.holder(text, from).await?.key_id != id
        {
            return Err(SignatureFault::Wrong.into());
        }
        let key = match self.known(id).await {
            Err(AuthError::Invalid) => return Err(SignatureFault::Wrong.into()),
            known => known?,
        };
        if !self.is_by(&key.row, request, shown) {
            return Err(SignatureFault::Wrong.into());
        }
        let holder = self.admit(&key, from)?;
        let expires_at = now + SIGNATURE_WINDOW * 4;
        let mut connection = self.db.acquire().await.map_err(DbError::from)?;
        let nonce = (id, shown.nonce());
        if !request_nonces::record(&mut connection, nonce, expires_at).await? {
            return Err(SignatureFault::Replayed.into());
        }
        Ok(holder)
    }

    /// By the public key, if there is one; else by one of the secrets that open.
    fn is_by(
        &self,
        row: &api_keys::ApiKey,
        request: &RequestParts<'_>,
        shown: &ShownSignature,
    ) -> bool {
        if let Some(public) = &row.public_key {
            return shown.is_by_public(request, public);
        }
        let now = self.clock.now();
        let open = row.secrets.iter().filter(|one| one.valid_until.is_none_or(|end| end > now));
        open.filter_map(|one| one.signing_salt.as_deref()).any(|salt| {
            let secret = signing_secret(&self.pepper, &row.prefix, &row.id, salt);
            shown.is_by_secret(request, secret.as_bytes())
        })
    }

    pub(crate) fn has_to_look_for(&self, id: &str) -> bool {
        !self.lock().known.contains_key(id)
    }

    /// See [`crate::Authenticator::purge_nonces`].
    pub(crate) async fn purge_nonces(&self) -> Result<u64, DbError> {
        let mut gone = 0;
        loop {
            let mut connection = self.db.acquire().await.map_err(DbError::from)?;
            let now = self.clock.now();
            let batch = request_nonces::delete_expired(&mut connection, now, PURGE_BATCH).await?;
            gone += batch;
            if batch < PURGE_BATCH.unsigned_abs() {
                return Ok(gone);
            }
        }
    }

    /// Who holds a key that was proved to be theirs, if it is good now and there.
    pub(crate) fn admit(
        &self,
        key: &KnownKey,
        from: Option<IpAddr>,
    ) -> Result<KeyHolder, AuthError> {
        let now = self.clock.now();
        if key.row.revoked_at.is_some() || key.row.expires_at.is_some_and(|end| end <= now) {
            return Err(AuthError::Invalid);
        }
        if !key.allowed.admits(from) {
            return Err(AuthError::PlaceRefused);
        }
        self.uses.note(&key.row.id, now, from);
        Ok(holder(&key.row))
    }

    /// Would the database have to say whose this is?
    pub(crate) fn has_to_look(&self, text: &str) -> bool {
        KeyText::parse(text).is_ok_and(|key| !self.lock().known.contains_key(key.id()))
    }

    pub(crate) fn forget(&self, id: &str) {
        let mut cache = self.lock();
        cache.known.remove(id);
        cache.forgotten += 1;
    }

    /// See [`crate::Authenticator::record_key_uses`].
    pub(crate) async fn record_uses(&self) -> Result<usize, DbError> {
        let now = self.clock.now();
        let due = self.uses.due();
        if due.is_empty() {
            return Ok(0);
        }
        let mut connection = self.db.acquire().await.map_err(DbError::from)?;
        api_keys::record_uses(&mut connection, &due).await?;
        self.uses.settle(&due, now);
        Ok(due.len())
    }

    pub(crate) async fn known(&self, id: &str) -> Result<Arc<KnownKey>, AuthError> {
        let forgotten = {
            let cache = self.lock();
            let cached = cache.known.get(id);
            if let Some(cached) = cached.filter(|cached| cached.loaded.elapsed() < CACHE_TTL) {
                return Ok(cached.key.clone());
            }
            cache.forgotten
        };
        let loaded = Instant::now();
        let mut connection = self.db.acquire().await.map_err(DbError::from)?;
        let row = api_keys::load(&mut connection, id).await?.ok_or(AuthError::Invalid)?;
        let allowed = Networks::parse(&row.allowed_ips).unwrap_or_else(|fault| {
            tracing::error!(key = id, %fault, "a stored network can't be read: nobody is admitted");
            Networks::closed()
        });
        let key = Arc::new(KnownKey { row, allowed });
        let mut cache = self.lock();
        if cache.forgotten == forgotten {
            if cache.known.len() >= CACHE_MAX {
                cache.known.clear();
            }
            cache.known.insert(id.to_owned(), Cached { key: key.clone(), loaded });
        }
        Ok(key)
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
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
        until: row.expires_at,
        unsigned: false,
    }
}

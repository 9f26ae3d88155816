//! Keys made, given another secret, and ended. Each in the caller's transaction.

use crate::{
    key::{KeyText, Pepper, signing_secret},
    policy::Scope,
};
use db::{
    DbError, PgConnection,
    api_keys::{self, KeyTerms, NewApiKey, NewSecret},
};
use rand::RngCore;
use time::{Duration, OffsetDateTime};
use vocab::PrincipalId;
use zeroize::Zeroizing;

/// How long a replaced secret may go on at most.
pub const OVERLAP_MAX: Duration = Duration::days(7);

/// What a key to be issued is for.
#[derive(Clone, Copy, Debug)]
pub struct NewKey<'a> {
    /// `dev`, `staging`, `live`, …
    pub env: &'a str,
    pub principal: PrincipalId,
    pub scopes: &'a [Scope],
    pub expires_at: Option<OffsetDateTime>,
}

impl NewKey<'_> {
    /// What is decided about it: any place, no name, no signatures.
    #[must_use]
    pub fn terms(&self) -> KeyTerms {
        KeyTerms {
            scopes: self.scopes.iter().map(ToString::to_string).collect(),
            expires_at: self.expires_at,
            ..KeyTerms::default()
        }
    }
}

/// What its holder is told of a key, once. Never printed.
pub struct IssuedKey {
    pub key: KeyText,
    /// Signs requests by HMAC-SHA256, as long as the key has no public key.
    pub signing_secret: Zeroizing<String>,
}

impl std::fmt::Debug for IssuedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A key, and what is stored of its secrets.
struct Fresh {
    issued: IssuedKey,
    mac: [u8; 32],
    salt: [u8; 32],
}

impl Fresh {
    fn of(key: KeyText, pepper: &Pepper) -> Self {
        let mut salt = [0; 32];
        rand::rng().fill_bytes(&mut salt);
        let signing_secret = signing_secret(pepper, key.prefix(), key.id(), &salt);
        let mac = pepper.mac(key.secret());
        Self { issued: IssuedKey { key, signing_secret }, mac, salt }
    }

    fn stored(&self) -> NewSecret<'_> {
        NewSecret { mac: &self.mac, signing_salt: &self.salt }
    }
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
    let issued = issue_key_as(db, pepper, (new.env, new.principal), &new.terms()).await?;
    Ok(issued.key)
}

/// The same on terms of its own, which the caller has checked.
///
/// # Errors
/// As [`issue_key`].
pub async fn issue_key_as(
    db: &mut PgConnection,
    pepper: &Pepper,
    (env, principal_id): (&str, PrincipalId),
    terms: &KeyTerms,
) -> Result<IssuedKey, DbError> {
    let fresh = Fresh::of(KeyText::generate(env), pepper);
    let key = &fresh.issued.key;
    let (id, prefix) = (key.id(), key.prefix());
    let row = NewApiKey { id, principal_id, prefix, secret: fresh.stored(), terms };
    api_keys::record(db, row).await?;
    Ok(fresh.issued)
}

/// Give a key another secret. The present one opens for `overlap` more, and those before it as long
/// as they were given; without an overlap none of them opens any more. The row is locked.
///
/// # Errors
/// [`DbError`]
pub async fn rotate_key(
    db: &mut PgConnection,
    pepper: &Pepper,
    (prefix, id): (&str, &str),
    (now, overlap): (OffsetDateTime, Duration),
) -> Result<IssuedKey, DbError> {
    let fresh = Fresh::of(KeyText::with_id(prefix, id), pepper);
    let older_until = overlap.is_positive().then(|| now + overlap.min(OVERLAP_MAX));
    api_keys::record_rotation(db, id, fresh.stored(), (now, older_until)).await?;
    Ok(fresh.issued)
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

//! Keys changed, given another secret, and ended.

use super::{
    ApiKeyRefusal, ApiKeys, KeyAnswer, OVERLAP, decided, key_terms,
    power::{Power, Standing},
    terms::{TermsSpec, apply},
    terms_of,
};
use crate::{
    AppError, Caller, Once,
    once::{Begun, Done, maker},
    tell_change::By,
};
use abi::Fault;
use auth::{Action, IssuedKey, Maker, OVERLAP_MAX, revoke_key, rotate_key};
use db::{
    DbError, PgConnection,
    api_keys::{self, ApiKeyRow},
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

const OK: u16 = 200;

impl ApiKeys {
    /// Change what is decided about a key. Here it holds at once, in other processes within 10 s.
    ///
    /// # Errors
    /// [`ApiKeyRefusal`]
    pub async fn change(
        &self,
        caller: Caller<'_>,
        id: &str,
        spec: TermsSpec<'_>,
    ) -> Result<ApiKeyRow, AppError> {
        let holder = maker(caller.actor, Action::ChangeApiKey)?;
        let now = self.now();
        let mut transaction = db::begin(&self.app().config().db).await?;
        let db: &mut PgConnection = &mut transaction;
        let (power, standing, before) = locked(db, holder, id, now).await?;
        if before.revoked_at.is_some() {
            return Err(ApiKeyRefusal::Revoked.into());
        }
        let mut terms = before.terms();
        let faults = apply(&mut terms, &spec, now);
        if !faults.is_empty() {
            return Err(ApiKeyRefusal::Invalid(faults).into());
        }
        power.covers(standing, &terms)?;
        api_keys::record_terms(db, id, &terms).await?;
        let states = (key_terms(&before), terms_of(&terms, &before));
        if states.0 != states.1 {
            let by = By::Request(holder, caller);
            journal::record(db, &[decided(by, "changed", &before, states)]).await?;
        }
        let after = api_keys::lock(db, id).await?;
        transaction.commit().await.map_err(DbError::from)?;
        self.0.authenticator.forget_key(id);
        tracing::info!(api_key = id, by = holder.key_id, "API key changed");
        after.ok_or(AppError::Bug("a locked key is gone"))
    }

    /// Give a key another secret; the present one opens for `overlap` seconds more. A repeat gets
    /// the same answer without the secret, and replaces nothing.
    ///
    /// # Errors
    /// [`ApiKeyRefusal`]
    pub async fn rotate(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        (id, overlap): (&str, Option<u32>),
        render: impl Fn(&ApiKeyRow) -> Value + Send,
    ) -> Result<KeyAnswer, AppError> {
        let holder = maker(caller.actor, Action::ChangeApiKey)?;
        let overlap = overlap.map_or(OVERLAP, |seconds| Duration::seconds(seconds.into()));
        if overlap > OVERLAP_MAX {
            let fault = Fault::new("/overlap_seconds", "0 to 604800");
            return Err(ApiKeyRefusal::Invalid(vec![fault]).into());
        }
        let mut work = match self.app().begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(KeyAnswer { answer, issued: None }),
            Begun::Open(work) => work,
        };
        let times = (self.now(), overlap);
        let by = (holder, caller);
        let made = self.replace(&mut work.transaction, by, id, times).await;
        let mut issued = None;
        let done = made.map(|(row, secrets)| {
            issued = Some(secrets);
            Done::New(OK, render(&row).to_string().into_bytes())
        });
        let answer = self.app().settle_once(work, done).await?;
        self.0.authenticator.forget_key(id);
        tracing::info!(api_key = id, by = holder.key_id, "API key rotated");
        Ok(KeyAnswer { answer, issued })
    }

    async fn replace(
        &self,
        db: &mut PgConnection,
        by: (Maker<'_>, Caller<'_>),
        id: &str,
        (now, overlap): (OffsetDateTime, Duration),
    ) -> Result<(ApiKeyRow, IssuedKey), AppError> {
        let (_, _, before) = locked(db, by.0, id, now).await?;
        if before.revoked_at.is_some() {
            return Err(ApiKeyRefusal::Revoked.into());
        }
        let place = (before.prefix.as_str(), id);
        let issued = rotate_key(db, &self.0.pepper, place, (now, overlap)).await?;
        let after = json!({ "overlap_seconds": overlap.whole_seconds() });
        let by = By::Request(by.0, by.1);
        journal::record(db, &[decided(by, "rotated", &before, (Value::Null, after))]).await?;
        let row = api_keys::lock(db, id).await?;
        Ok((row.ok_or(AppError::Bug("a locked key is gone"))?, issued))
    }

    /// Revoke a key for good; again does nothing. Here it is refused at once, by other processes
    /// within 10 s.
    ///
    /// # Errors
    /// [`ApiKeyRefusal`]
    pub async fn revoke(&self, caller: Caller<'_>, id: &str) -> Result<(), AppError> {
        let holder = maker(caller.actor, Action::ChangeApiKey)?;
        let now = self.now();
        let mut transaction = db::begin(&self.app().config().db).await?;
        let db: &mut PgConnection = &mut transaction;
        let (_, _, key) = locked(db, holder, id, now).await?;
        if revoke_key(db, id, now).await? {
            let states = (key_terms(&key), Value::Null);
            let by = By::Request(holder, caller);
            journal::record(db, &[decided(by, "revoked", &key, states)]).await?;
            transaction.commit().await.map_err(DbError::from)?;
            tracing::info!(api_key = id, by = holder.key_id, "API key revoked");
        }
        self.0.authenticator.forget_key(id);
        Ok(())
    }
}

/// The key, held until the end of the transaction, if the caller may change it at all: theirs, or
/// anybody's for an admin, and able to do no more than they.
async fn locked(
    db: &mut PgConnection,
    holder: Maker<'_>,
    id: &str,
    now: OffsetDateTime,
) -> Result<(Power, Standing, ApiKeyRow), AppError> {
    let key = api_keys::lock(db, id).await?.ok_or(ApiKeyRefusal::Unknown)?;
    let power = Power::load(db, holder, now).await?;
    if key.principal_id != holder.principal.0 && !power.is_admin() {
        return Err(ApiKeyRefusal::Unknown.into());
    }
    let standing = Standing::load(db, (key.principal_id, &key.principal_kind), now).await?;
    power.covers(standing, &key.terms())?;
    Ok((power, standing, key))
}

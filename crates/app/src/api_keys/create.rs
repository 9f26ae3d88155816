//! A key made by request.

use super::{
    ApiKeyRefusal, ApiKeys, KeyAnswer, decided, key_terms,
    power::{Power, Standing},
    terms::{TermsSpec, apply},
};
use crate::{
    AppError, Caller, Once,
    once::{Begun, CREATED, Done, maker},
    tell_change::By,
};
use abi::Fault;
use auth::{Action, IssuedKey, KeyText, Maker, PrincipalKind, Scope, issue_key_as};
use db::{
    PgConnection,
    api_keys::{self, ApiKeyFilter, ApiKeyRow, KeyTerms},
    principals::{self, PrincipalFilter},
};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::PrincipalId;

const PRINCIPAL_NAME_MAX: usize = 200;

/// A key to make.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec<'a> {
    pub terms: TermsSpec<'a>,
    /// Who shall hold it; the caller's principal when absent.
    pub principal_id: Option<Uuid>,
    /// Instead: a new principal, a machine of this name.
    pub principal_name: Option<&'a str>,
}

impl ApiKeys {
    /// Make a key. A repeat gets the same answer without the secret, and makes no other key.
    ///
    /// # Errors
    /// [`ApiKeyRefusal`]
    pub async fn create(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        spec: KeySpec<'_>,
        render: impl Fn(&ApiKeyRow) -> Value + Send,
    ) -> Result<KeyAnswer, AppError> {
        let holder = maker(caller.actor, Action::ChangeApiKey)?;
        let now = self.now();
        let mut terms = KeyTerms::default();
        let mut faults = apply(&mut terms, &spec.terms, now);
        faults.extend(check_principal(&spec));
        if !faults.is_empty() {
            return Err(ApiKeyRefusal::Invalid(faults).into());
        }
        let mut work = match self.app().begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(KeyAnswer { answer, issued: None }),
            Begun::Open(work) => work,
        };
        let asked = (caller, spec, &terms);
        let made = self.make(&mut work.transaction, holder, asked, now).await;
        let mut issued = None;
        let done = made.map(|(row, secrets)| {
            tracing::info!(api_key = row.id, by = holder.key_id, "API key made");
            issued = Some(secrets);
            Done::New(CREATED, render(&row).to_string().into_bytes())
        });
        let answer = self.app().settle_once(work, done).await?;
        Ok(KeyAnswer { answer, issued })
    }

    async fn make(
        &self,
        db: &mut PgConnection,
        holder: Maker<'_>,
        (caller, spec, terms): (Caller<'_>, KeySpec<'_>, &KeyTerms),
        now: OffsetDateTime,
    ) -> Result<(ApiKeyRow, IssuedKey), AppError> {
        let power = Power::load(db, holder, now).await?;
        let (principal, kind) = principal(db, &power, holder, &spec).await?;
        let standing = Standing::load(db, (principal.0, &kind), now).await?;
        power.covers(standing, terms)?;
        let env = own_env(db, holder).await?;
        let issued = issue_key_as(db, &self.0.pepper, (&env, principal), terms).await?;
        let row = load(db, &issued.key).await?;
        let states = (Value::Null, key_terms(&row));
        let by = By::Request(holder, caller);
        journal::record(db, &[decided(by, "created", &row, states)]).await?;
        Ok((row, issued))
    }
}

async fn load(db: &mut PgConnection, key: &KeyText) -> Result<ApiKeyRow, AppError> {
    let filter = ApiKeyFilter { id: Some(key.id()), ..ApiKeyFilter::default() };
    let row = api_keys::list(db, filter, 1).await?.pop();
    row.ok_or(AppError::Bug("a key that was just made is not there"))
}

/// `dev` of a maker whose key begins with `sk_dev`; `live` of who shows none.
async fn own_env(db: &mut PgConnection, holder: Maker<'_>) -> Result<String, AppError> {
    let Some(key_id) = holder.key_id else { return Ok("live".to_owned()) };
    let filter = ApiKeyFilter { id: Some(key_id), ..ApiKeyFilter::default() };
    let own = api_keys::list(db, filter, 1).await?.pop().ok_or(AppError::KeyInvalid)?;
    Ok(own.prefix.strip_prefix("sk_").unwrap_or("live").to_owned())
}

fn check_principal(spec: &KeySpec<'_>) -> Option<Fault> {
    let name = spec.principal_name?;
    if spec.principal_id.is_some() {
        return Some(Fault::new("/principal_name", "not with `principal_id`"));
    }
    let sound = (1..=PRINCIPAL_NAME_MAX).contains(&name.chars().count())
        && !name.chars().any(char::is_control)
        && name.trim() == name;
    let said = "1 to 200 characters, no control characters";
    (!sound).then(|| Fault::new("/principal_name", said))
}

/// Whose the key shall be, and what kind of principal that is.
async fn principal(
    db: &mut PgConnection,
    power: &Power,
    holder: Maker<'_>,
    spec: &KeySpec<'_>,
) -> Result<(PrincipalId, String), AppError> {
    let others = spec.principal_id.is_some_and(|id| id != holder.principal.0);
    if (others || spec.principal_name.is_some()) && !power.is_admin() {
        let detail = format!("keys of other principals take the scope `{}`", Scope::Admin);
        return Err(ApiKeyRefusal::Exceeds(detail).into());
    }
    if let Some(name) = spec.principal_name {
        let (id, kind) = (PrincipalId::new(), PrincipalKind::Machine.as_str());
        principals::record(db, id, name, kind).await?;
        return Ok((id, kind.to_owned()));
    }
    let id = spec.principal_id.map_or(holder.principal, PrincipalId);
    let filter = PrincipalFilter { id: Some(id), ..PrincipalFilter::default() };
    let found = principals::list(db, filter, 1).await?.pop();
    let fault = |said| ApiKeyRefusal::Invalid(vec![Fault::new("/principal_id", said)]);
    let found = found.ok_or_else(|| fault("there is no such principal"))?;
    // Who signs in with a wallet proves it anew each time; a key would outlast that.
    if found.kind == "user" {
        return Err(fault("users sign in, and hold no keys").into());
    }
    Ok((id, found.kind))
}

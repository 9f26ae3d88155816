//! Who there is, and which roles they were granted: for admins.

use crate::{
    App, AppError, Caller, Refusal,
    once::maker,
    tell_change::{By, Decision},
};
use abi::Fault;
use auth::{Action, Authenticator, Role, authorize};
use db::{
    DbError, PgConnection,
    principal_roles::{self, GRANTED, GrantRow},
    principals::{self, PrincipalFilter, PrincipalRow},
};
use journal::NewFact;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;
use vocab::PrincipalId;

const EXPIRY_MAX: Duration = Duration::days(3_650);

/// A principal with the roles that it has now.
#[derive(Clone, Debug)]
pub struct PrincipalView {
    pub row: PrincipalRow,
    pub roles: Vec<GrantRow>,
}

impl PrincipalView {
    /// Is it granted like that already, whoever did it?
    #[must_use]
    pub fn has(&self, grant: &GrantRow) -> bool {
        let of = |row: &GrantRow| (row.role.clone(), row.source.clone(), row.expires_at);
        self.roles.iter().any(|held| of(held) == of(grant))
    }
}

/// Which principals to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct PrincipalQuery<'a> {
    pub kind: Option<&'a str>,
    pub role: Option<Role>,
    /// Where the page before ended: when that one came, and its id.
    pub after: Option<(OffsetDateTime, Uuid)>,
}

/// The use cases of principals and roles. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Principals {
    app: App,
    /// Forgets at once whose roles changed here.
    authenticator: Authenticator,
}

impl Principals {
    #[must_use]
    pub fn new(app: App, authenticator: Authenticator) -> Self {
        Self { app, authenticator }
    }

    fn now(&self) -> OffsetDateTime {
        self.app.config().clock.now()
    }

    /// Principals, newest first.
    ///
    /// # Errors
    /// [`AppError::Denied`]
    pub async fn list(
        &self,
        caller: Caller<'_>,
        query: PrincipalQuery<'_>,
        limit: i64,
    ) -> Result<Vec<PrincipalView>, AppError> {
        authorize(caller.actor, Action::ReadPrincipal)?;
        let now = self.now();
        let role = query.role.map(|role| (role.as_str(), now));
        let filter = PrincipalFilter { id: None, kind: query.kind, role, after: query.after };
        let mut db = self.app.connection().await?;
        let rows = principals::list(&mut db, filter, limit).await?;
        views(&mut db, rows, now).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Refusal::PrincipalUnknown`]
    pub async fn load(&self, caller: Caller<'_>, id: Uuid) -> Result<PrincipalView, AppError> {
        authorize(caller.actor, Action::ReadPrincipal)?;
        let filter = PrincipalFilter { id: Some(PrincipalId(id)), ..PrincipalFilter::default() };
        let mut db = self.app.connection().await?;
        let rows = principals::list(&mut db, filter, 1).await?;
        let found = views(&mut db, rows, self.now()).await?.pop();
        found.ok_or(Refusal::PrincipalUnknown.into())
    }

    /// Grant a role, in the place of an earlier grant of it. Here it holds at once, in other
    /// processes within 10 s. Again changes nothing.
    ///
    /// # Errors
    /// [`Refusal::PrincipalUnknown`], [`Refusal::GrantInvalid`].
    pub async fn grant(
        &self,
        caller: Caller<'_>,
        (id, role): (Uuid, Role),
        expires_at: Option<&str>,
    ) -> Result<PrincipalView, AppError> {
        let maker = maker(caller.actor, Action::GrantRole)?;
        let now = self.now();
        let expires_at = expires_at.map(|text| read_expiry(text, now)).transpose()?;
        let grant = GrantRow {
            principal_id: id,
            role: role.to_string(),
            source: GRANTED.to_owned(),
            granted_by: Some(maker.principal.0),
            granted_at: now,
            expires_at,
        };
        let mut transaction = db::begin(&self.app.config().db).await?;
        let before = locked(&mut transaction, id, now).await?;
        if before.has(&grant) {
            return Ok(before);
        }
        principal_roles::record(&mut transaction, &grant).await?;
        let after = locked(&mut transaction, id, now).await?;
        let fact = role_decided(By::Request(maker, caller), "role_granted", (&before, &after));
        journal::record(&mut transaction, &[fact]).await?;
        transaction.commit().await.map_err(DbError::from)?;
        self.authenticator.forget_principal(PrincipalId(id));
        tracing::info!(principal.id = %id, role = role.as_str(), "role granted");
        Ok(after)
    }

    /// Take a role back, whoever said so; again does nothing. What a provider claims comes back
    /// with the next sign-in.
    ///
    /// # Errors
    /// [`Refusal::PrincipalUnknown`]
    pub async fn end(&self, caller: Caller<'_>, (id, role): (Uuid, Role)) -> Result<(), AppError> {
        let maker = maker(caller.actor, Action::GrantRole)?;
        let now = self.now();
        let mut transaction = db::begin(&self.app.config().db).await?;
        let before = locked(&mut transaction, id, now).await?;
        let (principal, text) = (PrincipalId(id), role.as_str());
        if principal_roles::record_end(&mut transaction, principal, text).await? {
            let after = locked(&mut transaction, id, now).await?;
            let by = By::Request(maker, caller);
            let fact = role_decided(by, "role_ended", (&before, &after));
            journal::record(&mut transaction, &[fact]).await?;
            transaction.commit().await.map_err(DbError::from)?;
            tracing::info!(principal.id = %id, role = text, "role taken back");
        }
        self.authenticator.forget_principal(principal);
        Ok(())
    }
}

/// A decision about a principal's roles, for the record.
#[must_use]
pub fn role_decided(
    by: By<'_>,
    act: &'static str,
    (before, after): (&PrincipalView, &PrincipalView),
) -> NewFact {
    let about = ("principal", after.row.id.to_string());
    let (before, after) = (told(before), told(after));
    let deed = Action::GrantRole.into();
    Decision { by, deed, about, act, chain_id: None, before, after }.fact()
}

fn told(view: &PrincipalView) -> Value {
    let role = |grant: &GrantRow| {
        let until = grant.expires_at.and_then(|at| at.format(&Rfc3339).ok());
        json!({ "role": grant.role, "source": grant.source, "expires_at": until })
    };
    json!({ "name": view.row.name, "kind": view.row.kind,
        "roles": view.roles.iter().map(role).collect::<Vec<_>>() })
}

pub(crate) async fn locked(
    db: &mut PgConnection,
    id: Uuid,
    now: OffsetDateTime,
) -> Result<PrincipalView, AppError> {
    let row = principals::lock(db, PrincipalId(id)).await?.ok_or(Refusal::PrincipalUnknown)?;
    let roles = principal_roles::load(db, &[id], now).await?;
    Ok(PrincipalView { row, roles })
}

async fn views(
    db: &mut PgConnection,
    rows: Vec<PrincipalRow>,
    now: OffsetDateTime,
) -> Result<Vec<PrincipalView>, AppError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let grants = principal_roles::load(db, &ids, now).await?;
    let view = |row: PrincipalRow| {
        let own = grants.iter().filter(|grant| grant.principal_id == row.id);
        PrincipalView { roles: own.cloned().collect(), row }
    };
    Ok(rows.into_iter().map(view).collect())
}

fn read_expiry(text: &str, now: OffsetDateTime) -> Result<OffsetDateTime, AppError> {
    let fault = |said| AppError::Refused(Refusal::GrantInvalid(Fault::new("/expires_at", said)));
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| fault("a time as of RFC 3339"))?;
    if time <= now || time - now > EXPIRY_MAX {
        return Err(fault("a time to come, within ten years"));
    }
    // As the database keeps it.
    Ok(time.truncate_to_microsecond())
}

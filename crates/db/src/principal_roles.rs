//! `principal_roles`: what principals were granted beyond their kind.

use crate::DbError;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::PrincipalId;

/// Said by somebody here.
pub const GRANTED: &str = "granted";
/// Said by the provider of identities, at the last sign-in with it.
pub const CLAIMED: &str = "claimed";

/// A role as granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRow {
    pub principal_id: Uuid,
    /// `organizer`, `verifier`, `operator` or `admin`.
    pub role: String,
    /// [`GRANTED`] or [`CLAIMED`].
    pub source: String,
    /// None: somebody at a terminal of the server, or the provider.
    pub granted_by: Option<Uuid>,
    pub granted_at: OffsetDateTime,
    pub expires_at: Option<OffsetDateTime>,
}

/// Grant a role, in the place of an earlier grant of it.
pub async fn record(db: &mut PgConnection, grant: &GrantRow) -> Result<(), DbError> {
    sqlx::query!(
        "insert into principal_roles
             (principal_id, role, source, granted_by, granted_at, expires_at)
         values ($1, $2, $6, $3, $4, $5)
         on conflict (principal_id, role, source) do update
            set granted_by = $3, granted_at = $4, expires_at = $5",
        grant.principal_id,
        grant.role,
        grant.granted_by,
        grant.granted_at,
        grant.expires_at,
        grant.source,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Take a role back, whoever said so. False when there was none.
pub async fn record_end(
    db: &mut PgConnection,
    principal: PrincipalId,
    role: &str,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "delete from principal_roles where principal_id = $1 and role = $2",
        principal.0,
        role,
    );
    Ok(done.execute(db).await?.rows_affected() > 0)
}

/// Within the caller's transaction: what a provider claims of somebody is this from now on, until
/// then. What was granted here stays as it is.
pub async fn record_claimed(
    db: &mut PgConnection,
    principal: PrincipalId,
    roles: &[String],
    (now, until): (OffsetDateTime, OffsetDateTime),
) -> Result<(), DbError> {
    sqlx::query!(
        "delete from principal_roles
          where principal_id = $1 and source = 'claimed' and role <> all($2)",
        principal.0,
        roles,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into principal_roles (principal_id, role, source, granted_at, expires_at)
         select $1, role, 'claimed', $3, $4 from unnest($2::text[]) as role
         on conflict (principal_id, role, source) do update set granted_at = $3, expires_at = $4",
        principal.0,
        roles,
        now,
        until,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Grants of these principals that have not expired.
pub async fn load(
    db: &mut PgConnection,
    principals: &[Uuid],
    now: OffsetDateTime,
) -> Result<Vec<GrantRow>, DbError> {
    Ok(sqlx::query_as!(
        GrantRow,
        "select principal_id, role, source, granted_by, granted_at, expires_at
           from principal_roles
          where principal_id = any($1) and (expires_at is null or expires_at > $2)
          order by principal_id, role, source desc",
        principals,
        now,
    )
    .fetch_all(db)
    .await?)
}

//! `principal_roles`: what principals were granted beyond their kind.

use crate::DbError;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::PrincipalId;

/// A role as granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRow {
    pub principal_id: Uuid,
    /// `organizer`, `verifier`, `operator` or `admin`.
    pub role: String,
    /// None: somebody at a terminal of the server.
    pub granted_by: Option<Uuid>,
    pub granted_at: OffsetDateTime,
    pub expires_at: Option<OffsetDateTime>,
}

/// Grant a role, in the place of an earlier grant of it.
pub async fn record(db: &mut PgConnection, grant: &GrantRow) -> Result<(), DbError> {
    sqlx::query!(
        "insert into principal_roles (principal_id, role, granted_by, granted_at, expires_at)
         values ($1, $2, $3, $4, $5)
         on conflict (principal_id, role) do update
            set granted_by = $3, granted_at = $4, expires_at = $5",
        grant.principal_id,
        grant.role,
        grant.granted_by,
        grant.granted_at,
        grant.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Take a role back. None when it was not granted.
pub async fn record_end(
    db: &mut PgConnection,
    principal: PrincipalId,
    role: &str,
) -> Result<Option<GrantRow>, DbError> {
    Ok(sqlx::query_as!(
        GrantRow,
        "delete from principal_roles where principal_id = $1 and role = $2
         returning principal_id, role, granted_by, granted_at, expires_at",
        principal.0,
        role,
    )
    .fetch_optional(db)
    .await?)
}

/// Grants of these principals that have not expired.
pub async fn load(
    db: &mut PgConnection,
    principals: &[Uuid],
    now: OffsetDateTime,
) -> Result<Vec<GrantRow>, DbError> {
    Ok(sqlx::query_as!(
        GrantRow,
        "select principal_id, role, granted_by, granted_at, expires_at from principal_roles
          where principal_id = any($1) and (expires_at is null or expires_at > $2)
          order by principal_id, role",
        principals,
        now,
    )
    .fetch_all(db)
    .await?)
}

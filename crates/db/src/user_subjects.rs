//! `user_subjects`: whom the subjects of identity providers stand for; `spent_states`: which
//! sign-ins with them are over.

use crate::{DbError, principals};
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::PrincipalId;

/// Somebody, as a provider names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    pub issuer: &'a str,
    pub subject: &'a str,
}

/// Within the caller's transaction, under an advisory lock of the subject: the user behind it, made
/// at the first sign-in with this name and the same ever after.
pub async fn record(
    db: &mut PgConnection,
    subject: Subject<'_>,
    name: &str,
    now: OffsetDateTime,
) -> Result<PrincipalId, DbError> {
    let known = sqlx::query!(
        "select principal_id from user_subjects where issuer = $1 and subject = $2",
        subject.issuer,
        subject.subject,
    )
    .fetch_optional(&mut *db)
    .await?;
    if let Some(known) = known {
        return Ok(PrincipalId(known.principal_id));
    }
    let id = PrincipalId::new();
    principals::record(db, id, name, "user").await?;
    sqlx::query!(
        "insert into user_subjects (issuer, subject, principal_id, created_at)
         values ($1, $2, $3, $4)",
        subject.issuer,
        subject.subject,
        id.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(id)
}

/// Does the issuer know this user?
pub async fn is_of(
    db: &mut PgConnection,
    principal: PrincipalId,
    issuer: &str,
) -> Result<bool, DbError> {
    let row = sqlx::query!(
        "select subject from user_subjects where principal_id = $1 and issuer = $2 limit 1",
        principal.0,
        issuer,
    );
    Ok(row.fetch_optional(db).await?.is_some())
}

/// Was a session opened with this state?
pub async fn is_spent(db: &mut PgConnection, state_mac: &[u8; 32]) -> Result<bool, DbError> {
    let row = sqlx::query!(
        "select expires_at from spent_states where state_mac = $1",
        state_mac.as_slice(),
    );
    Ok(row.fetch_optional(db).await?.is_some())
}

/// Within the transaction of the session that it opens. True for one caller only.
pub async fn record_spent(
    db: &mut PgConnection,
    state_mac: &[u8; 32],
    expires_at: OffsetDateTime,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "insert into spent_states (state_mac, expires_at) values ($1, $2) on conflict do nothing",
        state_mac.as_slice(),
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Remove at most `limit` states that have expired anyway. Returns how many went.
pub async fn delete_expired(
    db: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "delete from spent_states where state_mac in
             (select state_mac from spent_states
               where expires_at <= $1 order by expires_at limit $2 for update skip locked)",
        now,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

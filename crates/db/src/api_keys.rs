//! `api_keys`: the public half of each key, and the MAC of its secret.

use crate::DbError;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::PrincipalId;

/// A key as stored, with the kind of its principal.
#[derive(Clone)]
pub struct ApiKey {
    pub id: String,
    pub principal_id: Uuid,
    pub principal_kind: String,
    pub secret_mac: Vec<u8>,
    pub scopes: Vec<String>,
    pub expires_at: Option<OffsetDateTime>,
    pub revoked_at: Option<OffsetDateTime>,
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A key to be stored.
#[derive(Clone, Copy)]
pub struct NewApiKey<'a> {
    pub id: &'a str,
    pub principal_id: PrincipalId,
    /// `sk_<env>`
    pub prefix: &'a str,
    pub secret_mac: &'a [u8; 32],
    pub scopes: &'a [String],
    pub expires_at: Option<OffsetDateTime>,
}

impl std::fmt::Debug for NewApiKey<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewApiKey").field("id", &self.id).finish_non_exhaustive()
    }
}

pub async fn record(db: &mut PgConnection, key: NewApiKey<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "insert into api_keys (id, principal_id, prefix, secret_mac, scopes, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
        key.id,
        key.principal_id.0,
        key.prefix,
        key.secret_mac.as_slice(),
        key.scopes,
        key.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn load(db: &mut PgConnection, id: &str) -> Result<Option<ApiKey>, DbError> {
    Ok(sqlx::query_as!(
        ApiKey,
        r#"select k.id, k.principal_id, p.kind as principal_kind, k.secret_mac, k.scopes,
                  k.expires_at, k.revoked_at
             from api_keys k join principals p on p.id = k.principal_id
            where k.id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await?)
}

/// Note that a key was used, at most once a minute.
pub async fn record_use(
    db: &mut PgConnection,
    id: &str,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    sqlx::query!(
        "update api_keys set last_used_at = $2
          where id = $1
            and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute')",
        id,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Revoke a key for good. False when there is no such key, or it was revoked before.
pub async fn record_revocation(
    db: &mut PgConnection,
    id: &str,
    now: OffsetDateTime,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update api_keys set revoked_at = $2 where id = $1 and revoked_at is null",
        id,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A key as its operator sees it.
#[derive(Clone, Debug)]
pub struct ApiKeyRow {
    pub id: String,
    pub prefix: String,
    pub principal_id: Uuid,
    pub principal_name: String,
    pub scopes: Vec<String>,
    pub created_at: OffsetDateTime,
    pub expires_at: Option<OffsetDateTime>,
    pub revoked_at: Option<OffsetDateTime>,
    pub last_used_at: Option<OffsetDateTime>,
}

/// Newest first, at most `limit`; or the one of this id.
pub async fn list(
    db: &mut PgConnection,
    id: Option<&str>,
    limit: i64,
) -> Result<Vec<ApiKeyRow>, DbError> {
    Ok(sqlx::query_as!(
        ApiKeyRow,
        r#"select k.id, k.prefix, k.principal_id, p.name as principal_name, k.scopes,
                  k.created_at, k.expires_at, k.revoked_at, k.last_used_at
             from api_keys k join principals p on p.id = k.principal_id
            where $1::text is null or k.id = $1
            order by k.created_at desc, k.id limit $2"#,
        id,
        limit,
    )
    .fetch_all(db)
    .await?)
}

//! `request_nonces`: what signed requests may say once.

use crate::DbError;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Take a nonce of a key. False when it was taken before.
pub async fn record(
    db: &mut PgConnection,
    (key_id, nonce): (&str, &str),
    expires_at: OffsetDateTime,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "insert into request_nonces (key_id, nonce, expires_at) values ($1, $2, $3)
         on conflict (key_id, nonce) do nothing",
        key_id,
        nonce,
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Remove those that have expired, at most `limit`; how many.
pub async fn delete_expired(
    db: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "delete from request_nonces where (key_id, nonce) in
            (select key_id, nonce from request_nonces where expires_at <= $1
              order by expires_at limit $2 for update skip locked)",
        now,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

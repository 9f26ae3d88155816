//! `idempotency_keys`: finished answers, replayed to retries until they expire.

use crate::DbError;
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::PrincipalId;

/// A finished answer and the request that it answered.
#[derive(Clone, Debug)]
pub struct FinishedAnswer {
    pub fingerprint: Vec<u8>,
    pub status: i16,
    pub body: Vec<u8>,
}

/// An answer to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewAnswer<'a> {
    pub principal_id: PrincipalId,
    pub key: &'a str,
    pub fingerprint: &'a [u8; 32],
    pub status: i16,
    pub body: &'a [u8],
    pub now: OffsetDateTime,
    pub expires_at: OffsetDateTime,
}

/// Within the caller's transaction: hold `lock` until it ends. False at once when a rival holds it.
pub async fn lock_key(db: &mut PgConnection, lock: i64) -> Result<bool, DbError> {
    let row = sqlx::query!(r#"select pg_try_advisory_xact_lock($1) as "held!""#, lock)
        .fetch_one(db)
        .await?;
    Ok(row.held)
}

/// The unexpired answer under a key. Mint jobs and transactions are idempotency rows of their own:
/// one made under this key after `jobs_after` is given with status 0 and no body, for its
/// fingerprint alone.
pub async fn load(
    db: &mut PgConnection,
    principal_id: PrincipalId,
    key: &str,
    (now, jobs_after): (OffsetDateTime, OffsetDateTime),
) -> Result<Option<FinishedAnswer>, DbError> {
    Ok(sqlx::query_as!(
        FinishedAnswer,
        r#"select fingerprint as "fingerprint!", status as "status!", body as "body!"
             from idempotency_keys
            where principal_id = $1 and key = $2 and expires_at > $3
           union all
           select fingerprint, 0::smallint, ''::bytea from mint_jobs
            where principal_id = $1 and request_id = $2 and created_at > $4
           union all
           select fingerprint, 0::smallint, ''::bytea from transactions
            where principal_id = $1 and idempotency_key = $2 and created_at > $4
            order by 2 desc limit 1"#,
        principal_id.0,
        key,
        now,
        jobs_after,
    )
    .fetch_optional(db)
    .await?)
}

/// Within the caller's transaction: keep an answer. Replaces an expired one.
pub async fn record(db: &mut PgConnection, answer: NewAnswer<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "insert into idempotency_keys
             (principal_id, key, fingerprint, status, body, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (principal_id, key) do update
            set fingerprint = excluded.fingerprint, status = excluded.status,
                body = excluded.body, created_at = excluded.created_at,
                expires_at = excluded.expires_at",
        answer.principal_id.0,
        answer.key,
        answer.fingerprint.as_slice(),
        answer.status,
        answer.body,
        answer.now,
        answer.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Remove at most `limit` expired answers. Returns how many went.
pub async fn delete_expired(
    db: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "delete from idempotency_keys where (principal_id, key) in
             (select principal_id, key from idempotency_keys
               where expires_at <= $1 order by expires_at limit $2 for update skip locked)",
        now,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

//! `principals`: who may call: holders of keys, and users who sign in.

use crate::DbError;
use sqlx::PgConnection;
use vocab::PrincipalId;

/// Record a principal; the same id again changes nothing.
/// `kind` is `operator`, `machine` or `user`.
pub async fn record(
    db: &mut PgConnection,
    id: PrincipalId,
    name: &str,
    kind: &str,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into principals (id, name, kind) values ($1, $2, $3) on conflict (id) do nothing",
        id.0,
        name,
        kind,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The name of a principal; none when there is no such one.
pub async fn load_name(db: &mut PgConnection, id: PrincipalId) -> Result<Option<String>, DbError> {
    let row = sqlx::query!("select name from principals where id = $1", id.0);
    Ok(row.fetch_optional(db).await?.map(|row| row.name))
}

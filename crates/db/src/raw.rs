//! The few statements without rows or types: locks and set-up.

use crate::DbError;
use sqlx::PgConnection;

/// Run one fixed statement. Never build `sql` from input.
pub async fn execute(db: &mut PgConnection, sql: &'static str) -> Result<(), DbError> {
    sqlx::query(sql).execute(db).await?;
    Ok(())
}

/// The one text column of one fixed query. Never build `sql` from input. For tests and audits.
pub async fn texts(db: &mut PgConnection, sql: &'static str) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar(sql).fetch_all(db).await?)
}

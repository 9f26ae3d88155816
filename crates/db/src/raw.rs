//! The few statements without rows or types: locks and set-up.

use crate::DbError;
use sqlx::PgConnection;

/// Run one fixed statement. Never build `sql` from input.
pub async fn execute(db: &mut PgConnection, sql: &'static str) -> Result<(), DbError> {
    sqlx::query(sql).execute(db).await?;
    Ok(())
}

//! Requests for collections while they follow their transaction (before the index sees them).

use crate::{Addr, DbError};
use sqlx::PgConnection;
use uuid::Uuid;
use vocab::{Address, JobStatus};

/// A request that follows its transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Following {
    pub id: Uuid,
    pub principal_id: Uuid,
    pub transaction_id: Option<Uuid>,
    pub contract: Address,
    pub status: String,
}

/// The requests of these transactions that still follow them, locked.
pub async fn lock_following(
    db: &mut PgConnection,
    transactions: &[Uuid],
) -> Result<Vec<Following>, DbError> {
    Ok(sqlx::query_as!(
        Following,
        r#"select id, principal_id, transaction_id, contract as "contract: Addr", status
             from collection_requests
            where transaction_id = any($1)
              and status in ('queued', 'reserved', 'submitted', 'unknown')
            order by id for no key update"#,
        transactions,
    )
    .fetch_all(db)
    .await?)
}

/// Write the new state of a request that [`lock_following`] gave.
pub async fn record_followed(
    db: &mut PgConnection,
    id: Uuid,
    status: JobStatus,
    reason: Option<&str>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update collection_requests set status = $2, reason = $3, updated_at = now()
          where id = $1 and status in ('queued', 'reserved', 'submitted', 'unknown')",
        id,
        status.as_str(),
        reason,
    )
    .execute(db)
    .await?;
    Ok(())
}

//! Who is behind a job: its principal and its ordering key, as far as it has them, or else the
//! contract that it calls. The failures of one source say nothing of another's jobs.

use crate::DbError;
use sqlx::PgConnection;
use uuid::Uuid;

/// A job's kind and source.
#[derive(Clone, Debug)]
pub struct Source {
    pub id: Uuid,
    pub kind: String,
    pub source: String,
}

pub async fn load(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Source>, DbError> {
    Ok(sqlx::query_as!(
        Source,
        r#"select t.id, t.kind, coalesce(nullif(concat_ws('/', t.principal_id, t.ordering_key), ''),
                  encode(t.recipient, 'hex'), '') as "source!"
             from transactions t where t.id = any($1)"#,
        ids,
    )
    .fetch_all(db)
    .await?)
}

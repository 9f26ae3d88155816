//! Looking at what was sent, and forgetting it.

use crate::DbError;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A delivery as it stands.
#[derive(Clone, Debug)]
pub struct DeliveryRow {
    pub id: Uuid,
    /// Rises with time.
    pub number: i64,
    pub topic: String,
    pub epoch: i64,
    pub seq: i64,
    pub kind: String,
    pub ordering_key: String,
    pub state: String,
    pub attempts: i32,
    pub next_at: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
    pub ended_at: Option<OffsetDateTime>,
}

/// One attempt at a delivery.
#[derive(Clone, Debug)]
pub struct AttemptRow {
    pub delivery_id: Uuid,
    pub attempt: i32,
    pub at: OffsetDateTime,
    pub outcome: String,
    pub status: Option<i16>,
    pub latency_ms: i32,
    pub response: String,
}

/// Which deliveries to list.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryFilter<'a> {
    pub endpoint_id: Uuid,
    pub id: Option<Uuid>,
    pub state: Option<&'a str>,
}

/// Deliveries of an endpoint before `before` by number, newest first.
pub async fn list(
    db: &mut PgConnection,
    filter: DeliveryFilter<'_>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<DeliveryRow>, DbError> {
    Ok(sqlx::query_as!(
        DeliveryRow,
        "select id, number, topic, epoch, seq, kind, ordering_key, state, attempts, next_at,
                created_at, ended_at
           from webhook_deliveries
          where endpoint_id = $1 and ($2::uuid is null or id = $2)
            and ($3::text is null or state = $3) and ($4::int8 is null or number < $4)
          order by number desc limit $5",
        filter.endpoint_id,
        filter.id,
        filter.state,
        before,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// The attempts at these deliveries that are kept, in order.
pub async fn load_attempts(
    db: &mut PgConnection,
    deliveries: &[Uuid],
) -> Result<Vec<AttemptRow>, DbError> {
    Ok(sqlx::query_as!(
        AttemptRow,
        "select delivery_id, attempt, at, outcome, status, latency_ms, response
           from webhook_attempts where delivery_id = any($1) order by delivery_id, attempt",
        deliveries,
    )
    .fetch_all(db)
    .await?)
}

/// How many wait at these endpoints; those where none does are left out.
pub async fn count_pending(
    db: &mut PgConnection,
    endpoints: &[Uuid],
) -> Result<Vec<(Uuid, i64)>, DbError> {
    let rows = sqlx::query!(
        r#"select endpoint_id, count(*) as "n!" from webhook_deliveries
            where endpoint_id = any($1) and state in ('ready', 'held') group by endpoint_id"#,
        endpoints,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.endpoint_id, row.n)).collect())
}

/// Forget deliveries that ended before `before`; how many, `limit` at most.
pub async fn delete_ended(
    db: &mut PgConnection,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "delete from webhook_deliveries where id in (
             select id from webhook_deliveries where ended_at < $1 order by ended_at limit $2)",
        before,
        limit,
    );
    Ok(done.execute(db).await?.rows_affected())
}

/// Forget the oldest that ended at an endpoint, but for the newest `keep`.
pub async fn delete_beyond(
    db: &mut PgConnection,
    endpoint: Uuid,
    keep: i64,
    limit: i64,
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "delete from webhook_deliveries where id in (
             select id from webhook_deliveries
              where endpoint_id = $1 and ended_at is not null
              order by number desc offset $2 limit $3)",
        endpoint,
        keep,
        limit,
    );
    Ok(done.execute(db).await?.rows_affected())
}

/// Forget what was to be sent, or was sent, to endpoints that are deleted.
pub async fn delete_of_deleted(db: &mut PgConnection, limit: i64) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "delete from webhook_deliveries where id in (
             select d.id from webhook_endpoints e
               join webhook_deliveries d on d.endpoint_id = e.id
              where e.state = 'deleted' limit $1)",
        limit,
    );
    Ok(done.execute(db).await?.rows_affected())
}

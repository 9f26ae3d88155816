//! `webhook_cursors`, `webhook_positions`: how far the log was looked through, for all endpoints
//! together and for those that are not where the others are.

use crate::{DbError, facts::TopicHead};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// Where an endpoint stands in a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct PositionRow {
    pub endpoint_id: Uuid,
    pub topic: String,
    pub epoch: i64,
    pub after_seq: i64,
    pub live: bool,
    pub replay_upto: Option<i64>,
    pub replay_at: Option<OffsetDateTime>,
}

/// How far all endpoints that keep up were told. A topic that has no row is not looked at yet.
pub async fn load_cursors(db: &mut PgConnection) -> Result<Vec<TopicHead>, DbError> {
    Ok(sqlx::query_as!(TopicHead, "select topic, epoch, seq from webhook_cursors order by topic")
        .fetch_all(db)
        .await?)
}

/// Within the caller's transaction, which holds the lease.
pub async fn record_cursors(db: &mut PgConnection, to: &[TopicHead]) -> Result<(), DbError> {
    let topics: Vec<String> = to.iter().map(|place| place.topic.clone()).collect();
    let epochs: Vec<i64> = to.iter().map(|place| place.epoch).collect();
    let seqs: Vec<i64> = to.iter().map(|place| place.seq).collect();
    sqlx::query!(
        "insert into webhook_cursors (topic, epoch, seq)
         select * from unnest($1::text[], $2::int8[], $3::int8[])
         on conflict (topic) do update set epoch = excluded.epoch, seq = excluded.seq",
        &topics,
        &epochs,
        &seqs,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Of endpoints that are not deleted; of one, if one is named.
pub async fn load(
    db: &mut PgConnection,
    endpoint: Option<Uuid>,
) -> Result<Vec<PositionRow>, DbError> {
    Ok(sqlx::query_as!(
        PositionRow,
        "select p.endpoint_id, p.topic, p.epoch, p.after_seq, p.live, p.replay_upto, p.replay_at
           from webhook_endpoints e join webhook_positions p on p.endpoint_id = e.id
          where e.state <> 'deleted' and ($1::uuid is null or e.id = $1)
          order by p.endpoint_id, p.topic",
        endpoint,
    )
    .fetch_all(db)
    .await?)
}

/// Within the caller's transaction: the endpoint is told of exactly these topics. One that is new
/// to it starts at its present head.
pub async fn record_topics(
    db: &mut PgConnection,
    endpoint: Uuid,
    topics: &[String],
) -> Result<(), DbError> {
    sqlx::query!(
        "delete from webhook_positions where endpoint_id = $1 and topic <> all($2)",
        endpoint,
        topics,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into webhook_positions (endpoint_id, topic, epoch, after_seq)
         select $1, topic, epoch, seq from topics where topic = any($2)
         on conflict do nothing",
        endpoint,
        topics,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Go back: what follows on `seq` is told again, even what was delivered. None when the topic is
/// not told to the endpoint, or has not come to that number; else its head.
pub async fn record_replay(
    db: &mut PgConnection,
    endpoint: Uuid,
    topic: &str,
    seq: i64,
) -> Result<Option<i64>, DbError> {
    let row = sqlx::query!(
        r#"update webhook_positions p
              set epoch = t.epoch, after_seq = $3, live = false, replay_upto = t.seq,
                  replay_at = now()
             from topics t
            where p.endpoint_id = $1 and p.topic = $2 and t.topic = p.topic and $3 <= t.seq
        returning t.seq as "head!""#,
        endpoint,
        topic,
        seq,
    );
    Ok(row.fetch_optional(db).await?.map(|row| row.head))
}

/// Within the caller's transaction: these no longer move with the cursor, but stand where it stood.
pub async fn record_left(
    db: &mut PgConnection,
    endpoints: &[Uuid],
    from: &TopicHead,
) -> Result<(), DbError> {
    sqlx::query!(
        "update webhook_positions
            set live = false, epoch = $3, after_seq = greatest(after_seq, $4)
          where endpoint_id = any($1) and topic = $2 and live",
        endpoints,
        from.topic,
        from.epoch,
        from.seq,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Within the caller's transaction: an endpoint was looked through up to `after_seq`, and now is
/// where the others are if `live`. False when somebody moved it meanwhile.
pub async fn record_progress(
    db: &mut PgConnection,
    was: &PositionRow,
    epoch: i64,
    after_seq: i64,
    live: bool,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update webhook_positions
            set epoch = $4, after_seq = $5, live = $6,
                replay_upto = case when $5 < replay_upto then replay_upto end,
                replay_at = case when $5 < replay_upto then replay_at end
          where endpoint_id = $1 and topic = $2 and after_seq = $3 and not live
            and replay_at is not distinct from $7",
        was.endpoint_id,
        was.topic,
        was.after_seq,
        epoch,
        after_seq,
        live,
        was.replay_at,
    );
    Ok(done.execute(db).await?.rows_affected() == 1)
}

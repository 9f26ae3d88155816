//! What the role does: rows that come, fall due and end.

use crate::{DbError, Hash, facts::Fact};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// Attempts that are kept of one delivery.
const ATTEMPTS_KEPT: i32 = 20;

/// A fact to be told to an endpoint.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    pub id: Uuid,
    pub endpoint_id: Uuid,
    pub topic: String,
    pub epoch: i64,
    pub seq: i64,
    pub kind: String,
    pub ordering_key: String,
    /// No earlier one of its key stands in the same list.
    pub first: bool,
    /// If it ended before this time, it is sent again.
    pub again_before: Option<OffsetDateTime>,
}

/// Within the caller's transaction, which holds the lease: what is new waits for what is pending of
/// its key; what is known stays as it is, unless it is to be sent again. Which of them now wait,
/// by endpoint.
pub async fn record(db: &mut PgConnection, new: &[NewDelivery]) -> Result<Vec<Uuid>, DbError> {
    let rows = sqlx::query!(
        "with wanted as (
             select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int8[], $5::int8[],
                                  $6::text[], $7::text[], $8::bool[], $9::timestamptz[])
                 as w (id, endpoint_id, topic, epoch, seq, kind, ordering_key, first, again_before)
         ), placed as (
             select w.*, not w.first or exists (
                        select from webhook_deliveries o
                         where o.endpoint_id = w.endpoint_id and o.topic = w.topic
                           and o.ordering_key = w.ordering_key and o.id <> w.id
                           and o.state in ('ready', 'held')) as waits
               from wanted w
         )
         insert into webhook_deliveries as d
                (id, endpoint_id, topic, epoch, seq, kind, ordering_key, state, next_at)
         select p.id, p.endpoint_id, p.topic, p.epoch, p.seq, p.kind, p.ordering_key,
                case when p.waits then 'held' else 'ready' end,
                case when not p.waits then now() end
           from placed p order by p.epoch, p.seq
         on conflict (id) do update
            set state = excluded.state, next_at = excluded.next_at, tries = 0, ended_at = null
          where d.ended_at < (select w.again_before from wanted w where w.id = d.id)
         returning d.endpoint_id",
        &new.iter().map(|one| one.id).collect::<Vec<_>>(),
        &new.iter().map(|one| one.endpoint_id).collect::<Vec<_>>(),
        &new.iter().map(|one| one.topic.clone()).collect::<Vec<_>>(),
        &new.iter().map(|one| one.epoch).collect::<Vec<_>>(),
        &new.iter().map(|one| one.seq).collect::<Vec<_>>(),
        &new.iter().map(|one| one.kind.clone()).collect::<Vec<_>>(),
        &new.iter().map(|one| one.ordering_key.clone()).collect::<Vec<_>>(),
        &new.iter().map(|one| one.first).collect::<Vec<_>>(),
        &new.iter().map(|one| one.again_before).collect::<Vec<_>>() as _,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| row.endpoint_id).collect())
}

/// How much more an endpoint may be sent now.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub endpoint_id: Uuid,
    pub room: i64,
}

/// A delivery that is due, with its fact.
#[derive(Clone, Debug)]
pub struct Due {
    pub id: Uuid,
    pub endpoint_id: Uuid,
    pub epoch: i64,
    pub tries: i32,
    pub fact: Fact,
}

/// What is due at these endpoints, those longest due first, but for what is under way.
pub async fn load_due(
    db: &mut PgConnection,
    rooms: &[Room],
    under_way: &[Uuid],
) -> Result<Vec<Due>, DbError> {
    let rows = sqlx::query!(
        r#"select d.id, d.endpoint_id, d.epoch, d.tries, f.topic, f.seq, f.kind, f.reverting,
                  f.attributes, f.chain_id, f.block_number, f.block_hash as "block_hash: Hash",
                  f.data, f.created_at
             from unnest($1::uuid[], $2::int8[]) as r (endpoint_id, room)
             join webhook_endpoints e on e.id = r.endpoint_id and e.state = 'active'
             cross join lateral (
                 select q.id, q.endpoint_id, q.topic, q.epoch, q.seq, q.tries
                   from webhook_deliveries q
                  where q.endpoint_id = r.endpoint_id and q.state = 'ready'
                    and q.next_at <= now() and q.id <> all($3)
                  order by q.next_at limit r.room) d
             join facts f on f.topic = d.topic and f.seq = d.seq"#,
        &rooms.iter().map(|one| one.endpoint_id).collect::<Vec<_>>(),
        &rooms.iter().map(|one| one.room).collect::<Vec<_>>(),
        under_way,
    );
    let due = rows.fetch_all(db).await?.into_iter().map(|row| Due {
        id: row.id,
        endpoint_id: row.endpoint_id,
        epoch: row.epoch,
        tries: row.tries,
        fact: Fact {
            topic: row.topic,
            seq: row.seq,
            kind: row.kind,
            reverting: row.reverting,
            attributes: row.attributes,
            chain_id: row.chain_id,
            block_number: row.block_number,
            block_hash: row.block_hash,
            data: row.data,
            created_at: row.created_at,
        },
    });
    Ok(due.collect())
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub struct Ended {
    pub id: Uuid,
    /// `delivered`, `failed`, or `ready` to be tried again.
    pub state: &'static str,
    /// Attempts made since it was set to be sent.
    pub tries: i32,
    /// Until the next one, in seconds.
    pub pause: Option<f64>,
    pub at: OffsetDateTime,
    pub outcome: &'static str,
    pub status: Option<i16>,
    pub latency_ms: i32,
    pub response: String,
}

/// Within the caller's transaction, which holds the lease. What waited for one that has come to its
/// end falls due. A delivery that is ready no more stays as it is.
pub async fn record_ended(db: &mut PgConnection, ended: &[Ended]) -> Result<(), DbError> {
    let ids: Vec<Uuid> = ended.iter().map(|one| one.id).collect();
    let told: Vec<Value> = ended.iter().map(attempt).collect();
    sqlx::query!(
        "with told as (
             select t.*, o.response
               from unnest($1::jsonb[], $2::text[]) as o (told, response)
              cross join lateral jsonb_to_record(o.told)
                 as t (id uuid, state text, tries int, pause float8, at timestamptz, outcome text,
                       status smallint, latency_ms int)
         ), moved as (
             update webhook_deliveries d
                set state = t.state, attempts = d.attempts + 1, tries = t.tries,
                    next_at = case when t.state = 'ready'
                                   then now() + make_interval(secs => t.pause) end,
                    ended_at = case when t.state <> 'ready' then now() end
               from told t where d.id = t.id and d.state = 'ready'
          returning d.id, d.attempts
         )
         insert into webhook_attempts
                (delivery_id, attempt, at, outcome, status, latency_ms, response)
         select m.id, m.attempts, t.at, t.outcome, t.status, t.latency_ms, t.response
           from moved m join told t on t.id = m.id",
        &told,
        &ended.iter().map(|one| one.response.clone()).collect::<Vec<_>>(),
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from webhook_attempts a using webhook_deliveries d
          where d.id = any($1) and d.attempts > $2 and a.delivery_id = d.id
            and a.attempt <= d.attempts - $2",
        &ids,
        ATTEMPTS_KEPT,
    )
    .execute(&mut *db)
    .await?;
    // A statement of its own, which sees what the first one did.
    sqlx::query!(
        "update webhook_deliveries d set state = 'ready', next_at = now()
          where d.id in (
              select (select h.id from webhook_deliveries h
                       where h.endpoint_id = e.endpoint_id and h.topic = e.topic
                         and h.ordering_key = e.ordering_key and h.state in ('ready', 'held')
                       order by h.state desc, h.epoch, h.seq limit 1)
                from webhook_deliveries e
               where e.id = any($1) and e.state in ('delivered', 'failed'))
            and d.state = 'held'",
        &ids,
    )
    .execute(db)
    .await?;
    Ok(())
}

fn attempt(ended: &Ended) -> Value {
    let at = ended.at.format(&time::format_description::well_known::Rfc3339);
    serde_json::json!({
        "id": ended.id,
        "state": ended.state,
        "tries": ended.tries,
        "pause": ended.pause,
        "at": at.unwrap_or_default(),
        "outcome": ended.outcome,
        "status": ended.status,
        "latency_ms": ended.latency_ms,
    })
}

/// What is held although nothing of its key goes first any more: nobody would ever come to it.
pub async fn record_released(db: &mut PgConnection, endpoint: Uuid) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "update webhook_deliveries d set state = 'ready', next_at = now()
          where d.id in (
              select distinct on (h.topic, h.ordering_key) h.id from webhook_deliveries h
               where h.endpoint_id = $1 and h.state in ('ready', 'held')
               order by h.topic, h.ordering_key, (h.state = 'ready') desc, h.epoch, h.seq)
            and d.state = 'held'",
        endpoint,
    );
    Ok(done.execute(db).await?.rows_affected())
}

/// Send it now, again if need be. One that is held waits its turn. False when there is none.
pub async fn record_retry(
    db: &mut PgConnection,
    endpoint: Uuid,
    id: Uuid,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update webhook_deliveries
            set state = case when state = 'held' then 'held' else 'ready' end,
                next_at = case when state = 'held' then null else now() end,
                tries = 0, ended_at = null
          where id = $1 and endpoint_id = $2",
        id,
        endpoint,
    );
    Ok(done.execute(db).await?.rows_affected() == 1)
}

/// Within the caller's transaction: what waits for its next attempt need not wait any longer.
pub async fn record_resumed(db: &mut PgConnection, endpoint: Uuid) -> Result<(), DbError> {
    sqlx::query!(
        "update webhook_deliveries set next_at = now(), tries = 0
          where endpoint_id = $1 and state = 'ready'",
        endpoint,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many wait, by endpoint.
pub async fn load_pending(db: &mut PgConnection) -> Result<Vec<(Uuid, i64)>, DbError> {
    let rows = sqlx::query!(
        r#"select endpoint_id, count(*) as "n!" from webhook_deliveries
            where state in ('ready', 'held') group by endpoint_id"#,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.endpoint_id, row.n)).collect())
}

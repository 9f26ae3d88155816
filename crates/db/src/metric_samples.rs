//! `metric_samples`: what processes told of themselves lately.

use crate::DbError;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// Record what a process has of one interval, in one statement. Again changes nothing.
pub async fn record(
    db: &mut PgConnection,
    (process, taken_at): (Uuid, OffsetDateTime),
    samples: &[(&str, f64)],
) -> Result<(), DbError> {
    let names: Vec<&str> = samples.iter().map(|(name, _)| *name).collect();
    let values: Vec<f64> = samples.iter().map(|(_, value)| *value).collect();
    sqlx::query!(
        "insert into metric_samples (name, taken_at, process, value)
         select u.name, $1, $2, u.value from unnest($3::text[], $4::float8[]) as u(name, value)
         on conflict do nothing",
        taken_at,
        process,
        &names as _,
        &values,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// All samples of one name in one step of time.
#[derive(Clone, Debug)]
pub struct Step {
    pub name: String,
    /// From 0.
    pub place: i64,
    /// All values, of all processes.
    pub sum: f64,
    /// The highest value of any process.
    pub highest: f64,
    /// The highest value of each process, added up.
    pub highest_sum: f64,
}

/// Steps of `step` seconds of these names, from a time to another; those without samples are
/// absent.
pub async fn load_steps(
    db: &mut PgConnection,
    names: &[&str],
    (from, to): (OffsetDateTime, OffsetDateTime),
    step: i64,
) -> Result<Vec<Step>, DbError> {
    Ok(sqlx::query_as!(
        Step,
        r#"with each as (
               select name, process,
                      floor(extract(epoch from taken_at - $2) / $4::int8)::int8 as place,
                      sum(value) as sum, max(value) as highest
                 from metric_samples
                where name = any($1) and taken_at >= $2 and taken_at < $3
                group by name, process, place)
           select name, place as "place!", sum(sum) as "sum!", max(highest) as "highest!",
                  sum(highest) as "highest_sum!"
             from each group by name, place order by name, place"#,
        names as _,
        from,
        to,
        step,
    )
    .fetch_all(db)
    .await?)
}

/// Remove at most `limit` samples that are older. Gives how many.
pub async fn delete_before(
    db: &mut PgConnection,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "delete from metric_samples where ctid = any (array(
             select ctid from metric_samples where taken_at < $1 limit $2))",
        before,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

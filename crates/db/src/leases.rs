//! `leases`: exclusive, expiring, fenced rights.
//!
//! A lease that seems to last longer than twice its term was given before the database's clock went
//! back; it is void, or a dead holder would be waited for as long as the clock went back. Its
//! holder, if it lives, keeps it until another takes it: the epoch decides. So all who want a lease
//! must name the same term.

use crate::DbError;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

/// A right that is held: commits made under it check the epoch with [`lock_held`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub name: String,
    pub holder: Uuid,
    pub epoch: i64,
}

/// Take the lease if it is free, expired or already ours. A new holder gets a higher epoch; ours
/// keeps its own. Expiry is by the database's clock alone. Waits for commits made under the lease:
/// naming the key among what is set makes Postgres lock the row in the way that [`lock_held`]
/// excludes, while a renewal, which does not name it, passes.
pub async fn acquire(
    db: &mut PgConnection,
    name: &str,
    holder: Uuid,
    ttl: Duration,
) -> Result<Option<Lease>, DbError> {
    let row = sqlx::query!(
        r#"insert into leases as l (name, holder, epoch, expires_at)
           values ($1, $2, 1, now() + make_interval(secs => $3))
           on conflict (name) do update
              set name = excluded.name, holder = excluded.holder,
                  epoch = case when l.holder = excluded.holder and l.expires_at > now()
                               then l.epoch else l.epoch + 1 end,
                  expires_at = excluded.expires_at
            where l.holder = excluded.holder
               or l.expires_at <= now()
               or l.expires_at > now() + make_interval(secs => 2 * $3::float8)
           returning epoch"#,
        name,
        holder,
        ttl.as_seconds_f64(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| Lease { name: name.to_owned(), holder, epoch: r.epoch }))
}

/// Hold on to a lease. False when it was lost: stop at once.
pub async fn renew(db: &mut PgConnection, lease: &Lease, ttl: Duration) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update leases set expires_at = now() + make_interval(secs => $4)
          where name = $1 and holder = $2 and epoch = $3 and expires_at > now()",
        lease.name,
        lease.holder,
        lease.epoch,
        ttl.as_seconds_f64(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Within the caller's transaction: true when the lease is still this one, and then no rival can
/// take it before the transaction ends. Its holder can renew it meanwhile: see [`acquire`].
pub async fn lock_held(db: &mut PgConnection, lease: &Lease) -> Result<bool, DbError> {
    let row = sqlx::query!(
        "select 1 as one from leases
          where name = $1 and holder = $2 and epoch = $3 and expires_at > now() for key share",
        lease.name,
        lease.holder,
        lease.epoch,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.is_some())
}

/// Give a lease back so that another may take it at once.
pub async fn release(db: &mut PgConnection, lease: &Lease) -> Result<(), DbError> {
    sqlx::query!(
        "update leases set expires_at = now() where name = $1 and holder = $2 and epoch = $3",
        lease.name,
        lease.holder,
        lease.epoch,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which of these leases, of this term, somebody holds.
pub async fn load_held(
    db: &mut PgConnection,
    names: &[String],
    ttl: Duration,
) -> Result<Vec<String>, DbError> {
    let rows = sqlx::query!(
        "select name from leases
          where name = any($1) and expires_at > now()
            and expires_at <= now() + make_interval(secs => 2 * $2::float8)",
        names,
        ttl.as_seconds_f64(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

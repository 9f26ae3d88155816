use crate::DbError;
use sqlx::{
    Connection, PgPool, PgTransaction,
    migrate::{Migrate, MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr, time::Duration};

/// A pool of connections to the primary.
pub type Db = PgPool;

/// A connection that goes back to its pool when dropped.
pub type PooledConnection = sqlx::pool::PoolConnection<sqlx::Postgres>;

/// The schema's migrations, embedded.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// A connection that was idle for longer is tested before it is used.
const IDLE_UNTESTED: Duration = Duration::from_secs(1);

/// Connect to `url` with at most `connections_max` connections. A statement that runs for more
/// than 30 s is cut by the server, and so is a transaction idle for 30 s.
///
/// # Errors
/// [`DbError::Unavailable`] when no connection is had within 10 s.
pub async fn connect(url: &str, connections_max: u32) -> Result<Db, DbError> {
    Ok(pool(connections_max).connect_with(options(url)?).await?)
}

/// A pool for a copy of the database, of at most `connections_max` connections, of which none is
/// made before it is needed. One that is not had within `patience` is given up.
///
/// # Errors
/// [`DbError`] when `url` is none.
pub fn connect_copy(url: &str, connections_max: u32, patience: Duration) -> Result<Db, DbError> {
    Ok(pool(connections_max).acquire_timeout(patience).connect_lazy_with(options(url)?))
}

fn options(url: &str) -> Result<PgConnectOptions, DbError> {
    Ok(PgConnectOptions::from_str(url)?.application_name("stoa").options([
        ("statement_timeout", "30000"),
        ("idle_in_transaction_session_timeout", "30000"),
        ("timezone", "UTC"),
        // Plans are kept, and a table that was small when one was made may be large a minute later.
        // Each of our statements has an index to go by.
        ("enable_seqscan", "off"),
    ]))
}

fn pool(connections_max: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(Duration::from_secs(10))
        // One that was used a moment ago needs no test.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(
                async move { Ok(meta.idle_for < IDLE_UNTESTED || connection.ping().await.is_ok()) },
            )
        })
}

/// A pool of so many connections of its own to the same database, a handful: whoever works with it
/// finds its statements prepared and its plans made, once per connection as in [`begin`]. Nothing
/// is connected before it is used.
#[must_use]
pub fn apart(db: &Db, connections_max: u32) -> Db {
    db.options().clone().min_connections(0).max_connections(connections_max).connect_lazy_with(
        // Else a connection as those of the pool are.
        PgConnectOptions::clone(&db.connect_options())
            .options([("plan_cache_mode", "force_generic_plan")]),
    )
}

/// A transaction that writes. Its statements go by plans that are made once per connection: each
/// finds its rows by a key, and what differs from call to call (how many rows) changes no plan.
///
/// # Errors
/// [`DbError::Unavailable`] when no connection is had.
pub async fn begin(db: &Db) -> Result<PgTransaction<'static>, DbError> {
    begin_as(db, "begin; set local plan_cache_mode = force_generic_plan").await
}

/// A transaction in which every statement sees the same state, that of its first one, and nothing
/// can be written. For reads whose parts must fit together.
///
/// It holds off the exchange of tables that were made anew ([`crate::shadow`]): one that came
/// between its statements would show it the new tables as they were before the exchange. So the
/// lock comes before anything is seen.
///
/// # Errors
/// [`DbError::Unavailable`] when no connection is had.
pub async fn begin_view(db: &Db) -> Result<PgTransaction<'static>, DbError> {
    let statement = "begin isolation level repeatable read read only; \
                     lock table index_rebuilds in access share mode";
    begin_as(db, statement).await
}

/// The same for rows that are found by their keys, however many: as in [`begin`], plans are made
/// once per connection.
///
/// # Errors
/// As [`begin_view`].
pub async fn begin_view_by_keys(db: &Db) -> Result<PgTransaction<'static>, DbError> {
    let statement = "begin isolation level repeatable read read only; \
                     set local plan_cache_mode = force_generic_plan; \
                     lock table index_rebuilds in access share mode";
    begin_as(db, statement).await
}

/// In a task of its own, which comes to its end even if nobody waits for it any more: sqlx forgets
/// a BEGIN whose future is dropped before its answer came (a request was cancelled), and whatever
/// the next user of the connection writes without a transaction of its own would silently be part
/// of that one, and be lost with it.
async fn begin_as(db: &Db, statement: &'static str) -> Result<PgTransaction<'static>, DbError> {
    let db = db.clone();
    // tidy: allow(banned) it ends by itself: connections are waited for at most 10 s
    let begun = tokio::spawn(async move { db.begin_with(statement).await });
    Ok(begun.await.map_err(|_| sqlx::Error::WorkerCrashed)??)
}

/// Check that the schema is the one that this binary knows, and change nothing.
///
/// # Errors
/// [`DbError::Migration`] when a migration is missing, or the schema is newer than this binary.
pub async fn migrated(db: &Db) -> Result<(), DbError> {
    let mut connection = db.acquire().await?;
    let applied = connection.list_applied_migrations("_sqlx_migrations").await?;
    let known: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    let found: Vec<i64> = applied.iter().map(|migration| migration.version).collect();
    if let Some(other) = found.iter().find(|version| !known.contains(version)) {
        return Err(MigrateError::VersionMissing(*other).into());
    }
    if let Some(missing) = known.iter().find(|version| !found.contains(version)) {
        return Err(MigrateError::VersionNotPresent(*missing).into());
    }
    Ok(())
}

/// Bring the schema up to date. Safe to call from several processes at once.
///
/// # Errors
/// [`DbError::Migration`] when a migration fails or the schema is newer than this binary.
pub async fn migrate(db: &Db) -> Result<(), DbError> {
    Ok(MIGRATOR.run(db).await?)
}

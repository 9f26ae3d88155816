use crate::DbError;
use sqlx::{
    PgConnection, PgPool, Row,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr, time::Duration};

/// A pool of connections to the primary.
pub type Db = PgPool;

/// The schema's migrations, embedded.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Connect to `url` with at most `connections_max` connections. A statement that runs for more
/// than 30 s is cut by the server, and so is a transaction idle for 30 s.
///
/// # Errors
/// [`DbError::Unavailable`] when no connection is had within 10 s.
pub async fn connect(url: &str, connections_max: u32) -> Result<Db, DbError> {
    let options = PgConnectOptions::from_str(url)?.application_name("stoa").options([
        ("statement_timeout", "30000"),
        ("idle_in_transaction_session_timeout", "30000"),
        ("timezone", "UTC"),
    ]);
    Ok(PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(Duration::from_secs(10))
        .after_release(|connection, _| Box::pin(is_idle(connection)))
        .connect_with(options)
        .await?)
}

/// Is the connection outside of any transaction? One that is not must not be used again: sqlx
/// forgets a BEGIN whose future was dropped before its answer came (a request was cancelled), and
/// whatever the next user of the connection writes without a transaction of its own would silently
/// be part of that one, and be lost with it.
///
/// By the simple protocol, where a statement alone starts when its transaction does.
async fn is_idle(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let row = sqlx::raw_sql("select now() = statement_timestamp()").fetch_one(connection).await?;
    row.try_get(0)
}

/// Bring the schema up to date. Safe to call from several processes at once.
///
/// # Errors
/// [`DbError::Migration`] when a migration fails or the schema is newer than this binary.
pub async fn migrate(db: &Db) -> Result<(), DbError> {
    Ok(MIGRATOR.run(db).await?)
}

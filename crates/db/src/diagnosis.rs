//! What a database server says of itself, for whoever looks after it.

use crate::DbError;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// How a server stands, and what we may do there.
#[derive(Clone, Debug)]
pub struct Server {
    /// As 170002 for 17.2.
    pub version_number: i32,
    pub version: String,
    pub fsync: bool,
    pub full_page_writes: bool,
    /// `on`, `off`, `local`, `remote_write` or `remote_apply`
    pub synchronous_commit: String,
    pub connections_max: i32,
    /// Connections of all programs now.
    pub connections: i64,
    /// It follows another server, and takes no writes.
    pub is_standby: bool,
    pub encoding: String,
    pub role: String,
    /// The role may make tables in our schema: needed to bring it up to date.
    pub may_create: bool,
    /// Bytes of the database.
    pub size: i64,
    /// Its clock, when it answered.
    pub now: OffsetDateTime,
}

/// Ask the server.
pub async fn load(db: &mut PgConnection) -> Result<Server, DbError> {
    Ok(sqlx::query_as!(
        Server,
        r#"select current_setting('server_version_num')::int4 as "version_number!",
                  current_setting('server_version') as "version!",
                  current_setting('fsync')::bool as "fsync!",
                  current_setting('full_page_writes')::bool as "full_page_writes!",
                  current_setting('synchronous_commit') as "synchronous_commit!",
                  current_setting('max_connections')::int4 as "connections_max!",
                  (select coalesce(sum(numbackends), 0)::int8 from pg_stat_database)
                      as "connections!",
                  pg_is_in_recovery() as "is_standby!",
                  current_setting('server_encoding') as "encoding!",
                  current_user::text as "role!",
                  has_schema_privilege(current_user, 'public', 'create') as "may_create!",
                  pg_database_size(current_database()) as "size!",
                  clock_timestamp() as "now!""#,
    )
    .fetch_one(db)
    .await?)
}

/// Our tables that the role may not read and write, in the order of their names.
pub async fn load_forbidden_tables(db: &mut PgConnection) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select c.relname::text as "name!" from pg_class c
            where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
              and not (has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
                       and has_table_privilege(c.oid, 'update')
                       and has_table_privilege(c.oid, 'delete'))
            order by c.relname"#,
    )
    .fetch_all(db)
    .await?)
}

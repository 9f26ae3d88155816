//! A second set of tables of the index, in a schema of its own, and its exchange with the live one.
//!
//! Statements name tables without their schema, so whoever looks at the shadow (`look`) writes
//! there with the very statements that write the live tables. What it has no table for fails: it
//! never falls back to a live one.

use crate::{Db, DbError, digest::Compared};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgTransaction, Row};
use std::time::Duration;
use vocab::ChainId;

/// What rebuilding needs of its session: no limit of time for a build, room to sort in, and
/// statistics of a small sample, which is soon taken.
const SETTINGS: [&str; 3] = [
    "set statement_timeout = 0",
    "set maintenance_work_mem = '128MB'",
    "set default_statistics_target = 25",
];
/// Whoever rebuilds holds it, for as long as its session.
const LOCK: &str = "select pg_try_advisory_lock(hashtextextended('index_rebuild', 0))";
/// A piece is lost with the row that says how far it came, or neither is.
const PIECE: &str = "begin; set local search_path = stoa_shadow; \
                     set local plan_cache_mode = force_generic_plan; \
                     set local synchronous_commit = off";
const VIEW: &str = "begin isolation level repeatable read; \
                    lock table public.index_rebuilds in access share mode; \
                    set local plan_cache_mode = force_generic_plan; \
                    set local synchronous_commit = off";
const EXCHANGE: &str = "begin; set local plan_cache_mode = force_generic_plan; \
                        set local lock_timeout = '5s'";

/// Which tables names mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Live,
    Shadow,
}

/// The right to rebuild, and the session that has it. None while another process rebuilds.
pub async fn claim(db: &Db) -> Result<Option<PgConnection>, DbError> {
    let mut session = db.acquire().await?.detach();
    for setting in SETTINGS {
        sqlx::query(setting).execute(&mut session).await?;
    }
    let won: bool = sqlx::query_scalar(LOCK).fetch_one(&mut session).await?;
    if won {
        return Ok(Some(session));
    }
    session.close().await?;
    Ok(None)
}

/// A session beside it, for builds.
pub async fn beside(db: &Db) -> Result<PgConnection, DbError> {
    let mut session = db.acquire().await?.detach();
    for setting in SETTINGS {
        sqlx::query(setting).execute(&mut session).await?;
    }
    Ok(session)
}

/// A transaction that writes a piece of the shadow, and looks at it.
pub async fn begin_piece(session: &mut PgConnection) -> Result<PgTransaction<'_>, DbError> {
    Ok(session.begin_with(PIECE).await?)
}

/// A transaction that sees the live tables as they are at its first statement, and may write the
/// shadow. It looks at the live ones.
pub async fn begin_beside_live(session: &mut PgConnection) -> Result<PgTransaction<'_>, DbError> {
    Ok(session.begin_with(VIEW).await?)
}

/// A transaction that exchanges. It looks at the live tables, and is durable when it is committed.
pub async fn begin_exchange(session: &mut PgConnection) -> Result<PgTransaction<'_>, DbError> {
    Ok(session.begin_with(EXCHANGE).await?)
}

/// From here to the end of the transaction names mean the tables of this side.
pub async fn look(db: &mut PgConnection, side: Side) -> Result<(), DbError> {
    let statement = match side {
        Side::Live => "set local search_path = public",
        Side::Shadow => "set local search_path = stoa_shadow",
    };
    sqlx::query(statement).execute(db).await?;
    Ok(())
}

/// Make the shadow in the caller's transaction: tables as the live ones are, without indexes; those
/// whose rows change have their key from the start. Besides, undo records and blocks of its own.
pub async fn record_created(db: &mut PgConnection, tables: &[&str]) -> Result<(), DbError> {
    execute(db, "create schema stoa_shadow".to_owned()).await?;
    for table in tables.iter().copied().chain(["undo_records", "blocks"]) {
        // Of constants only, as everything here is.
        let like = format!(
            "create table stoa_shadow.{table} (like public.{table} including defaults
                 including constraints including generated including identity including storage
                 including comments)"
        );
        execute(db, like).await?;
        for statement in settings_of(db, table).await? {
            execute(db, statement).await?;
        }
    }
    Ok(())
}

/// Storage parameters and grants, which `like` leaves out.
async fn settings_of(db: &mut PgConnection, table: &str) -> Result<Vec<String>, DbError> {
    let rows = sqlx::query(
        "select format('alter table stoa_shadow.%I set (%s)', relname,
                       array_to_string(reloptions, ', '))
           from pg_class where oid = ('public.' || $1)::regclass and reloptions is not null
         union all
         select format('grant %s on stoa_shadow.%I to %s', a.privilege_type, relname,
                       case a.grantee when 0 then 'public' else a.grantee::regrole::text end)
           from pg_class, aclexplode(relacl) as a where oid = ('public.' || $1)::regclass",
    )
    .bind(table)
    .fetch_all(db)
    .await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// An index that a live table has and the shadow lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingIndex {
    table: String,
    name: String,
    definition: String,
    primary: bool,
}

impl MissingIndex {
    /// Is it the table's key?
    #[must_use]
    pub fn is_key(&self) -> bool {
        self.primary
    }
}

/// Those of these tables, keys first.
pub async fn missing_indexes(
    db: &mut PgConnection,
    tables: &[&str],
) -> Result<Vec<MissingIndex>, DbError> {
    let names: Vec<String> = tables.iter().map(|table| (*table).to_owned()).collect();
    let rows = sqlx::query(
        "select t.relname, c.relname, pg_get_indexdef(i.indexrelid), i.indisprimary
           from pg_index i
           join pg_class c on c.oid = i.indexrelid
           join pg_class t on t.oid = i.indrelid
          where t.relnamespace = 'public'::regnamespace and t.relname = any($1)
            and not exists (select 1 from pg_class o
                             where o.relnamespace = 'stoa_shadow'::regnamespace
                               and o.relname = c.relname)
          order by i.indisprimary desc, 1, 2",
    )
    .bind(names)
    .fetch_all(db)
    .await?;
    let missing = rows.iter().map(|row| {
        Ok(MissingIndex {
            table: row.try_get(0)?,
            name: row.try_get(1)?,
            definition: row.try_get(2)?,
            primary: row.try_get(3)?,
        })
    });
    Ok(missing.collect::<Result<_, sqlx::Error>>()?)
}

/// Build one. Done again it fails: ask what is missing.
pub async fn build(db: &mut PgConnection, index: &MissingIndex) -> Result<(), DbError> {
    let MissingIndex { table, name, definition, primary } = index;
    let live = format!(" ON public.{table} ");
    let here = format!(" ON stoa_shadow.{table} ");
    let mut tx = db.begin().await?;
    execute(&mut tx, definition.replacen(&live, &here, 1)).await?;
    if *primary {
        let key = format!(
            "alter table stoa_shadow.{table} add constraint {name} primary key using index {name}"
        );
        execute(&mut tx, key).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Have the planner know the shadow's tables.
pub async fn analyze(db: &mut PgConnection, tables: &[&str]) -> Result<(), DbError> {
    for table in tables {
        execute(db, format!("analyze stoa_shadow.{table}")).await?;
    }
    Ok(())
}

/// Has each table of the shadow the columns, checks and indexes of the live one? A migration may
/// have come between.
pub async fn fits(db: &mut PgConnection, tables: &[&str]) -> Result<bool, DbError> {
    let names: Vec<String> = tables.iter().map(|table| (*table).to_owned()).collect();
    Ok(sqlx::query_scalar(
        "with parts as (
             select t.relnamespace = 'public'::regnamespace as live, t.relname,
                    array[a.attname::text, format_type(a.atttypid, a.atttypmod),
                          a.attnotnull::text, pg_get_expr(d.adbin, d.adrelid)] as part
               from pg_class t
               join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
               left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
              where t.relname = any($1)
                and t.relnamespace in ('public'::regnamespace, 'stoa_shadow'::regnamespace)
             union all
             select t.relnamespace = 'public'::regnamespace, t.relname,
                    array['constraint', n.conname::text, pg_get_constraintdef(n.oid)]
               from pg_class t join pg_constraint n on n.conrelid = t.oid
              where t.relname = any($1)
                and t.relnamespace in ('public'::regnamespace, 'stoa_shadow'::regnamespace)
             union all
             select t.relnamespace = 'public'::regnamespace, t.relname,
                    array['index', c.relname::text]
               from pg_class t
               join pg_index i on i.indrelid = t.oid
               join pg_class c on c.oid = i.indexrelid
              where t.relname = any($1)
                and t.relnamespace in ('public'::regnamespace, 'stoa_shadow'::regnamespace)
         )
         select not exists (select relname, part from parts
                             group by relname, part
                            having not (bool_or(live) and bool_or(not live)))",
    )
    .bind(names)
    .fetch_one(db)
    .await?)
}

/// Lock the checkpoints of all chains in the caller's transaction, so that nothing is committed
/// for any of them; gives the chains. None when a commit held one for too long: the transaction
/// must be given up.
pub async fn lock_checkpoints(db: &mut PgConnection) -> Result<Option<Vec<ChainId>>, DbError> {
    let locked = sqlx::query_scalar::<_, i64>(
        "select chain_id from public.checkpoints order by chain_id for update",
    )
    .fetch_all(db)
    .await;
    match locked {
        Ok(rows) => Ok(Some(rows.into_iter().map(ChainId::from_i64).collect())),
        Err(error) if is_blocked(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Put the shadow's undo records of these tables in the place of the live ones, in the caller's
/// transaction, which holds the checkpoints.
pub async fn record_undo_exchanged(db: &mut PgConnection, tables: &[&str]) -> Result<(), DbError> {
    let names: Vec<String> = tables.iter().map(|table| (*table).to_owned()).collect();
    sqlx::query("delete from public.undo_records where projection = any($1)")
        .bind(names)
        .execute(&mut *db)
        .await?;
    sqlx::query(
        "insert into public.undo_records (chain_id, block_number, projection, key, image)
         select chain_id, block_number, projection, key, image from stoa_shadow.undo_records
          order by id",
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchanged {
    Done,
    /// Readers held the tables for too long; the transaction must be given up.
    Blocked,
}

/// Exchange the tables in the caller's transaction, which holds the checkpoints. Waits for each
/// table at most `patience`, for which new readers wait too.
///
/// Views are waited for first ([`crate::begin_view`]): one that saw the database before could not
/// see what this transaction wrote, but would find the new tables.
pub async fn record_exchanged(
    db: &mut PgConnection,
    tables: &[&str],
    patience: Duration,
) -> Result<Exchanged, DbError> {
    execute(db, format!("set local lock_timeout = '{}ms'", patience.as_millis())).await?;
    for table in ["index_rebuilds"].iter().chain(tables) {
        let lock = format!("lock table public.{table} in access exclusive mode");
        match sqlx::query(AssertSqlSafe(lock)).execute(&mut *db).await {
            Ok(_) => {}
            Err(error) if is_blocked(&error) => return Ok(Exchanged::Blocked),
            Err(error) => return Err(error.into()),
        }
    }
    execute(db, "create schema stoa_replaced".to_owned()).await?;
    for table in tables {
        execute(db, format!("alter table public.{table} set schema stoa_replaced")).await?;
        execute(db, format!("alter table stoa_shadow.{table} set schema public")).await?;
    }
    execute(db, "drop schema stoa_shadow cascade".to_owned()).await?;
    Ok(Exchanged::Done)
}

fn is_blocked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("55P03" | "40P01"))
}

/// Drop the tables that an exchange has put away.
pub async fn drop_replaced(db: &mut PgConnection) -> Result<(), DbError> {
    execute(db, "drop schema if exists stoa_replaced cascade".to_owned()).await
}

/// Drop the shadow in the caller's transaction.
pub async fn record_dropped(db: &mut PgConnection) -> Result<(), DbError> {
    execute(db, "drop schema if exists stoa_shadow cascade".to_owned()).await
}

/// Rows of a chain that are not the same on both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    pub count: i64,
    /// The first of them: what is wrong with the live row, its key, and both rows.
    pub first: Vec<String>,
}

/// Compare one table row by row; at most `limit` are named.
pub async fn differences(
    db: &mut PgConnection,
    chain: ChainId,
    compared: &Compared,
    limit: i64,
) -> Result<Differences, DbError> {
    let Compared { table, columns, order, .. } = compared;
    let list = |side: &str, names: &[&str]| {
        names.iter().map(|name| format!("{side}.{name}")).collect::<Vec<_>>().join(", ")
    };
    let same: Vec<String> = order.iter().map(|name| format!("l.{name} = s.{name}")).collect();
    let keys: Vec<String> =
        order.iter().map(|name| format!("'{name} ', coalesce(l.{name}, s.{name})")).collect();
    let sql = format!(
        "select count(*) over (),
                case when l.chain_id is null then 'missing' when s.chain_id is null then 'extra'
                     else 'different' end || ': ' || concat({}),
                row({})::text, row({})::text
           from (select * from public.{table} where chain_id = $1) as l
           full join (select * from stoa_shadow.{table} where chain_id = $1) as s on {}
          where l.chain_id is null or s.chain_id is null
             or row({}) is distinct from row({})
          order by 2 limit $2",
        keys.join(", ' ', "),
        list("l", columns),
        list("s", columns),
        same.join(" and "),
        list("l", columns),
        list("s", columns),
    );
    let rows =
        sqlx::query(AssertSqlSafe(sql)).bind(chain.as_i64()).bind(limit).fetch_all(db).await?;
    let mut found = Differences::default();
    for row in rows {
        found.count = row.try_get(0)?;
        let (what, live, made): (String, String, String) =
            (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        found.first.push(match what.split(':').next() {
            Some("missing") => format!("{what}; of the logs {made}"),
            Some("extra") => format!("{what}; live {live}"),
            _ => format!("{what}; live {live}, of the logs {made}"),
        });
    }
    Ok(found)
}

/// Undo records of these tables, above `anchor`, that only one side has.
pub async fn count_undo_differences(
    db: &mut PgConnection,
    chain: ChainId,
    tables: &[&str],
    anchor: u64,
) -> Result<i64, DbError> {
    let names: Vec<String> = tables.iter().map(|table| (*table).to_owned()).collect();
    let side = |schema: &str| {
        format!(
            "select block_number, projection, key, image from {schema}.undo_records
              where chain_id = $1 and projection = any($2) and block_number > $3"
        )
    };
    let (live, shadow) = (side("public"), side("stoa_shadow"));
    let sql = format!(
        "select count(*) from (({live} except all {shadow})
                               union all ({shadow} except all {live})) as d"
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(chain.as_i64())
        .bind(names)
        .bind(anchor.cast_signed())
        .fetch_one(db)
        .await?)
}

async fn execute(db: &mut PgConnection, sql: String) -> Result<(), DbError> {
    sqlx::query(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}

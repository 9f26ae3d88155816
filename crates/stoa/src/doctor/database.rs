//! Postgres: reachable, of a version that we know, keeping what it acknowledges, on our schema.

use super::{
    Patient,
    report::{Finding, chain, within},
};
use db::{
    Db, DbError,
    diagnosis::{self, Server},
};
use std::time::{Duration, Instant};
use time::OffsetDateTime;

/// Of the oldest release that we are tested with.
const VERSION_MIN: i32 = 150_000;
/// Of a server's connections that may be taken.
const TAKEN_MAX: f64 = 0.8;
/// Clocks of machines that keep time differ by less.
const SKEW_WARN: Duration = Duration::from_millis(500);
const SKEW_FAIL: Duration = Duration::from_secs(5);

const REACH: &str = "start Postgres, or name it: --database-url, [database] url, or --data-dir of \
                     a running development server";

/// And the database, if it can be asked.
pub(super) async fn examine(of: &Patient) -> (Vec<Finding>, Option<Db>) {
    let opened = within(of.time, async {
        let url = of.options.database.url().map_err(|error| format!("{error:#}"))?;
        db::connect(&url, 2).await.map_err(|error| told(&error))
    });
    let db = match opened.await {
        Ok(db) => db,
        Err(why) => return (vec![Finding::fail("database", why, REACH)], None),
    };
    let asked = Instant::now();
    let server = within(of.time, async {
        let mut connection = db.acquire().await.map_err(|error| told(&error.into()))?;
        let asked = Instant::now();
        let server = diagnosis::load(&mut connection).await.map_err(|error| told(&error))?;
        Ok((server, asked.elapsed()))
    });
    let (server, took) = match server.await {
        Ok(server) => server,
        Err(why) => return (vec![Finding::fail("database", why, REACH)], None),
    };
    let here = OffsetDateTime::now_utc();
    let mut findings = vec![Finding::ok(
        "database",
        format!(
            "Postgres {} answers in {} ms, {} MB",
            server.version,
            took.as_millis(),
            server.size >> 20
        ),
    )];
    findings.extend([version(&server), durable(&server), connections(&server), role(&server)]);
    findings.push(clock(&server, here, asked.elapsed()));
    findings.push(schema(of, &db).await);
    findings.push(tables(of, &db).await);
    (findings, Some(db))
}

/// Without anything of the address: what the driver says names host and role at most.
fn told(error: &DbError) -> String {
    chain(error)
}

fn version(server: &Server) -> Finding {
    let check = "database.version";
    if server.version_number < VERSION_MIN {
        let todo = "take Postgres 15 or later";
        return Finding::fail(check, format!("{} is older than 15", server.version), todo);
    }
    if server.encoding != "UTF8" {
        let todo = "make the database with encoding UTF8";
        return Finding::fail(check, format!("its encoding is {}", server.encoding), todo);
    }
    Finding::ok(check, format!("{}, {}", server.version, server.encoding))
}

fn durable(server: &Server) -> Finding {
    let check = "database.durability";
    let set = |name: &str| format!("set {name} = on in postgresql.conf and restart Postgres");
    if !server.fsync {
        let why = "fsync is off: what was acknowledged is lost when the machine stops";
        return Finding::fail(check, why, set("fsync"));
    }
    if !server.full_page_writes {
        let why = "full_page_writes is off: a page that was half written stays so";
        return Finding::fail(check, why, set("full_page_writes"));
    }
    if server.synchronous_commit == "off" {
        let why = "synchronous_commit is off: commits are acknowledged before they are kept";
        return Finding::fail(check, why, set("synchronous_commit"));
    }
    Finding::ok(check, format!("fsync on, synchronous_commit {}", server.synchronous_commit))
}

fn connections(server: &Server) -> Finding {
    let (taken, most) = (server.connections, i64::from(server.connections_max));
    let why = format!("{taken} of {most} connections are taken");
    if taken as f64 > most as f64 * TAKEN_MAX {
        let todo = "raise max_connections, or find who holds them (pg_stat_activity)";
        return Finding::warn("database.connections", why, todo);
    }
    Finding::ok("database.connections", why)
}

fn role(server: &Server) -> Finding {
    let (check, role) = ("database.role", &server.role);
    if server.is_standby {
        let why = "it is a standby that follows another server, and takes no writes";
        return Finding::fail(check, why, "name the primary");
    }
    if !server.may_create {
        let todo = format!("grant create, usage on schema public to {role}");
        let why = format!("{role} may not make tables: the schema can't be brought up to date");
        return Finding::warn(check, why, todo);
    }
    Finding::ok(check, format!("{role} may make tables"))
}

/// The server's clock against ours: `took` bounds how old its answer is.
fn clock(server: &Server, here: OffsetDateTime, took: Duration) -> Finding {
    let off = (here - server.now).unsigned_abs().saturating_sub(took);
    let why = format!("the clocks of Postgres and this machine differ by {} ms", off.as_millis());
    let todo = "have both machines keep time (chrony, systemd-timesyncd): sessions and signatures \
                expire by it";
    match off {
        off if off > SKEW_FAIL => Finding::fail("database.clock", why, todo),
        off if off > SKEW_WARN => Finding::warn("database.clock", why, todo),
        _ => Finding::ok("database.clock", why),
    }
}

async fn schema(of: &Patient, db: &Db) -> Finding {
    let check = "database.schema";
    let found = within(of.time, async { Ok(db::migrated(db).await) }).await;
    match found {
        Ok(Ok(())) => Finding::ok(check, "of this program's version"),
        Ok(Err(error @ DbError::Migration(_))) => Finding::fail(
            check,
            told(&error),
            "start the server of this version, which brings it up to date; or take the version \
             that made it",
        ),
        Ok(Err(error)) => {
            let todo = "start the server once: it makes the schema";
            Finding::fail(check, told(&error), todo)
        }
        Err(why) => Finding::fail(check, why, "look for locks: pg_stat_activity"),
    }
}

async fn tables(of: &Patient, db: &Db) -> Finding {
    let check = "database.privileges";
    let forbidden = within(of.time, async {
        let mut connection = db.acquire().await.map_err(|error| told(&error.into()))?;
        let found = diagnosis::load_forbidden_tables(&mut connection).await;
        found.map_err(|error| told(&error))
    });
    match forbidden.await {
        Ok(tables) if tables.is_empty() => Finding::ok(check, "all tables may be read and written"),
        Ok(tables) => {
            let some = tables.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
            let why = format!("{} tables may not be read or written: {some}", tables.len());
            let todo = "grant select, insert, update, delete on all tables in schema public";
            Finding::fail(check, why, todo)
        }
        Err(why) => Finding::fail(check, why, REACH),
    }
}

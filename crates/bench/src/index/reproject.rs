//! `stoa index rebuild all` on what a run has left: all projections made anew of the stored logs.

use super::{
    PATIENCE, cents,
    usage::{Use, Watched},
};
use crate::{report::load_average, say};
use anyhow::{Result, ensure};
use serde::Serialize;
use sqlx::{Connection, PgConnection};
use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

/// One rebuild.
#[derive(Clone, Debug, Serialize)]
pub struct Reprojected {
    /// From the start of the process to its end, tables exchanged, indexes built.
    pub wall_s: f64,
    pub events_per_second: f64,
    pub own_cpu_s: f64,
    pub postgres_cpu_s: f64,
    pub peak_rss_mb: f64,
    pub load_before: String,
}

/// Rebuild, and see that the tables hold what they held.
pub async fn measure(stoa: &Path, database: &str, server: u32, events: u64) -> Result<Reprojected> {
    let held = contents(database).await?;
    let (load_before, before) = (load_average(), Use::of_tree(server));
    let mut command = Command::new(stoa);
    command
        .args(["--log", "warn", "index", "rebuild", "all", "--json"])
        .args(["--database-url", database])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let started = Instant::now();
    let watched = Watched::start(command)?.wait(PATIENCE)?;
    let wall = started.elapsed().as_secs_f64();
    let after = Use::of_tree(server);
    ensure!(contents(database).await? == held, "the tables hold something else than before");
    let run = Reprojected {
        wall_s: cents(wall),
        events_per_second: (events as f64 / wall).round(),
        own_cpu_s: cents(watched.cpu_s),
        postgres_cpu_s: cents(after.cpu_s - before.cpu_s),
        peak_rss_mb: watched.peak_rss_mb.round(),
        load_before,
    };
    say(&format!(
        "{:<22} {:>8.2} s {:>7.2} s cpu + {:.2} s Postgres, {} events/s, {} MB; load {}",
        "projected anew",
        run.wall_s,
        run.own_cpu_s,
        run.postgres_cpu_s,
        run.events_per_second,
        run.peak_rss_mb,
        run.load_before,
    ));
    Ok(run)
}

/// A digest of all rows of the tables that the workload fills.
async fn contents(database: &str) -> Result<Vec<String>> {
    let mut connection = PgConnection::connect(database).await?;
    let digest = "encode(sha256(convert_to(string_agg(t::text, '' order by t::text), 'UTF8')), \
                  'hex')";
    let mut found = Vec::new();
    for table in ["balances", "items", "transfers"] {
        let sql = format!("select concat_ws(' ', count(*), {digest}) from {table} t");
        found.push(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut connection).await?);
    }
    Ok(found)
}

//! Ponder beside us: the same chain, a cluster with the same settings, every transfer as a row,
//! balances and owners. Cold with an empty database; warm once more in the same database, from its
//! own cache of the chain. It is installed from the package registry into the cache of chains.

use super::{
    cents, cluster_home, start_cluster,
    usage::{Use, Watched},
    workload::Workload,
};
use crate::{report::load_average, say};
use anyhow::{Context, Result, ensure};
use reqwest::Client;
use serde::Serialize;
use sqlx::{Connection, PgConnection};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Its project: where it lies there, and what it holds.
const FILES: [(&str, &str); 6] = [
    ("package.json", include_str!("../../ponder/package.json")),
    ("package-lock.json", include_str!("../../ponder/package-lock.json")),
    ("ponder.config.ts", include_str!("../../ponder/ponder.config.ts")),
    ("ponder.schema.ts", include_str!("../../ponder/ponder.schema.ts")),
    ("src/index.ts", include_str!("../../ponder/src/index.ts")),
    ("src/api/index.ts", include_str!("../../ponder/src/api/index.ts")),
];
/// Longer than this no run may take.
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_millis(100);
const PORT: u16 = 42_069;

/// One run of it.
#[derive(Clone, Debug, Serialize)]
pub struct PonderRun {
    pub kind: &'static str,
    /// From the start of the process to `/ready`.
    pub wall_s: f64,
    pub own_cpu_s: f64,
    pub postgres_cpu_s: f64,
    pub peak_rss_mb: f64,
    /// Rows of transfers.
    pub rows: i64,
    pub load_before: String,
}

/// Both runs, on one cluster.
pub async fn measure(cache: &Path, workload: &Workload, events: u64) -> Result<Vec<PonderRun>> {
    let project = install(cache)?;
    let home = cluster_home()?;
    let postgres = start_cluster(home.path())?;
    let database = postgres.url("index");
    let server = postgres.id().context("the cluster is not ours")?;
    let mut runs = Vec::new();
    for kind in ["ponder_cold", "ponder_warm"] {
        let load_before = load_average();
        let before = Use::of_tree(server);
        let log = home.path().join(format!("{kind}.log"));
        let command = command(&project, workload, &database, kind, &log)?;
        let started = Instant::now();
        let mut running = Watched::start(command)?;
        ready(&mut running).await.with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
        let wall_s = cents(started.elapsed().as_secs_f64());
        let (own, after) = (running.stop()?, Use::of_tree(server));
        let rows = count(&database, kind).await?;
        // The token's first transfer is that of its constructor.
        ensure!(rows.unsigned_abs() == events, "{kind}: {rows} rows of {events}");
        let run = PonderRun {
            kind,
            wall_s,
            own_cpu_s: cents(own.cpu_s),
            postgres_cpu_s: cents(after.cpu_s - before.cpu_s),
            peak_rss_mb: own.peak_rss_mb.round(),
            rows,
            load_before,
        };
        say(&format!(
            "{kind:<22} {:>8.2} s {:>7.2} s cpu + {:.2} s Postgres, {} MB; load {}",
            run.wall_s, run.own_cpu_s, run.postgres_cpu_s, run.peak_rss_mb, run.load_before
        ));
        runs.push(run);
    }
    Ok(runs)
}

fn install(cache: &Path) -> Result<PathBuf> {
    let project = cache.join("ponder");
    for (name, text) in FILES {
        let path = project.join(name);
        fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
        fs::write(path, text)?;
    }
    if !project.join("node_modules/ponder").exists() {
        say("Ponder is being installed; it is kept for later runs");
        let mut npm = Command::new("npm");
        // Not `npm ci`: it wants other platforms' packages in the lock file, too.
        npm.args(["install", "--no-save", "--no-audit", "--no-fund"]).current_dir(&project);
        let status = npm.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        ensure!(status.success(), "npm could not install Ponder");
    }
    Ok(project.canonicalize()?)
}

fn command(
    project: &Path,
    workload: &Workload,
    database: &str,
    schema: &str,
    log: &Path,
) -> Result<Command> {
    let address = |standard: &str| {
        let found = workload.contracts.iter().find(|(_, other)| *other == standard);
        found.map(|(address, _)| address.clone()).context("the workload lacks a contract")
    };
    let log = File::create(log)?;
    let mut command = Command::new(project.join("node_modules/node/bin/node"));
    command
        .arg("node_modules/ponder/dist/esm/bin/ponder.js")
        .args(["start", "--schema", schema, "--log-level", "warn"])
        .args(["--port", &PORT.to_string()])
        .current_dir(project)
        .env("DATABASE_URL", database)
        .env("PONDER_TELEMETRY_DISABLED", "true")
        .env("BENCH_RPC", &workload.url)
        .env("BENCH_HEAD", workload.head.to_string())
        .env("BENCH_TOKEN", address("erc20")?)
        .env("BENCH_NFT", address("erc721")?)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Ok(command)
}

async fn ready(running: &mut Watched) -> Result<()> {
    let (started, http) = (Instant::now(), Client::new());
    let url = format!("http://127.0.0.1:{PORT}/ready");
    loop {
        running.look()?;
        let answer = http.get(&url).timeout(Duration::from_secs(5)).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        ensure!(started.elapsed() < PATIENCE, "not ready within {PATIENCE:?}");
        tokio::time::sleep(LOOK).await;
    }
}

async fn count(database: &str, schema: &str) -> Result<i64> {
    let mut connection = PgConnection::connect(database).await?;
    let sql = format!(
        "select (select count(*) from {schema}.token_transfer)
              + (select count(*) from {schema}.nft_transfer)"
    );
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut connection).await?)
}

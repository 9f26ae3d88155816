//! A fresh database per test, copied from a migrated template.

use db::Db;
use devstack::{Postgres, PostgresOptions, StackError};
use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// A database of one test; dropped with it.
#[derive(Debug)]
pub struct TestDatabase {
    pub db: Db,
    pub url: String,
    name: String,
    cluster: &'static Postgres,
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // Left for the autopsy when the test fails.
        if !std::thread::panicking() {
            let _ = self
                .cluster
                .psql("postgres", &format!("drop database if exists {} with (force)", self.name));
        }
    }
}

/// A database with the whole schema and nothing else in it.
pub async fn database() -> TestDatabase {
    let cluster = tokio::task::spawn_blocking(cluster).await.unwrap();
    let template = template(cluster).await;
    let name = format!("t_{}", uuid::Uuid::now_v7().simple());
    let create = format!("create database {name} template {template}");
    tokio::task::spawn_blocking(move || cluster.psql("postgres", &create)).await.unwrap().unwrap();
    let url = cluster.url(&name);
    let db = db::connect(&url, 16).await.unwrap();
    TestDatabase { db, url, name, cluster }
}

/// The cluster of this run, or else of this process.
fn cluster() -> &'static Postgres {
    static CLUSTER: OnceLock<Postgres> = OnceLock::new();
    static DIRECTORY: OnceLock<tempfile::TempDir> = OnceLock::new();
    CLUSTER.get_or_init(|| match std::env::var_os("STOA_TEST_POSTGRES") {
        Some(directory) => Postgres::attach(Path::new(&directory)).unwrap(),
        None => {
            let directory = DIRECTORY.get_or_init(|| open_directory().unwrap()).path().join("pg");
            Postgres::start(&PostgresOptions { directory, durable: false, connections_max: 200 })
                .unwrap()
        }
    })
}

fn open_directory() -> std::io::Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::Builder::new().prefix("stoa-test").tempdir()?;
    // The cluster runs as another user when we are root.
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755))?;
    Ok(directory)
}

/// Name of the migrated template, made once per cluster and schema. The advisory lock keeps test
/// processes from making it together.
async fn template(cluster: &'static Postgres) -> String {
    let checksum: Vec<u8> = db::MIGRATOR.iter().flat_map(|m| m.checksum.iter().copied()).collect();
    let name = format!("template_{:x}", alloy_primitives::keccak256(checksum))[..30].to_owned();
    let admin = db::connect(&cluster.url("postgres"), 1).await.unwrap();
    let mut lock = admin.begin().await.unwrap();
    db::raw::execute(&mut lock, "select pg_advisory_xact_lock(7260)").await.unwrap();
    let owned = name.clone();
    let exists = tokio::task::spawn_blocking(move || -> Result<bool, StackError> {
        let query = format!("select 1 from pg_database where datname = '{owned}'");
        Ok(!cluster.psql("postgres", &query)?.trim().is_empty())
    });
    if !exists.await.unwrap().unwrap() {
        make_template(cluster, &name).await;
    }
    lock.commit().await.unwrap();
    name
}

async fn make_template(cluster: &'static Postgres, name: &str) {
    let draft = format!("{name}_draft");
    let sql = [
        format!("drop database if exists {draft} with (force)"),
        format!("create database {draft}"),
    ];
    let publish = format!("alter database {draft} rename to {name}");
    tokio::task::spawn_blocking(move || {
        sql.iter().try_for_each(|s| cluster.psql("postgres", s).map(drop))
    })
    .await
    .unwrap()
    .unwrap();
    let db = db::connect(&cluster.url(&draft), 1).await.unwrap();
    db::migrate(&db).await.unwrap();
    db.close().await;
    tokio::task::spawn_blocking(move || cluster.psql("postgres", &publish)).await.unwrap().unwrap();
}

/// The workspace's root directory.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

//! The ceiling of accepting: a handler that commits one row, in a process of its own on a Postgres
//! of its own.

use super::{CHAIN_ID, WARM_UP, round::Measured};
use crate::post::{self, Pace, Target, Transfer};
use anyhow::{Context, Result};
use devstack::{Postgres, PostgresOptions};
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
    time::Instant,
};
use tempfile::TempDir;

/// Ends with us.
pub struct Handler {
    target: Target,
    process: Child,
    _postgres: Postgres,
    _directory: TempDir,
}

impl Handler {
    /// Started and warm.
    pub async fn start(clients: usize) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("stoa-bench-bare")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()?;
        let postgres = Postgres::start(&PostgresOptions {
            directory: directory.path().join("postgres"),
            durable: true,
            connections_max: 64,
        })?;
        postgres.ensure_database("bare")?;
        let mut process = Command::new(std::env::current_exe()?)
            .args(["bare", "--database", &postgres.url("bare")])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut address = String::new();
        let out = process.stdout.take().context("no output")?;
        BufReader::new(out).read_line(&mut address)?;
        let target = Target {
            http: format!("http://{}", address.trim()),
            key: "none".to_owned(),
            chain_id: CHAIN_ID,
        };
        let handler = Self { target, process, _postgres: postgres, _directory: directory };
        handler.accept(WARM_UP, clients).await?;
        Ok(handler)
    }

    /// Ask it for `count` transfers.
    pub async fn accept(&self, count: usize, clients: usize) -> Result<Measured> {
        let wanted = Transfer::many("bare", count);
        let started = Instant::now();
        let took = post::run(&self.target, &wanted, clients, Pace::Closed).await?;
        Ok(Measured::new(took, started.elapsed()))
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

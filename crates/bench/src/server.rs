//! `stoa dev` on a directory of its own.

use crate::mint::Protocol;
use alloy_primitives::Address;
use anyhow::{Context, Result, bail};
use devstack::{Anvil, Child, spawn_tied};
use nix::sys::signal::Signal;
use serde::Deserialize;
use sqlx::{Connection, PgConnection};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const START_MAX: Duration = Duration::from_secs(60);

/// The part of `dev.json` that is used here.
#[derive(Clone, Deserialize)]
pub struct DevFile {
    pub http: String,
    pub stream: String,
    pub rpc_url: String,
    pub chain_id: u64,
    pub contracts: BTreeMap<String, Address>,
    pub operator_api_key: String,
}

impl DevFile {
    pub fn collection(&self) -> Result<Address> {
        self.contracts.get("default_collection").copied().context("no default collection")
    }
}

/// Ends, with its children, when dropped.
pub struct Server {
    pub dev: DevFile,
    pub started_in: Duration,
    // Dropped in this order: the directory outlives its users.
    child: Child,
    directory: TempDir,
}

/// What differs between starts.
#[derive(Clone, Debug)]
pub struct Start {
    /// Wallets that mint.
    pub wallets: u32,
    /// Wallets for calls of operators.
    pub operators: u32,
    /// A configuration file; none: all as usual.
    pub config: Option<String>,
    pub block_time: f64,
    /// Gas in a block of the node that is started.
    pub block_gas_limit: Option<u64>,
}

/// Of a configuration file: a node that is there already, and where it tells new heads.
pub fn endpoint_of(node: &Anvil) -> String {
    let (http, ws) = (node.http_url(), node.ws_url());
    format!("[[endpoints]]\nurl = \"{http}\"\nws_url = \"{ws}\"\n")
}

/// One caller may ask for as much as the server bears.
const UNLIMITED: &str = "[limits]\nip_units = 0\nwallet_units = 0\nkey_units = 0\n";
/// Files of 16 MiB.
const SEASONED: u32 = 24;

impl Default for Start {
    fn default() -> Self {
        Self { wallets: 2, operators: 1, config: None, block_time: 1.0, block_gas_limit: None }
    }
}

impl Server {
    pub async fn start(stoa: &Path, protocol: &Protocol) -> Result<Self> {
        let start = Start {
            wallets: protocol.wallets,
            block_time: protocol.block_time_s,
            block_gas_limit: Some(protocol.block_gas_limit),
            ..Start::default()
        };
        Self::start_with(stoa, &start).await
    }

    pub async fn start_with(stoa: &Path, start: &Start) -> Result<Self> {
        let started = Instant::now();
        // Readable by others, because Postgres runs as another user when we are root.
        let directory = tempfile::Builder::new()
            .prefix("stoa-bench")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()?;
        let data = directory.path().join("data");
        let mut arguments: Vec<String> = [
            ("dev", String::new()),
            ("--data-dir", data.display().to_string()),
            ("--http", "127.0.0.1:0".to_owned()),
            ("--block-time", start.block_time.to_string()),
            ("--wallets", start.wallets.to_string()),
            ("--operator-wallets", start.operators.to_string()),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
        .filter(|word| !word.is_empty())
        .collect();
        if let Some(gas) = start.block_gas_limit {
            arguments.extend(["--block-gas-limit".to_owned(), gas.to_string()]);
        }
        let file = directory.path().join("stoa.toml");
        fs::write(&file, format!("{UNLIMITED}{}", start.config.as_deref().unwrap_or_default()))?;
        arguments.extend(["--config".to_owned(), file.display().to_string()]);
        let log = directory.path().join("stoa.log");
        let mut child = spawn_tied(stoa, &arguments, None, Signal::SIGTERM, &log)?;
        let dev = wait_ready(&mut child, &data.join("dev.json")).await?;
        Ok(Self { dev, started_in: started.elapsed(), child, directory })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it keeps its files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Its own database, for its superuser.
    pub fn database_url(&self) -> String {
        let socket = self.directory().join("data/postgres").display().to_string();
        format!("postgres://stoa@localhost/stoa?host={}", socket.replace('/', "%2F"))
    }

    /// Have the database as one that was in use for a while: it takes old files of its log again. A
    /// new one makes more of them as it goes, which holds up a commit by 60 ms and more each time.
    pub async fn season(&self) -> Result<()> {
        let mut connection = PgConnection::connect(&self.database_url()).await?;
        for _ in 0..SEASONED {
            // There is nothing to switch from without a record.
            let sql = "select pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()";
            sqlx::query(sql).execute(&mut connection).await?;
        }
        sqlx::query("checkpoint").execute(&mut connection).await?;
        Ok(connection.close().await?)
    }
}

async fn wait_ready(child: &mut Child, file: &PathBuf) -> Result<DevFile> {
    let started = Instant::now();
    loop {
        if let Ok(text) = fs::read_to_string(file) {
            return serde_json::from_str(&text).context("dev.json is not as expected");
        }
        if !child.is_running() {
            bail!("`stoa dev` ended:\n{}", child.log_tail());
        }
        if started.elapsed() > START_MAX {
            bail!("`stoa dev` is not ready after {START_MAX:?}:\n{}", child.log_tail());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

//! The engine as a process that may be killed at any time.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const START_MAX: Duration = Duration::from_secs(90);

/// How to start it.
#[derive(Clone, Debug)]
pub struct Launch {
    pub stoa: PathBuf,
    pub data: PathBuf,
    pub log: PathBuf,
    pub port: u16,
    pub rpc: Vec<String>,
    pub block_time: f64,
    pub wallets: u32,
    /// Further environment, for what tests plant.
    pub environment: Vec<(String, String)>,
}

/// The part of `dev.json` that is used here.
#[derive(Clone, Debug, Deserialize)]
pub struct DevFile {
    pub http: String,
    pub chain_id: u64,
    pub contracts: BTreeMap<String, String>,
    pub operator_api_key: String,
}

/// A started process, ready or not. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    file: PathBuf,
    log: PathBuf,
}

impl Launch {
    pub fn start(&self, failpoint: Option<&str>) -> Result<Server> {
        let file = self.data.join("dev.json");
        // A server that was killed leaves its file behind.
        let _ = fs::remove_file(&file);
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.stoa);
        command
            .args(["--log", "info", "dev", "--http", &format!("127.0.0.1:{}", self.port)])
            .arg("--data-dir")
            .arg(&self.data)
            .args(["--block-time", &self.block_time.to_string()])
            .args(["--operator-wallets", &self.wallets.to_string()])
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("STOA_TOOLS", testkit::tools())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        for url in &self.rpc {
            command.args(["--rpc", url]);
        }
        if let Some(point) = failpoint {
            command.env("STOA_FAILPOINT", point);
        }
        let child = command.spawn().context("the server can't be started")?;
        Ok(Server { child, file, log: self.log.clone() })
    }
}

impl Server {
    pub fn is_ready(&self) -> bool {
        self.file.exists()
    }

    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGKILL. Its children see that it is gone and end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Wait until it serves.
    pub async fn ready(&mut self) -> Result<DevFile> {
        let end = Instant::now() + START_MAX;
        while !self.is_ready() {
            if self.has_ended() {
                bail!("the server ended:\n{}", tail(&self.log));
            }
            if Instant::now() > end {
                bail!("the server is not ready after {START_MAX:?}:\n{}", tail(&self.log));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let text = fs::read_to_string(&self.file)?;
        serde_json::from_str(&text).context("dev.json is not as expected")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The end of a log.
pub fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}

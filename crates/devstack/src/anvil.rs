//! A local EVM node (anvil) whose chain survives restarts.

use crate::{
    Child, StackError, free_port,
    process::{spawn_tied, wait_ready},
};
use nix::sys::signal::Signal;
use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    time::Duration,
};

/// How to run a node.
#[derive(Clone, Debug)]
pub struct AnvilOptions {
    /// The `anvil` program.
    pub program: PathBuf,
    /// Holds its state and log; made when missing.
    pub directory: PathBuf,
    /// Seconds between blocks; none mines each transaction at once.
    pub block_time: Option<f64>,
    pub chain_id: u64,
    /// Keep the chain in `directory` between runs.
    pub keep_state: bool,
    /// Further arguments, as given.
    pub extra: Vec<String>,
}

/// A running node. Ends when dropped, saving its state first.
#[derive(Debug)]
pub struct Anvil {
    child: Child,
    port: u16,
}

impl Anvil {
    pub fn start(options: &AnvilOptions) -> Result<Self, StackError> {
        if !options.program.exists() {
            let program = options.program.display().to_string();
            return Err(StackError::Missing { program, package: "@foundry-rs/anvil from npm" });
        }
        fs::create_dir_all(&options.directory)
            .map_err(StackError::io("cannot make a directory"))?;
        let directory = options
            .directory
            .canonicalize()
            .map_err(StackError::io("cannot resolve the node's directory"))?;
        let port = free_port()?;
        // SIGTERM makes anvil save its state; SIGKILL would lose the chain.
        let mut child = spawn_tied(
            &options.program,
            &arguments(options, &directory, port),
            None,
            Signal::SIGTERM,
            &directory.join("anvil.log"),
        )?;
        wait_ready("anvil", &mut child, Duration::from_secs(90), || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        })?;
        Ok(Self { child, port })
    }

    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    #[must_use]
    pub fn ws_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.is_running()
    }

    /// Stop after saving the state.
    pub fn stop(&mut self) {
        self.child.stop(Duration::from_secs(20));
    }
}

fn arguments(options: &AnvilOptions, directory: &Path, port: u16) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "--host",
        "127.0.0.1",
        "--port",
        &port.to_string(),
        "--chain-id",
        &options.chain_id.to_string(),
        "--enable-tx-gas-limit",
    ]
    .map(str::to_owned)
    .to_vec();
    if let Some(seconds) = options.block_time {
        arguments.extend(["--block-time".to_owned(), seconds.to_string()]);
    }
    if options.keep_state {
        // Without `--preserve-historical-states`: with it the file grows by 80 kB a block and is
        // written whole each time (290 MB after 2,000 blocks; 3.4 MB without). The price is that
        // blocks from before a restart of the node can't be reorganised. SIGTERM saves too, so the
        // interval matters only when the machine itself dies.
        let state = directory.join("state.json").display().to_string();
        arguments.extend(["--state".to_owned(), state, "--state-interval".into(), "30".into()]);
    }
    arguments.extend(options.extra.iter().cloned());
    arguments
}

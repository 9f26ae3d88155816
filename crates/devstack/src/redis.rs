//! A private Redis that keeps nothing.

use crate::{
    Child, StackError,
    process::{spawn_tied, wait_ready},
};
use nix::sys::signal::Signal;
use std::{
    fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

/// A running Redis on a Unix socket. Ends when dropped, and with it all that it held.
#[derive(Debug)]
pub struct Redis {
    child: Child,
    socket: PathBuf,
}

impl Redis {
    /// On `redis.sock` in `directory`, which is made when missing.
    ///
    /// # Errors
    /// [`StackError`]
    pub fn start(directory: &Path) -> Result<Self, StackError> {
        fs::create_dir_all(directory).map_err(StackError::io("cannot make a directory"))?;
        let socket = directory.join("redis.sock");
        let path = socket.display().to_string();
        // No port, nothing on disk.
        let arguments =
            ["--port", "0", "--unixsocket", &path, "--unixsocketperm", "700", "--save", ""]
                .map(str::to_owned);
        let log = directory.join("redis.log");
        let program = Path::new("redis-server");
        let mut child = spawn_tied(program, &arguments, None, Signal::SIGTERM, &log)?;
        wait_ready("redis-server", &mut child, Duration::from_secs(30), || {
            UnixStream::connect(&socket).is_ok()
        })?;
        Ok(Self { child, socket })
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket.display())
    }

    /// Have it stop answering ([`Signal::SIGSTOP`]), go on, or die.
    pub fn signal(&self, signal: Signal) {
        self.child.signal(signal);
    }
}

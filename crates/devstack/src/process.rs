//! Children that die with us.
//!
//! Linux sends the parent-death signal when the *thread* that forked ends, so every child is
//! forked by one thread that lives as long as the process. `setpriv` (util-linux) sets the signal
//! and drops privileges without unsafe code of ours.

use crate::StackError;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{OnceLock, mpsc},
    thread,
    time::{Duration, Instant},
};

/// A running child and its log.
#[derive(Debug)]
pub struct Child {
    inner: std::process::Child,
    log: PathBuf,
    stop_signal: Signal,
}

impl Child {
    #[must_use]
    pub fn id(&self) -> u32 {
        self.inner.id()
    }

    /// The end of what it printed, for messages.
    #[must_use]
    pub fn log_tail(&self) -> String {
        tail(&self.log).unwrap_or_default()
    }

    /// True while it runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.inner.try_wait(), Ok(None))
    }

    pub fn signal(&self, signal: Signal) {
        if let Ok(pid) = i32::try_from(self.inner.id()) {
            // It may have ended already; then there is nothing to signal.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// Ask it to stop; kill it after `grace`.
    pub fn stop(&mut self, grace: Duration) {
        self.signal(self.stop_signal);
        let end = Instant::now() + grace;
        while self.is_running() && Instant::now() < end {
            thread::sleep(Duration::from_millis(10));
        }
        if self.is_running() {
            let _ = self.inner.kill();
            let _ = self.inner.wait();
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.stop(Duration::from_secs(10));
    }
}

/// Start `program` so that it gets `death_signal` when this process ends in whatever way. `user`
/// names whom it runs as when we are root. Output goes to `log`.
pub fn spawn_tied(
    program: &Path,
    args: &[String],
    user: Option<&str>,
    death_signal: Signal,
    log: &Path,
) -> Result<Child, StackError> {
    let file =
        File::create(log).map_err(StackError::io(format!("cannot write {}", log.display())))?;
    let errors = file.try_clone().map_err(StackError::io("cannot share a log"))?;
    let mut command = Command::new("setpriv");
    if let Some(user) = user {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    // `SIGINT` → `INT`.
    command.arg("--pdeathsig").arg(&death_signal.as_str()[3..]).arg("--").arg(program).args(args);
    command.stdin(Stdio::null()).stdout(file).stderr(errors);
    if let Some(directory) = log.parent() {
        command.current_dir(directory);
    }
    let inner = fork(command).map_err(StackError::io("cannot run setpriv (util-linux)"))?;
    Ok(Child { inner, log: log.to_owned(), stop_signal: death_signal })
}

type Forked = (Command, mpsc::Sender<io::Result<std::process::Child>>);

fn fork(command: Command) -> io::Result<std::process::Child> {
    static FORKER: OnceLock<mpsc::Sender<Forked>> = OnceLock::new();
    let forker = FORKER.get_or_init(|| {
        let (sender, jobs) = mpsc::channel::<Forked>();
        thread::spawn(move || {
            for (mut command, answer) in jobs {
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let (sender, answer) = mpsc::channel();
    let gone = |_| io::Error::other("the forking thread is gone");
    forker.send((command, sender)).map_err(|_| io::Error::other("the forking thread is gone"))?;
    answer.recv().map_err(gone)?
}

/// A TCP port that was free a moment ago on the loopback address.
pub fn free_port() -> Result<u16, StackError> {
    let listener =
        TcpListener::bind("127.0.0.1:0").map_err(StackError::io("no free loopback port"))?;
    Ok(listener.local_addr().map_err(StackError::io("no free loopback port"))?.port())
}

/// Wait until `ready` says so. The child's end or `within` passing are errors that show its log.
pub(crate) fn wait_ready(
    program: &'static str,
    child: &mut Child,
    within: Duration,
    mut ready: impl FnMut() -> bool,
) -> Result<(), StackError> {
    let end = Instant::now() + within;
    loop {
        if ready() {
            return Ok(());
        }
        if !child.is_running() {
            return Err(StackError::Died { program, log: child.log_tail() });
        }
        if Instant::now() > end {
            return Err(StackError::TimedOut { program, within, log: child.log_tail() });
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn tail(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(2_000)))?;
    let mut bytes = Vec::new();
    file.take(2_000).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

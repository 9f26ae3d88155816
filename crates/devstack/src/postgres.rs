//! A private Postgres cluster in a directory, reached by a Unix socket only.

use crate::{
    Child, StackError,
    process::{spawn_tied, wait_ready},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd,
};
use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const USER: &str = "postgres";
/// How often a start is tried again because a predecessor came first.
const LOCKED_OUT_MAX: u32 = 3;

/// How to run a cluster.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Holds the cluster, its socket and its log; made when missing.
    pub directory: PathBuf,
    /// False only for tests: no fsync.
    pub durable: bool,
    pub connections_max: u16,
}

/// A running cluster. Ends when dropped.
#[derive(Debug)]
pub struct Postgres {
    /// None when another process runs it.
    child: Option<Child>,
    directory: PathBuf,
    bin: PathBuf,
}

impl Postgres {
    /// Start the cluster, creating it first when the directory has none.
    pub fn start(options: &PostgresOptions) -> Result<Self, StackError> {
        let bin = find_bin()?;
        let directory = prepare_directory(&options.directory)?;
        let data = directory.join("data");
        if !data.join("PG_VERSION").exists() {
            init(&bin, &data)?;
        }
        let mut attempts = 0;
        loop {
            wait_for_predecessor(&data);
            match spawn(options, &bin, &directory) {
                Ok(child) => return Ok(Self { child: Some(child), directory, bin }),
                Err(error) if was_locked_out(&error) && attempts < LOCKED_OUT_MAX => attempts += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Use a cluster that another process runs in `directory`.
    pub fn attach(directory: &Path) -> Result<Self, StackError> {
        Ok(Self { child: None, directory: directory.to_owned(), bin: find_bin()? })
    }

    /// A standby that follows this cluster, made anew where `options` say.
    ///
    /// # Errors
    /// [`StackError`]
    pub fn standby(&self, options: &PostgresOptions) -> Result<Self, StackError> {
        let data = prepare_directory(&options.directory)?.join("data");
        let output = as_user()
            .arg(self.bin.join("pg_basebackup"))
            .args(["--write-recovery-conf", "--checkpoint=fast", "--username=stoa", "--host"])
            .arg(&self.directory)
            .arg("--pgdata")
            .arg(&data)
            .stdin(Stdio::null())
            .current_dir(data.parent().unwrap_or(&data))
            .output()
            .map_err(StackError::io("cannot run pg_basebackup"))?;
        if !output.status.success() {
            let log = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(StackError::Died { program: "pg_basebackup", log });
        }
        Self::start(options)
    }

    /// Connection URL of one database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let host = self.directory.to_string_lossy().replace('%', "%25").replace('/', "%2F");
        format!("postgres://stoa@localhost/{database}?host={host}&sslmode=disable")
    }

    /// Make a database unless it is there.
    pub fn ensure_database(&self, name: &str) -> Result<(), StackError> {
        let found = self.psql(
            "postgres",
            &format!("select 1 from pg_database where datname = '{}'", name.replace('\'', "''")),
        )?;
        if found.trim().is_empty() {
            self.psql("postgres", &format!("create database \"{}\"", name.replace('"', "")))?;
        }
        Ok(())
    }

    /// Run SQL through psql and give what it printed. For set-up only.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, StackError> {
        let output = Command::new(self.bin.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "stoa", "-h"])
            .arg(&self.directory)
            .args(["-d", database, "-c", sql])
            .stdin(Stdio::null())
            .output()
            .map_err(StackError::io("cannot run psql"))?;
        if !output.status.success() {
            let log = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(StackError::Died { program: "psql", log });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The postmaster's process id, when it is our child.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// False when our child ended; true for an attached cluster, of which we cannot know.
    pub fn is_running(&mut self) -> bool {
        self.child.as_mut().is_none_or(Child::is_running)
    }

    /// Shut down cleanly (open connections are cut).
    pub fn stop(&mut self) {
        if let Some(child) = &mut self.child {
            child.stop(Duration::from_secs(20));
        }
    }
}

fn spawn(options: &PostgresOptions, bin: &Path, directory: &Path) -> Result<Child, StackError> {
    let data = directory.join("data");
    let mut child = spawn_tied(
        &bin.join("postgres"),
        &arguments(options, directory, &data),
        run_as(),
        Signal::SIGINT,
        &directory.join("postgres.log"),
    )?;
    let id = child.id();
    wait_ready("postgres", &mut child, Duration::from_secs(90), || {
        // Another one may answer on the same socket, and be about to end.
        running_in(&data) == i32::try_from(id).ok() && answers(bin, directory)
    })?;
    Ok(child)
}

fn answers(bin: &Path, directory: &Path) -> bool {
    Command::new(bin.join("pg_isready"))
        .args(["-q", "-U", "stoa", "-d", "postgres", "-h"])
        .arg(directory)
        .status()
        .is_ok_and(|status| status.success())
}

/// A predecessor that was killed while it started takes the lock after we looked for it, and only
/// then learns that it has to end. The log can't tell: both write to it.
fn was_locked_out(error: &StackError) -> bool {
    matches!(error, StackError::Died { .. })
}

fn arguments(options: &PostgresOptions, directory: &Path, data: &Path) -> Vec<String> {
    let durable = if options.durable { "on" } else { "off" };
    let mut arguments = vec!["-D".to_owned(), data.display().to_string()];
    let connections = options.connections_max.to_string();
    let socket = directory.display().to_string();
    for (name, value) in [
        ("listen_addresses", ""),
        ("unix_socket_directories", socket.as_str()),
        ("unix_socket_permissions", "0700"),
        ("max_connections", connections.as_str()),
        ("shared_buffers", "128MB"),
        ("max_wal_size", "2GB"),
        // Space for the log is kept: making more of it holds commits up.
        ("min_wal_size", "512MB"),
        ("fsync", durable),
        ("synchronous_commit", durable),
        ("full_page_writes", durable),
        ("jit", "off"),
        ("timezone", "UTC"),
        ("log_line_prefix", "%m [%p] "),
    ] {
        arguments.push("-c".to_owned());
        arguments.push(format!("{name}={value}"));
    }
    arguments
}

/// Whom to run as: root may not run Postgres, so it drops to `postgres`.
fn run_as() -> Option<&'static str> {
    unistd::geteuid().is_root().then_some(USER)
}

fn find_bin() -> Result<PathBuf, StackError> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("initdb").exists().then_some((version, bin))
        })
        .collect();
    found.sort();
    if let Some((_, bin)) = found.pop() {
        return Ok(bin);
    }
    std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
        .find(|directory| directory.join("initdb").exists())
        .ok_or_else(|| StackError::Missing { program: "initdb".into(), package: "postgresql" })
}

/// Whether the user that Postgres will run as gets through to what is in `directory`.
#[must_use]
pub fn postgres_reaches(directory: &Path) -> bool {
    run_as().is_none() || user_may("-x", directory)
}

fn user_may(test: &str, path: &Path) -> bool {
    Command::new("setpriv")
        .args(["--reuid", USER, "--regid", USER, "--clear-groups", "--", "test", test])
        .arg(path)
        .status()
        .is_ok_and(|status| status.success())
}

fn prepare_directory(directory: &Path) -> Result<PathBuf, StackError> {
    let what = || format!("cannot prepare {}", directory.display());
    fs::create_dir_all(directory).map_err(StackError::io(what()))?;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))
        .map_err(StackError::io(what()))?;
    let directory = directory.canonicalize().map_err(StackError::io(what()))?;
    if run_as().is_some() {
        let user = unistd::User::from_name(USER)
            .ok()
            .flatten()
            .ok_or_else(|| StackError::Missing { program: USER.into(), package: "postgresql" })?;
        unistd::chown(&directory, Some(user.uid), Some(user.gid))
            .map_err(|e| StackError::Io { what: what(), source: e.into() })?;
        if !user_may("-w", &directory) {
            return Err(StackError::Unreachable { user: USER, path: directory });
        }
    }
    Ok(directory)
}

/// A command of the user that Postgres runs as; what is to run comes next.
fn as_user() -> Command {
    let mut command = Command::new("setpriv");
    if let Some(user) = run_as() {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    command.args(["--pdeathsig", "TERM", "--"]);
    command
}

fn init(bin: &Path, data: &Path) -> Result<(), StackError> {
    let output = as_user()
        .arg(bin.join("initdb"))
        .args(["--auth=trust", "--username=stoa", "--encoding=UTF8", "--locale=C", "-D"])
        .arg(data)
        .stdin(Stdio::null())
        .current_dir(data.parent().unwrap_or(data))
        .output()
        .map_err(StackError::io("cannot run initdb"))?;
    if output.status.success() {
        return Ok(());
    }
    // A half-made cluster must not be taken for one at the next start.
    let _ = fs::remove_dir_all(data);
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(StackError::Died { program: "initdb", log })
}

/// Whose lock it is.
fn running_in(data: &Path) -> Option<i32> {
    let lock = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    lock.lines().next()?.trim().parse().ok()
}

/// After our own SIGKILL the old postmaster is still shutting down: give it time. One that we died
/// too early for to have it told of our death is told now.
fn wait_for_predecessor(data: &Path) {
    let end = Instant::now() + Duration::from_secs(60);
    let mut told = None;
    while Instant::now() < end {
        let Some(pid) = running_in(data).map(unistd::Pid::from_raw) else { return };
        if kill(pid, None).is_err() {
            return;
        }
        if told != Some(pid) && is_orphan(pid, data) {
            let _ = kill(pid, Signal::SIGINT);
            told = Some(pid);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Is it a postmaster of this cluster whose parent is no program like us? Another one of ours that
/// lives may use the cluster yet.
fn is_orphan(pid: unistd::Pid, data: &Path) -> bool {
    let of = |pid: &str, what: &str| PathBuf::from(format!("/proc/{pid}/{what}"));
    let id = pid.to_string();
    let command = fs::read(of(&id, "cmdline")).unwrap_or_default();
    let ours = command.split(|byte| *byte == 0).any(|word| word == data.as_os_str().as_bytes());
    let status = fs::read_to_string(of(&id, "status")).unwrap_or_default();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).map(str::trim);
    let program = |pid: &str| fs::read_link(of(pid, "exe")).ok();
    ours && parent.is_some_and(|parent| program(parent) != program("self"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever started it died before it could be tied to that death.
    #[test]
    fn an_orphan_is_told_to_end() {
        let home = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("a directory");
        let options = PostgresOptions {
            directory: home.path().join("postgres"),
            durable: false,
            connections_max: 10,
        };
        drop(Postgres::start(&options).expect("a cluster"));
        let bin = find_bin().expect("postgres");
        let directory = options.directory.canonicalize().expect("a path");
        let data = directory.join("data");
        let mut words = Vec::new();
        if let Some(user) = run_as() {
            words.extend(["setpriv", "--reuid", user, "--regid", user, "--clear-groups"]);
        }
        let postgres = bin.join("postgres").display().to_string();
        words.push(&postgres);
        let arguments = arguments(&options, &directory, &data);
        words.extend(arguments.iter().map(String::as_str));
        let started = Command::new("sh")
            .args(["-c", "\"$@\" </dev/null >/dev/null 2>&1 &", "sh"])
            .args(&words)
            .current_dir(&directory)
            .status();
        assert!(started.expect("a shell").success());
        let end = Instant::now() + Duration::from_secs(30);
        while !answers(&bin, &directory) && Instant::now() < end {}
        let orphan = running_in(&data).map(unistd::Pid::from_raw).expect("an orphan");
        assert!(is_orphan(orphan, &data));
        let postgres = Postgres::start(&options).expect("our turn");
        assert_eq!(running_in(&data), postgres.id().and_then(|id| i32::try_from(id).ok()));
        assert!(!is_orphan(orphan, &data), "it has ended");
    }

    /// Neither sees the other before both have begun: one is locked out, and gets its turn.
    #[test]
    fn whoever_is_locked_out_waits_for_its_turn() {
        let home = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("a directory");
        let options = PostgresOptions {
            directory: home.path().join("postgres"),
            durable: false,
            connections_max: 10,
        };
        let start = || {
            let mut postgres = Postgres::start(&options).expect("its turn comes");
            assert!(postgres.is_running());
            assert_eq!(postgres.psql("postgres", "select 1").expect("an answer").trim(), "1");
        };
        start();
        for _ in 0..3 {
            thread::scope(|scope| {
                scope.spawn(start);
                scope.spawn(start);
            });
        }
    }
}

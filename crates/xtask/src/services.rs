//! The services that all tests of one run share. nextest runs `services` as its setup script; a
//! detached watcher keeps them until the runner's process is gone.

use anyhow::{Context, Result, ensure};
use devstack::{Postgres, PostgresOptions};
use nix::unistd::{Pid, getppid};
use std::{
    env, fs,
    io::Write,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Start the watcher and tell nextest where the services are.
pub fn start() -> Result<()> {
    let runner = runner()?;
    let directory = tempfile::Builder::new().prefix("stoa-services").tempdir()?.keep();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755))?;
    let log = fs::File::create(directory.join("watch.log"))?;
    Command::new(env::current_exe()?)
        .args(["services", "watch"])
        .arg(&directory)
        .arg(runner.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0)
        .spawn()?;
    let ready = directory.join("ready");
    let end = Instant::now() + Duration::from_secs(60);
    while !ready.exists() {
        ensure!(Instant::now() < end, "no services: see {}/watch.log", directory.display());
        thread::sleep(Duration::from_millis(20));
    }
    let file = env::var_os("NEXTEST_ENV").context("run by nextest as its setup script")?;
    let mut file = fs::File::options().append(true).open(file)?;
    writeln!(file, "STOA_TEST_POSTGRES={}", directory.join("pg").display())?;
    Ok(())
}

/// Run the services until process `runner` is gone.
pub fn watch(directory: &str, runner: &str) -> Result<()> {
    let directory = Path::new(directory);
    let runner = Pid::from_raw(runner.parse()?);
    let mut postgres = Postgres::start(&PostgresOptions {
        directory: directory.join("pg"),
        durable: false,
        connections_max: 300,
    })?;
    fs::write(directory.join("ready"), "")?;
    while nix::sys::signal::kill(runner, None).is_ok() && postgres.is_running() {
        thread::sleep(Duration::from_millis(200));
    }
    postgres.stop();
    fs::remove_dir_all(directory)?;
    Ok(())
}

/// The nearest ancestor that is nextest: cargo, through which it runs us, may stand between or may
/// have become us.
fn runner() -> Result<i32> {
    let mut process = getppid().as_raw();
    while process > 1 {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if field("Name:").is_some_and(|name| name.starts_with("cargo-nextest")) {
            return Ok(process);
        }
        process = field("PPid:").context("a process without a parent")?.parse()?;
    }
    anyhow::bail!("run by nextest as its setup script")
}

//! The signer as a process: hardened, tied to its parent, closed to other users.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::{fs::chown, net::UnixStream, process::CommandExt},
    path::Path,
    process::{Command, Stdio},
};

use signer::{Config, serve};

use crate::rig::{
    DEADLINE, DIR_VARIABLE, PARENT_VARIABLE, Process, Rig, child_command, config_in, mode,
    wait_until,
};

/// Both sides of all tests with a child: in the child, which is this binary started again with a
/// directory in its environment, it is the signer.
#[test]
fn starts_and_answers() {
    if let Some(dir) = std::env::var_os(DIR_VARIABLE) {
        let parent = std::env::var(PARENT_VARIABLE).ok().map(|pid| pid.parse().unwrap());
        let config = Config { parent, ..config_in(Path::new(&dir)) };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(serve(config, std::future::pending())).unwrap();
        return;
    }
    let rig = Rig::new();
    let process = rig.spawn();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let health = runtime.block_on(rig.client().health()).unwrap();
    assert_eq!((health.pid, health.keys), (process.0.id(), 0));
    let policy = fs::read(rig.path("policy.toml")).unwrap();
    assert_eq!(health.policy_digest, alloy_primitives::keccak256(policy));

    let limits = fs::read_to_string(format!("/proc/{}/limits", health.pid)).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    let status = fs::read_to_string(format!("/proc/{}/status", health.pid)).unwrap();
    assert_locked(&status, limits.as_str());
    assert!(status.contains("Umask:\t0077"), "{status}");
    assert_eq!((mode(&rig.socket()), mode(&rig.path("run"))), (0o600, 0o700));
    process.kill();

    // What the killed one left behind is no obstacle.
    let process = rig.spawn();
    let again = runtime.block_on(rig.client().health()).unwrap();
    assert_eq!(again.pid, process.0.id());
}

/// Locked, where the system lets it: as root, or with an unlimited RLIMIT_MEMLOCK.
fn assert_locked(status: &str, limits: &str) {
    let locked: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmLck:")?.trim().strip_suffix(" kB")?.parse().ok())
        .unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max locked memory")).unwrap();
    let free = line.split_whitespace().nth(4) == Some("unlimited");
    let capable = status.lines().filter_map(|line| line.strip_prefix("CapEff:")).any(|bits| {
        let bits = u64::from_str_radix(bits.trim(), 16).unwrap();
        bits & 1 << 14 != 0
    });
    assert_eq!(locked > 1_000, free || capable, "{locked} kB locked");
}

#[test]
fn ends_with_its_parent() {
    let rig = Rig::new();
    let child = child_command(rig.dir.path());
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!(r#"{PARENT_VARIABLE}=$$ "$@" >/dev/null & echo $!; read wait"#))
        .arg("sh")
        .arg(child.get_program())
        .args(child.get_args())
        .env(DIR_VARIABLE, rig.dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut parent = Process(shell.spawn().unwrap());
    let mut pid = String::new();
    BufReader::new(parent.0.stdout.take().unwrap()).read_line(&mut pid).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let health = runtime.block_on(rig.client().health()).unwrap();
    assert_eq!(health.pid.to_string(), pid.trim());
    parent.kill();
    wait_until("the signer has ended", || UnixStream::connect(rig.socket()).is_err());
    wait_until("its process is gone", || !is_running(health.pid));
}

/// Whether a process runs; a zombie does not.
fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

#[test]
fn refuses_a_parent_that_is_not_its_own() {
    let rig = Rig::new();
    let mut command = child_command(rig.dir.path());
    command.env(PARENT_VARIABLE, "1").stderr(Stdio::null());
    let status = command.status().unwrap();
    assert!(!status.success());
    assert!(!rig.socket().exists());
}

/// Only root can take another user's identity; for anyone else there is nothing to show here,
/// because the directory's mode already keeps strangers away from the socket.
#[test]
fn refuses_another_user_even_root() {
    if !rustix::process::geteuid().is_root() {
        println!("not root: nothing to check");
        return;
    }
    const STRANGER: u32 = 65_534;
    let rig = Rig::new();
    for path in ["", "policy.toml", "password"] {
        chown(rig.path(path), Some(STRANGER), Some(STRANGER)).unwrap();
    }
    let binary = rig.path("signer-under-test");
    fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
    let mut command = Command::new(&binary);
    let child = child_command(rig.dir.path());
    command.args(child.get_args()).env(DIR_VARIABLE, rig.dir.path()).current_dir("/");
    let _process = Process(command.uid(STRANGER).gid(STRANGER).spawn().unwrap());
    wait_until("the socket is there", || rig.socket().exists() && mode(&rig.socket()) == 0o600);
    // Root may open any socket, but is not the signer's user.
    let mut stream = UnixStream::connect(rig.socket()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "closed without a word");
}

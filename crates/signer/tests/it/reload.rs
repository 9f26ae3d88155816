//! A policy read again while the signer runs.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use alloy_primitives::keccak256;
use audit::verify;
use signer::Refusal;

use crate::rig::{POLICY, Process, Rig, send, sign_one};

fn hang_up(process: &Process) {
    let pid = rustix::process::Pid::from_child(&process.0);
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
}

fn reloads(rig: &Rig, runtime: &tokio::runtime::Runtime, result: &str) -> Option<u64> {
    let metrics = runtime.block_on(rig.client().metrics()).unwrap();
    let name = format!("signer_policy_reloads_total{{result=\"{result}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name))?.parse().ok()
}

fn reloaded(rig: &Rig, runtime: &tokio::runtime::Runtime, result: &str, count: u64) {
    crate::rig::wait_until("the policy is read", || reloads(rig, runtime, result) == Some(count));
}

#[test]
fn a_good_policy_is_taken_and_a_bad_one_is_not() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rig = Rig::new();
    let process = rig.spawn();
    let client = rig.client();
    let key = runtime.block_on(client.ensure_key("minter", 0)).unwrap();
    let big = send(key, 0, 1, 1001);
    let digest = || runtime.block_on(client.health()).unwrap().policy_digest;
    let refused = runtime.block_on(sign_one(&client, &big)).unwrap_err();
    assert!(matches!(refused, Refusal::OverValueLimit { .. }));

    let wider = POLICY.replace(r#"value_wei_max = "1000""#, r#"value_wei_max = "2000""#);
    fs::write(rig.path("policy.toml"), &wider).unwrap();
    assert_eq!(digest(), keccak256(POLICY), "nothing is read before the signal");
    hang_up(&process);
    reloaded(&rig, &runtime, "taken", 1);
    assert_eq!(digest(), keccak256(&wider));
    assert!(runtime.block_on(sign_one(&client, &big)).is_ok());

    // Broken, then open to others to write: the last good one stays.
    fs::write(rig.path("policy.toml"), "version = 1\n[roles.minter]\n").unwrap();
    hang_up(&process);
    reloaded(&rig, &runtime, "refused", 1);
    fs::write(rig.path("policy.toml"), POLICY).unwrap();
    fs::set_permissions(rig.path("policy.toml"), fs::Permissions::from_mode(0o666)).unwrap();
    hang_up(&process);
    reloaded(&rig, &runtime, "refused", 2);
    assert_eq!(digest(), keccak256(&wider));
    assert!(runtime.block_on(sign_one(&client, &send(key, 1, 1, 1001))).is_ok());
    process.kill();

    verify(&rig.path("store.audit")).unwrap();
    let log = Command::new("sh")
        .arg("-c")
        .arg("cat \"$0\"/*.jsonl")
        .arg(rig.path("store.audit"))
        .output()
        .unwrap();
    let text = String::from_utf8(log.stdout).unwrap();
    let (old, new) = (keccak256(POLICY), keccak256(&wider));
    let changed = format!(r#"{{"policy_changed":{{"from":"{old}","to":"{new}"}}}}"#);
    assert!(text.contains(&changed), "{text}");
    assert_eq!(text.matches(r#"{"policy_refused":{"kept":""#).count(), 2, "{text}");
    assert!(text.contains("must belong to the signer's user"), "{text}");
}

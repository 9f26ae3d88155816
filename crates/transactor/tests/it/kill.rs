//! Processes that die between any two steps.

use crate::rig::{PATIENCE, Rig, Wanted, config_for};
use std::{
    os::unix::process::ExitStatusExt,
    process::{Child, Command, Stdio},
};
use testkit::eventually_within;
use transactor::Fault;

const ABORTED: i32 = 6;

/// The transactor in a process of its own: this test binary, told so by its environment. Without
/// that it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn process() {
    let Ok(url) = std::env::var("STOA_PROBE_DATABASE") else { return };
    let rpc = std::env::var("STOA_PROBE_RPC").unwrap();
    let socket = std::env::var("STOA_PROBE_SIGNER").unwrap();
    let db = db::connect(&url, 8).await.unwrap();
    let wallets = std::env::var("STOA_PROBE_WALLETS").unwrap().parse().unwrap();
    let mut config = config_for(db, &rpc, &socket, wallets);
    let planted = std::env::var("STOA_PROBE_PLANTED").unwrap_or_default();
    config.options.planted = Fault::ALL.into_iter().find(|f| format!("{f:?}") == planted);
    transactor::run(config, std::future::pending()).await.unwrap();
}

pub struct Probe(Child);

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Probe {
    /// How it ended; none: it lives.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.0.try_wait().unwrap()
    }
}

fn start(rig: &Rig, failpoint: Option<&str>) -> Probe {
    start_with(rig, failpoint, 2)
}

/// A transactor in a process of its own, which is killed when dropped.
pub fn start_with(rig: &Rig, failpoint: Option<&str>, wallets: u32) -> Probe {
    Probe(command(rig, failpoint, wallets).spawn().unwrap())
}

/// The same, with a fault of ours in it.
pub fn start_planted(rig: &Rig, failpoint: Option<&str>, fault: Option<Fault>) -> Probe {
    let mut command = command(rig, failpoint, 1);
    if let Some(fault) = fault {
        command.env("STOA_PROBE_PLANTED", format!("{fault:?}"));
    }
    Probe(command.spawn().unwrap())
}

fn command(rig: &Rig, failpoint: Option<&str>, wallets: u32) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["kill::process", "--exact", "--nocapture"])
        .env("STOA_PROBE_DATABASE", &rig.database.url)
        .env("STOA_PROBE_RPC", rig.node.anvil.http_url())
        .env("STOA_PROBE_SIGNER", rig.signer.socket())
        .env("STOA_PROBE_WALLETS", wallets.to_string())
        .env_remove("STOA_FAILPOINT")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(name) = failpoint {
        command.env("STOA_FAILPOINT", name);
    }
    command
}

impl Probe {
    /// Wait until it has aborted.
    pub async fn dies(&mut self, point: &str) {
        eventually_within(PATIENCE, &format!("the process dies at {point}"), || {
            let ended = self.0.try_wait().unwrap();
            if let Some(status) = ended {
                assert_eq!(status.signal(), Some(ABORTED), "{point}: {status}");
            }
            std::future::ready(ended.map(drop))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn death_at_any_point_leaves_one_effect_per_job() {
    let rig = Rig::new(Wanted { wallets: 2, ..Wanted::default() }).await;
    let mut total = 0;
    for point in transactor::FAILPOINTS.names() {
        let queued = rig.queue_transfers(point, 8).await;
        total += 8;
        let mut dying = start(&rig, Some(point));
        dying.dies(point).await;
        let _successor = start(&rig, None);
        rig.all_final_once(&queued).await;
    }
    let mut used = 0;
    for wallet in &rig.wallets {
        used += rig.node.endpoint.transaction_count(*wallet).await.unwrap();
    }
    assert_eq!(used, total, "no nonce was wasted");
}

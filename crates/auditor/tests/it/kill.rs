//! Writers that are killed at any moment.

use crate::rig::{FINAL, Rig, lines, options};
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use testkit::eventually_within;

/// A writer in a process of its own: this test binary, told so by its environment. Without that it
/// has nothing to do.
#[tokio::test]
async fn process() {
    let Ok(url) = std::env::var("STOA_PROBE_DATABASE") else { return };
    let directory = std::env::var_os("STOA_PROBE_DIRECTORY").unwrap();
    let db = db::connect(&url, 4).await.unwrap();
    auditor::run(db, options(directory.into()), std::future::pending()).await;
}

/// SIGKILL when dropped.
pub struct Probe(Child);

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn start(rig: &Rig, directory: &Path) -> Probe {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["kill::process", "--exact", "--nocapture"])
        .env("STOA_PROBE_DATABASE", &rig.database.url)
        .env("STOA_PROBE_DIRECTORY", directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Probe(command.spawn().unwrap())
}

/// Each round kills the writer in the middle of its work, without looking where it is.
#[tokio::test(flavor = "multi_thread")]
async fn kills_while_writing_neither_lose_nor_double_a_line() {
    const ROUNDS: i64 = 12;
    let rig = Rig::new().await;
    let mut told = Vec::new();
    for round in 0..ROUNDS {
        let mut writer = Some(start(&rig, &rig.directory()));
        let before = rig.witness().await;
        for number in 0..40 {
            told.push(rig.end(FINAL).await.0.to_string());
            if number == 4 {
                eventually_within(Duration::from_secs(60), "it writes", || async {
                    (rig.witness().await > before).then_some(())
                })
                .await;
            }
            if number == 5 + 2 * round {
                drop(writer.take());
            }
        }
        if round % 3 == 1 {
            tear(&rig.directory());
        }
    }
    let _writer = start(&rig, &rig.directory());
    rig.written(40 * ROUNDS).await;
    let found: Vec<_> = lines(&rig.directory())
        .iter()
        .map(|line| line["entry"]["transaction"]["transaction_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(found, told, "each once, in order");
    assert_eq!(rig.facts("audit_log_broken").await, 0);
}

/// Half a line, as a crash of the machine leaves it.
fn tear(directory: &Path) {
    use std::io::Write;
    let mut file =
        std::fs::OpenOptions::new().append(true).open(crate::rig::file_of(directory)).unwrap();
    file.write_all(b"{\"seq\":9,\"time\":\"20").unwrap();
}

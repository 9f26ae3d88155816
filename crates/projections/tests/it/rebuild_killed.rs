//! Rebuilds that die.

use crate::rebuild::{Place, SMALL, leftovers, rebuild};
use projections::rebuild::{self as product, RebuildError, Subject};
use std::{
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};
use testkit::{TestDatabase, eventually_within};

const ABORTED: i32 = 6;
const PATIENCE: Duration = Duration::from_secs(60);

/// A rebuild in a process of its own: this test binary, told so by its environment. Without that
/// it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn process() {
    let Ok(url) = std::env::var("STOA_PROBE_DATABASE") else { return };
    let db = db::connect(&url, 4).await.unwrap();
    // Who died may be remembered by Postgres for a moment.
    eventually_within(PATIENCE, "the rebuild", || async {
        match product::rebuild(&db, &Subject::all(), SMALL, &mut |_| {}, &|_| Vec::new()).await {
            Err(RebuildError::UnderWay) => None,
            outcome => Some(outcome.unwrap()),
        }
    })
    .await;
}

struct Probe(Child);

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn run(test: &TestDatabase, failpoint: Option<&str>) -> ExitStatus {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["rebuild_killed::process", "--exact", "--nocapture"])
        .env("STOA_PROBE_DATABASE", &test.url)
        .env_remove("STOA_FAILPOINT")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(name) = failpoint {
        command.env("STOA_FAILPOINT", name);
    }
    let mut probe = Probe(command.spawn().unwrap());
    let child = std::cell::RefCell::new(&mut probe.0);
    eventually_within(PATIENCE, "the end of a process", || async {
        child.borrow_mut().try_wait().unwrap()
    })
    .await
}

/// Dead at every place, over and over, while the index goes on and the chain is reorganised: the
/// live tables are right at each moment, and in the end the rebuild comes to its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_dies_anywhere_goes_on() {
    let mut place = Place::new(4).await;
    let db = place.test.db.clone();
    let _running = place.rig.start(&db);
    place.rig.indexed(&db).await;
    for name in product::FAILPOINTS.names() {
        let again = ["rebuild_piece_written", "rebuild_piece_committed", "rebuild_index_built"];
        for pass in if again.contains(name) { 1..=2 } else { 1..=1 } {
            let armed = format!("{name}:{pass}");
            let status = run(&place.test, Some(&armed)).await;
            assert_eq!(status.signal(), Some(ABORTED), "{armed}: {status}");
            place.live(3).await;
            if *name == "rebuild_followed" || *name == "rebuild_locked" {
                place.rig.reorg(9, &[]).await;
            }
            place.rig.indexed(&db).await;
            assert_eq!(place.rig.digest(&db).await, place.rig.rebuilt().await, "{armed}");
        }
    }
    // The last one died after its exchange, with the old tables put away.
    assert_eq!(leftovers(&db).await, ["stoa_replaced"]);
    for pass in ["rebuild_followed:1", "rebuild_piece_committed:3"] {
        let status = run(&place.test, Some(pass)).await;
        assert_eq!(status.signal(), Some(ABORTED), "{pass}: {status}");
        // The window goes on past all that was made of it.
        place.live(2).await;
        place.rig.node.mine(80).await;
        place.rig.indexed(&db).await;
    }
    let status = run(&place.test, None).await;
    assert!(status.success(), "{status}");
    assert_eq!(leftovers(&db).await, [""; 0]);
    assert_eq!(place.rig.digest(&db).await, place.rig.rebuilt().await);
    assert!(place.verify().await.is_equal());
    rebuild(&db, "all").await.unwrap();
}

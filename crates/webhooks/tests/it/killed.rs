//! Processes that die while they send.

use crate::{
    receiver::{Answer, Receiver},
    rig::{PATIENCE, Rig, all_taken, in_order, key, options},
};
use std::{
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};
use testkit::eventually_within;
use webhooks::{Config, FAILPOINTS, Options};

const ABORTED: i32 = 6;

/// The role in a process of its own: this test binary, told so by its environment. Without that it
/// has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn process() {
    let Ok(url) = std::env::var("STOA_PROBE_DATABASE") else { return };
    let db = db::connect(&url, 6).await.unwrap();
    // Little room, so that catching up is part of it.
    let options = Options { pending_max: 12, batch_max: 8, ..options() };
    let config = Config { db, key: key(), options };
    webhooks::run(config, std::future::pending()).await.unwrap();
}

struct Probe(Child);

/// SIGKILL when dropped.
impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(rig: &Rig, failpoint: Option<&str>) -> Probe {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["killed::process", "--exact", "--nocapture"])
        .env("STOA_PROBE_DATABASE", &rig.database.url)
        .env_remove("STOA_FAILPOINT")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(name) = failpoint {
        command.env("STOA_FAILPOINT", name);
    }
    Probe(command.spawn().unwrap())
}

impl Probe {
    /// Facts are told until it ends, so that it comes to whatever it is to die at.
    async fn ended(mut self, rig: &Rig, told: &AtomicUsize, armed: &str) -> ExitStatus {
        let place = std::cell::RefCell::new(&mut self.0);
        let looks = AtomicUsize::new(0);
        eventually_within(PATIENCE, &format!("the end of a process at {armed}"), || async {
            if looks.fetch_add(1, Ordering::Relaxed) % 5 == 4 {
                tell(rig, told).await;
            }
            place.borrow_mut().try_wait().unwrap()
        })
        .await
    }
}

async fn tell(rig: &Rig, told: &AtomicUsize) {
    let n = told.fetch_add(1, Ordering::Relaxed);
    rig.tell(&format!("k{}", n % 5), n).await;
}

/// A receiver that refuses now and then, so that there is something to send again.
async fn moody() -> Receiver {
    Receiver::answering(|_, place| Answer::status(if place % 5 == 3 { 500 } else { 200 })).await
}

/// Dead at every place, at the first pass and at the third, its successor loses nothing; what comes
/// twice has the same id, and keys keep their order.
#[tokio::test(flavor = "multi_thread")]
async fn dying_at_any_place_loses_nothing() {
    let rig = Rig::new().await;
    let receiver = moody().await;
    let endpoint = rig.endpoint(&receiver).await;
    let told = AtomicUsize::new(0);
    for name in FAILPOINTS.names() {
        for pass in [1, 3] {
            // As much at once as does not fit, so that some of it is caught up with.
            for _ in 0..20 {
                tell(&rig, &told).await;
            }
            let armed = format!("{name}:{pass}");
            let status = start(&rig, Some(&armed)).ended(&rig, &told, &armed).await;
            assert_eq!(status.signal(), Some(ABORTED), "{armed}: {status}");
        }
    }
    let _role = start(&rig, None);
    let told = told.into_inner() as i64;
    rig.settled(told).await;
    all_taken(&receiver, endpoint.id, "items", told);
    in_order(&receiver);
}

/// The same at random moments, by SIGKILL, with a second process standing by.
#[tokio::test(flavor = "multi_thread")]
async fn kills_at_any_moment_lose_nothing() {
    let rig = Rig::new().await;
    let receiver = moody().await;
    let endpoint = rig.endpoint(&receiver).await;
    let mut roles = vec![start(&rig, None), start(&rig, None)];
    let mut told = 0;
    for round in 0..8 {
        let before = receiver.asked();
        for n in 0..25 {
            rig.tell(&format!("k{}", told % 5), told).await;
            told += 1;
            if n == 5 {
                eventually_within(PATIENCE, "it sends", || async {
                    (receiver.asked() > before).then_some(())
                })
                .await;
            }
            if n == 6 + round {
                // Whichever it is that sends.
                drop(roles.remove(0));
                roles.push(start(&rig, None));
            }
        }
    }
    rig.settled(told as i64).await;
    all_taken(&receiver, endpoint.id, "items", told as i64);
    in_order(&receiver);
}

/// One that lost its lease while it was asleep records nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn who_lost_its_lease_changes_nothing() {
    let rig = Rig::new().await;
    let receiver = Receiver::willing().await;
    rig.endpoint(&receiver).await;
    let _role = rig.run(options());
    rig.tell("a", 1).await;
    rig.settled(1).await;
    // Somebody else has it, for good.
    rig.execute(
        "update leases set holder = gen_random_uuid(), epoch = epoch + 1,
                expires_at = now() + interval '1.2 s' where name = 'webhooks'",
    )
    .await;
    let cursor = "select seq from webhook_cursors where topic = 'items'";
    let before = rig.count(cursor).await;
    let mine = rig.count("select epoch from leases where name = 'webhooks'").await;
    rig.tell("a", 2).await;
    rig.numbered("items", 2).await;
    // When it has the lease again it has another epoch, and goes on.
    eventually_within(PATIENCE, "it has the lease again", || async {
        let now = rig.count("select epoch from leases where name = 'webhooks'").await;
        if now == mine {
            assert_eq!(rig.count(cursor).await, before, "nothing moves under another's lease");
            return None;
        }
        Some(())
    })
    .await;
    rig.settled(2).await;
}

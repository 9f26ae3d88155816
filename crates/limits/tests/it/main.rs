//! Buckets over a real Redis that comes and goes.
#![allow(clippy::unwrap_used)]

use devstack::{Redis, Signal};
use futures_util::future::join_all;
use limits::{Kind, Limiter, Options, Quota, RedisBuckets};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testkit::eventually;

/// So long that nothing comes back during a test.
const LONG: Duration = Duration::from_secs(1_000_000);

fn options(units: u32, window: Duration) -> Options {
    Options { ip: Quota { units, window }, ..Options::unlimited() }
}

struct Rig {
    directory: TempDir,
    redis: Redis,
}

impl Rig {
    fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("stoa-test").tempdir().unwrap();
        let redis = Redis::start(directory.path()).unwrap();
        Self { directory, redis }
    }

    fn limiter(&self, options: Options) -> Limiter {
        Limiter::new(options, Some(RedisBuckets::new(&self.redis.url()).unwrap()))
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}

async fn charge(limiter: &Limiter, cost: u32) -> (bool, u32) {
    let standing = limiter.charge(Kind::Ip, "203.0.113.7", cost).await.unwrap();
    (standing.allowed, standing.remaining)
}

/// A local limiter and two that share a Redis say the same of the same charges.
#[tokio::test(flavor = "multi_thread")]
async fn memory_and_redis_count_alike() {
    let rig = Rig::start();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(60));
    let charges = (1..500_u32, vec((0..3_usize, 0..40_u32, any::<bool>()), 1..40));
    let cases = AtomicU64::new(0);
    let handle = tokio::runtime::Handle::current();
    let judged = tokio::task::block_in_place(|| {
        runner.run(&charges, |(units, charges)| {
            let case = cases.fetch_add(1, Ordering::Relaxed);
            let (local, here, there) = (
                Limiter::new(options(units, LONG), None),
                rig.limiter(options(units, LONG)),
                rig.limiter(options(units, LONG)),
            );
            handle.block_on(async {
                for (subject, cost, first) in charges {
                    let subject = format!("{case} {subject}");
                    let shared = if first { &here } else { &there };
                    let expected = local.charge(Kind::Ip, &subject, cost).await.unwrap();
                    let found = shared.charge(Kind::Ip, &subject, cost).await.unwrap();
                    prop_assert_eq!(found.allowed, expected.allowed);
                    prop_assert_eq!(found.remaining, expected.remaining);
                    let apart = found.retry_after.abs_diff(expected.retry_after);
                    prop_assert!(apart < Duration::from_secs(60), "{found:?}, {expected:?}");
                }
                Ok(())
            })
        })
    });
    judged.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_as_many_are_served_as_there_are_units() {
    let rig = Rig::start();
    let local = Limiter::new(options(100, LONG), None);
    // On a busy machine answers take their time, and each that does not come is counted here.
    let shared = RedisBuckets::waiting(&rig.redis.url(), Duration::from_secs(60)).unwrap();
    let shared = Limiter::new(options(100, LONG), Some(shared));
    for limiter in [Arc::new(local), Arc::new(shared)] {
        let tasks = (0..1_000).map(|_| {
            let limiter = limiter.clone();
            tokio::spawn(async move { charge(&limiter, 1).await.0 })
        });
        let served = join_all(tasks).await.into_iter().filter(|served| *served.as_ref().unwrap());
        assert_eq!(served.count(), 100);
        let other = limiter.charge(Kind::Ip, "203.0.113.8", 1).await.unwrap();
        assert!(other.allowed, "everybody has a bucket");
    }
}

#[tokio::test]
async fn units_come_back() {
    let rig = Rig::start();
    let quota = options(10, Duration::from_millis(500));
    for limiter in [Limiter::new(quota, None), rig.limiter(quota)] {
        assert_eq!(charge(&limiter, 10).await, (true, 0));
        let refused = limiter.charge(Kind::Ip, "203.0.113.7", 5).await.unwrap();
        assert!(!refused.allowed, "{refused:?}");
        assert!(refused.retry_after <= Duration::from_millis(250), "{refused:?}");
        eventually("five units", || async { charge(&limiter, 5).await.0.then_some(()) }).await;
    }
}

/// Silence and death take a moment from one caller, and limits go on; they are shared again when
/// Redis is back.
#[tokio::test]
async fn without_redis_limits_are_those_of_the_process() {
    let mut rig = Rig::start();
    let (here, there) = (rig.limiter(options(10, LONG)), rig.limiter(options(10, LONG)));
    assert_eq!(charge(&here, 4).await, (true, 6));
    assert_eq!(charge(&there, 4).await, (true, 2));
    rig.redis.signal(Signal::SIGSTOP);
    let started = Instant::now();
    // Its own bucket is full: it has charged Redis's so far.
    for left in [9, 8, 7] {
        assert_eq!(charge(&here, 1).await, (true, left));
    }
    let waited = started.elapsed();
    assert_eq!(charge(&here, 8).await, (false, 7));
    assert!(waited < Duration::from_secs(1), "one answer is waited for, and that not for long");
    rig.redis.signal(Signal::SIGCONT);
    // What was not waited for may have been charged there, too.
    eventually("limits that are shared", || async {
        (charge(&here, 0).await.1 <= 2).then_some(())
    })
    .await;
    rig.redis.signal(Signal::SIGKILL);
    eventually("limits without Redis", || async {
        (charge(&here, 0).await == (true, 7)).then_some(())
    })
    .await;
    // It comes back with nothing.
    rig.redis = Redis::start(rig.path()).unwrap();
    eventually("a new bucket", || async { (charge(&here, 0).await == (true, 10)).then_some(()) })
        .await;
    assert!(charge(&there, 1).await.0);
}

/// What somebody else wrote there, or a clock that went back, locks nobody out.
#[tokio::test]
async fn a_bucket_of_the_far_future_is_an_empty_one() {
    let rig = Rig::start();
    let limiter = rig.limiter(options(10, Duration::from_secs(1)));
    let client = redis::Client::open(rig.redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for planted in ["99999999999999999", "no number"] {
        let key = "stoa:limit:ip:203.0.113.7";
        let _: () =
            redis::cmd("SET").arg(key).arg(planted).query_async(&mut connection).await.unwrap();
        let standing = limiter.charge(Kind::Ip, "203.0.113.7", 1).await.unwrap();
        assert!(standing.retry_after <= Duration::from_millis(100), "{planted}: {standing:?}");
        eventually("a unit", || async { charge(&limiter, 1).await.0.then_some(()) }).await;
    }
}

#[tokio::test]
async fn where_nothing_is_limited_nobody_is_asked() {
    let limiter =
        Limiter::new(Options::unlimited(), Some(RedisBuckets::new("redis://127.0.0.1:9").unwrap()));
    assert!(limiter.charge(Kind::Key, "k", 1_000_000).await.is_none());
    for url in ["", "http://localhost", "redis//x"] {
        assert!(RedisBuckets::new(url).is_err(), "{url}");
    }
}

/// Limits can be changed while callers are charged: what they took stays taken.
#[tokio::test]
async fn options_are_replaced_while_buckets_stay() {
    let limiter = Limiter::new(options(10, LONG), None);
    let clone = limiter.clone();
    assert_eq!(charge(&limiter, 8).await, (true, 2));
    clone.replace(options(20, LONG));
    // Eight of ten of the bucket's time are sixteen of twenty units now.
    assert_eq!(charge(&limiter, 1).await, (true, 3));
    clone.replace(options(0, LONG));
    assert!(limiter.charge(Kind::Ip, "a", 100).await.is_none(), "no limit");
    clone.replace(options(5, LONG));
    assert!(!charge(&limiter, 2).await.0, "it was not forgotten");
    // Longer windows need a longer memory: everybody begins anew, and never with less.
    clone.replace(options(5, LONG * 2));
    assert_eq!(charge(&limiter, 2).await, (true, 3));
}

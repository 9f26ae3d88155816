//! The sequencer against a real database: per topic gapless, in causal order, each fact once.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cancelled;

use db::{Db, leases, outbox};
use journal::{Fact, Leader, NewFact, SequencerOptions, Tail, run_sequencer};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use testkit::{database, eventually, eventually_within};
use tokio::{sync::watch, task::JoinSet};
use uuid::Uuid;
use vocab::topic;

fn fact(topic: &'static str, writer: u64, n: u64) -> NewFact {
    NewFact {
        topic,
        kind: "told",
        reverting: false,
        attributes: json!({}),
        chain_id: None,
        block: None,
        data: json!({"writer": writer, "n": n}),
    }
}

async fn all(db: &Db, topic: &str) -> Vec<Fact> {
    journal::load_after(&mut db.acquire().await.unwrap(), topic, 0, None, 1_000_000).await.unwrap()
}

fn writer_and_n(fact: &Fact) -> (u64, u64) {
    (fact.data["writer"].as_u64().unwrap(), fact.data["n"].as_u64().unwrap())
}

async fn wait_until_numbered(db: &Db) {
    eventually_within(Duration::from_secs(60), "all facts are numbered", || async {
        outbox::is_empty(&mut db.acquire().await.unwrap()).await.unwrap().then_some(())
    })
    .await;
}

fn options() -> SequencerOptions {
    SequencerOptions {
        batch_max: 7,
        idle: Duration::from_millis(1),
        busy: Duration::from_millis(1),
        lease: Duration::from_millis(300),
    }
}

/// Hold a transaction open while others end: `count` of them, or until all that are left wait here
/// too.
async fn others_commit(commits: &watch::Sender<u64>, count: u64) {
    let mut ended = commits.subscribe();
    let until = *ended.borrow() + count;
    let enough = ended.wait_for(|ended| *ended >= until);
    // The others may all be waiting as well; then this one ends, and lets them go on.
    let _ = tokio::time::timeout(Duration::from_millis(20), enough).await;
}

/// Transactions with random delays and rollbacks; one of each writer's transactions takes its id
/// long before it records. Three sequencers compete, and whoever runs is killed again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_committed_fact_is_numbered_once_in_order() {
    const WRITERS: u64 = 10;
    const EACH: u64 = 60;
    let database = database().await;
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let mut sequencers: Vec<tokio::task::JoinHandle<()>> = Vec::new();
    let start = |db: Db| tokio::spawn(run_sequencer(db, options(), std::future::pending()));
    for _ in 0..3 {
        sequencers.push(start(database.db.clone()));
    }
    let commits = watch::Sender::new(0);
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (db, commits) = (database.db.clone(), commits.clone());
        let mut rng = StdRng::seed_from_u64(seed ^ writer);
        writers.spawn(async move {
            let mut committed = BTreeSet::new();
            for n in 0..EACH {
                let mut transaction = db.begin().await.unwrap();
                if rng.random_bool(0.3) {
                    db::raw::execute(&mut transaction, "select pg_current_xact_id()")
                        .await
                        .unwrap();
                    others_commit(&commits, rng.random_range(0..8)).await;
                }
                let topics = [topic::MINTS, topic::ITEMS];
                let facts = topics.map(|topic| fact(topic, writer, n));
                journal::record(&mut transaction, &facts).await.unwrap();
                others_commit(&commits, rng.random_range(0..2)).await;
                if rng.random_bool(0.25) {
                    transaction.rollback().await.unwrap();
                } else {
                    transaction.commit().await.unwrap();
                    committed.insert((writer, n));
                }
                commits.send_modify(|ended| *ended += 1);
            }
            committed
        });
    }
    let mut committed = BTreeSet::new();
    let mut rng = StdRng::seed_from_u64(seed);
    let mut kill = tokio::time::interval(Duration::from_millis(40));
    loop {
        tokio::select! {
            done = writers.join_next() => match done {
                Some(set) => committed.append(&mut set.unwrap()),
                None => break,
            },
            _ = kill.tick() => {
                let victim = rng.random_range(0..sequencers.len());
                sequencers[victim].abort();
                sequencers[victim] = start(database.db.clone());
            }
        }
    }
    wait_until_numbered(&database.db).await;
    sequencers.iter().for_each(tokio::task::JoinHandle::abort);
    for topic in [topic::MINTS, topic::ITEMS] {
        let facts = all(&database.db, topic).await;
        let seqs: Vec<i64> = facts.iter().map(|f| f.seq).collect();
        assert_eq!(seqs, (1..=committed.len() as i64).collect::<Vec<_>>(), "{topic}: seed {seed}");
        let told: BTreeSet<_> = facts.iter().map(writer_and_n).collect();
        assert_eq!(told, committed, "{topic}: seed {seed}");
        // A writer's transactions follow one another, so their facts must too.
        let mut last = BTreeMap::new();
        for fact in &facts {
            let (writer, n) = writer_and_n(fact);
            assert!(last.insert(writer, n).is_none_or(|before| before < n), "seed {seed}");
        }
    }
}

/// An old transaction that records after it saw another's commit must come after it, although a
/// third, still running, hides the other behind the snapshot horizon.
#[tokio::test]
async fn an_effect_never_comes_before_its_cause() {
    let database = database().await;
    let db = &database.db;
    let begin = || async {
        let mut transaction = db.begin().await.unwrap();
        db::raw::execute(&mut transaction, "select pg_current_xact_id()").await.unwrap();
        transaction
    };
    let mut old = begin().await;
    let running = begin().await;
    let mut cause = begin().await;
    journal::record(&mut cause, &[fact(topic::MINTS, 1, 1)]).await.unwrap();
    cause.commit().await.unwrap();
    journal::record(&mut old, &[fact(topic::MINTS, 2, 2)]).await.unwrap();
    old.commit().await.unwrap();
    let mut sequencing = db.begin().await.unwrap();
    // Both are numbered at once: a transaction that runs for long does not hold up the log.
    assert_eq!(outbox::move_to_facts(&mut sequencing, 100).await.unwrap(), 2);
    sequencing.commit().await.unwrap();
    let told: Vec<_> = all(db, topic::MINTS).await.iter().map(writer_and_n).collect();
    assert_eq!(told, [(1, 1), (2, 2)]);
    running.rollback().await.unwrap();
}

/// The lease, as soon as it is free.
async fn taken(leader: &mut Leader, db: &Db) -> leases::Lease {
    let leader = tokio::sync::Mutex::new(leader);
    eventually("the lease is free", || async { leader.lock().await.lease(db).await.unwrap() }).await
}

#[tokio::test]
async fn a_stale_leader_changes_nothing() {
    let database = database().await;
    let db = &database.db;
    let ttl = Duration::from_secs(600);
    let (mut first, mut second) = (Leader::new("job", ttl), Leader::new("job", ttl));
    let stale = first.lease(db).await.unwrap().expect("the lease is free");
    assert_eq!(second.lease(db).await.unwrap(), None, "it is taken");
    let end = "update leases set expires_at = now()";
    db::raw::execute(&mut db.acquire().await.unwrap(), end).await.unwrap();
    let fresh = taken(&mut second, db).await;
    assert!(fresh.epoch > stale.epoch);
    let mut transaction = db.begin().await.unwrap();
    assert!(!leases::lock_held(&mut transaction, &stale).await.unwrap());
    drop(transaction);
    assert!(
        !leases::renew(&mut db.acquire().await.unwrap(), &stale, time::Duration::HOUR)
            .await
            .unwrap()
    );
    // Given back, it is free at once.
    let fresh = taken(&mut second, db).await.epoch.max(fresh.epoch);
    second.resign(db).await;
    let again = Leader::new("job", ttl).lease(db).await.unwrap();
    assert!(again.is_some_and(|lease| lease.epoch > fresh));
}

#[tokio::test]
async fn a_held_lease_cannot_be_taken_before_the_commit() {
    let database = database().await;
    let db = &database.db;
    // On a busy machine a lease this short may be over before it is locked.
    let transaction = eventually("a lease is locked while it is held", || async {
        let mut leader = Leader::new("job", Duration::from_millis(200));
        let lease = leader.lease(db).await.unwrap()?;
        let mut transaction = db.begin().await.unwrap();
        leases::lock_held(&mut transaction, &lease).await.unwrap().then_some(transaction)
    })
    .await;
    let mut rival = Leader::new("job", Duration::from_secs(5));
    let taking = rival.lease(db);
    // The lease runs out, and still the rival waits for our commit.
    assert!(tokio::time::timeout(Duration::from_millis(400), taking).await.is_err());
    transaction.commit().await.unwrap();
    eventually("the rival has it", || async {
        let mut rival = Leader::new("job", Duration::from_secs(5));
        rival.lease(db).await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_lease_is_renewed_while_a_commit_under_it_is_on_its_way() {
    let database = database().await;
    let mut renewing = database.db.acquire().await.unwrap();
    let term = time::Duration::seconds(60);
    let lease = leases::acquire(&mut renewing, "job", Uuid::now_v7(), term).await.unwrap().unwrap();
    let mut transaction = database.db.begin().await.unwrap();
    assert!(leases::lock_held(&mut transaction, &lease).await.unwrap());
    // It would be cut here if it waited.
    db::raw::execute(&mut renewing, "set lock_timeout = '1s'").await.unwrap();
    assert!(leases::renew(&mut renewing, &lease, term).await.unwrap());
    assert!(leases::lock_held(&mut transaction, &lease).await.unwrap());
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn a_ring_ends_the_pause() {
    let database = database().await;
    let db = &database.db;
    let options = SequencerOptions { idle: Duration::from_secs(3_600), ..options() };
    let sequencer = tokio::spawn(run_sequencer(db.clone(), options, std::future::pending()));
    // The first may be found before any pause; after it there is one.
    for n in 0..3 {
        let mut transaction = db.begin().await.unwrap();
        journal::record(&mut transaction, &[fact(topic::ITEMS, 0, n)]).await.unwrap();
        transaction.commit().await.unwrap();
        journal::ring();
        wait_until_numbered(db).await;
    }
    assert_eq!(all(db, topic::ITEMS).await.len(), 3);
    sequencer.abort();
}

#[tokio::test]
async fn a_tail_follows_and_sees_a_new_epoch() {
    let database = database().await;
    let db = &database.db;
    let mut tail = Tail::from_now(db.clone(), 3).await.unwrap();
    let sequencer = tokio::spawn(run_sequencer(db.clone(), options(), std::future::pending()));
    let mut transaction = db.begin().await.unwrap();
    let facts: Vec<_> = (0..10).map(|n| fact(topic::ITEMS, 0, n)).collect();
    journal::record(&mut transaction, &facts).await.unwrap();
    transaction.commit().await.unwrap();
    let mut read = Vec::new();
    while read.len() < 10 {
        let batch = tail.next().await.unwrap();
        assert!(batch.len() <= 3);
        read.extend(batch.iter().map(|f| writer_and_n(f).1));
    }
    assert_eq!(read, (0..10).collect::<Vec<_>>());
    sequencer.abort();
    let raise = "update topics set epoch = 2, seq = 4 where topic = 'items'";
    db::raw::execute(&mut db.acquire().await.unwrap(), raise).await.unwrap();
    assert!(tail.next().await.unwrap().is_empty());
    let place = tail.places().find(|place| place.topic == topic::ITEMS).unwrap();
    assert_eq!((place.epoch, place.seq), (2, 4));
}

/// What came another way counts when it is the next, and only then; what lies between is found.
#[tokio::test]
async fn a_tail_takes_what_follows_and_looks_for_the_rest() {
    let database = database().await;
    let db = &database.db;
    let mut tail = Tail::from_now(db.clone(), 100).await.unwrap();
    let sequencer = tokio::spawn(run_sequencer(db.clone(), options(), std::future::pending()));
    let mut transaction = db.begin().await.unwrap();
    let facts: Vec<NewFact> = (1..=6).map(|n| fact(topic::ITEMS, 0, n)).collect();
    journal::record(&mut transaction, &facts).await.unwrap();
    transaction.commit().await.unwrap();
    wait_until_numbered(db).await;
    let facts = all(db, topic::ITEMS).await;
    assert!(!tail.accept(1, &facts[1]), "the first is missing");
    assert!(!tail.accept(2, &facts[0]), "of another numbering");
    assert!(tail.accept(1, &facts[0]));
    assert!(!tail.accept(1, &facts[0]), "it was there before");
    assert!(tail.accept(1, &facts[1]));
    assert!(!tail.accept(1, &facts[4]), "two are missing");
    let found = tail.look().await.unwrap().unwrap();
    assert_eq!(found.iter().map(|fact| fact.seq).collect::<Vec<_>>(), [3, 4, 5, 6]);
    assert!(tail.look().await.unwrap().is_none());
    sequencer.abort();
}

//! Jobs into batches: no intent twice, order kept, one writer.

use crate::minting::{CHAIN, Minting, Move, recipient};
use app::jobs::batch_mints::Round;
use std::{collections::BTreeSet, time::Duration};
use vocab::{JobStatus, U256};

fn numbers(count: usize) -> Vec<Option<U256>> {
    (0..count).map(|n| Some(U256::from(n))).collect()
}

#[tokio::test]
async fn jobs_of_a_collection_share_batches_in_one_word() {
    let minting = Minting::new().await;
    let contract = minting.collection("free_uri", "final").await;
    minting.jobs_for(contract, 300).await;
    let batcher = minting.batcher(|o| {
        o.open_per_wallet = 100;
        o.limits.items_max = 64;
    });
    assert_eq!(minting.batch_all(&batcher).await, 5, "64, 64, 64, 64 fill the word; 44 follow");
    let jobs = minting.jobs(contract).await;
    let intents: Vec<_> = jobs.iter().map(|job| job.intent).collect();
    assert_eq!(intents, numbers(300), "dense, in the order of asking");
    let calls = minting.calls().await;
    let sizes: Vec<_> = calls.iter().map(|call| call.items.len()).collect();
    assert_eq!(sizes, [64, 64, 64, 64, 44]);
    for call in &calls {
        assert_eq!(call.contract, contract);
        for (intent, to) in &call.items {
            let job = &jobs[intent.to::<usize>()];
            assert_eq!((job.transaction, job.recipient), (Some(call.id), *to));
            assert_eq!(job.status, JobStatus::Queued);
        }
    }
}

#[tokio::test]
async fn contents_follow_the_mode_and_what_cannot_be_said_is_refused() {
    let minting = Minting::new().await;
    let digest = minting.collection("digest", "final").await;
    let based = minting.collection("base_uri", "final").await;
    let good = "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
    minting.job(digest, recipient(0), Some(good)).await;
    let bad = minting.job(digest, recipient(1), Some("https://example.com/1")).await;
    minting.job(digest, recipient(2), Some(good)).await;
    minting.job(based, recipient(3), None).await;
    minting.batch_all(&minting.batcher(|_| {})).await;
    let mut calls = minting.calls().await;
    calls.sort_by_key(|call| call.items.len());
    assert_eq!(calls.iter().map(|c| c.contents).collect::<Vec<_>>(), [0, 64]);
    let jobs = minting.jobs(digest).await;
    assert_eq!(jobs[1].status, JobStatus::Failed);
    assert!(jobs[1].reason.as_ref().unwrap().starts_with("uri_not_representable"));
    assert_eq!((jobs[0].intent, jobs[1].intent), (Some(U256::ZERO), None));
    assert_eq!(jobs[2].intent, Some(U256::ONE), "the refused one took no intent");
    assert_eq!(minting.last_fact(bad).await.unwrap()["data"]["status"], "failed");
}

#[tokio::test]
async fn a_collection_that_is_not_on_chain_waits() {
    let minting = Minting::new().await;
    let contract = minting.collection("free_uri", "submitted").await;
    minting.jobs_for(contract, 3).await;
    assert_eq!(minting.batch_all(&minting.batcher(|_| {})).await, 0);
    sqlx::query("update collection_requests set status = 'tentative'")
        .execute(minting.db())
        .await
        .unwrap();
    assert_eq!(minting.batch_all(&minting.batcher(|_| {})).await, 1);
}

#[tokio::test]
async fn few_batches_are_under_way_and_so_they_grow() {
    let minting = Minting::new().await;
    let contract = minting.collection("free_uri", "final").await;
    let batcher = minting.batcher(|o| {
        o.open_per_wallet = 2;
        o.full_per_wallet = 2;
        o.limits.items_max = 10;
    });
    minting.jobs_for(contract, 1).await;
    assert_eq!(minting.batch_all(&batcher).await, 1, "alone it leaves at once");
    minting.jobs_for(contract, 25).await;
    assert_eq!(minting.batch_all(&batcher).await, 1, "one more may be under way");
    let sizes: Vec<_> = minting.calls().await.iter().map(|call| call.items.len()).collect();
    assert_eq!(sizes, [1, 10]);
    sqlx::query("update transactions set status = 'tentative', block_hash = $1")
        .bind([0u8; 32].as_slice())
        .execute(minting.db())
        .await
        .unwrap();
    assert_eq!(minting.batch_all(&batcher).await, 2);
    let intents: Vec<_> = minting.jobs(contract).await.iter().map(|job| job.intent).collect();
    assert_eq!(intents, numbers(26));
}

#[tokio::test]
async fn full_and_late_batches_go_where_a_growing_one_waits() {
    let minting = Minting::new().await;
    let contract = minting.collection("free_uri", "final").await;
    let with = |age_max| {
        minting.batcher(|o| {
            o.open_per_wallet = 1;
            o.full_per_wallet = 4;
            o.age_max = age_max;
            o.limits.items_max = 10;
        })
    };
    let patient = with(Duration::from_secs(3_600));
    minting.jobs_for(contract, 3).await;
    assert_eq!(minting.batch_all(&patient).await, 1, "alone it leaves at once");
    minting.jobs_for(contract, 25).await;
    assert_eq!(minting.batch_all(&patient).await, 2, "two full ones; five jobs wait for more");
    assert_eq!(minting.batch_all(&with(Duration::ZERO)).await, 1, "or until they are late");
    minting.jobs_for(contract, 100).await;
    assert_eq!(minting.batch_all(&with(Duration::ZERO)).await, 0, "the window is the end");
    let sizes: Vec<_> = minting.calls().await.iter().map(|call| call.items.len()).collect();
    assert_eq!(sizes, [3, 10, 10, 5]);
}

/// Three batchers race while jobs come in, and each look is cut off at a random moment: whatever
/// was half done is rolled back or done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_and_rivals_give_no_intent_twice() {
    const JOBS: usize = 150;
    let minting = std::sync::Arc::new(Minting::new().await);
    let contract = minting.collection("free_uri", "final").await;
    let writer = tokio::spawn({
        let minting = minting.clone();
        async move { minting.jobs_for(contract, JOBS).await }
    });
    let mut rivals = tokio::task::JoinSet::new();
    for rival in 0..3u64 {
        let minting = minting.clone();
        rivals.spawn(async move {
            let batcher = minting.batcher(|o| {
                o.open_per_wallet = 10_000;
                o.limits.items_max = 7;
                o.lease = Duration::from_millis(60);
            });
            let mut micros = 500 + rival * 377;
            for look in 0..150u64 {
                // Sometimes it dies with its lease: a new one takes over when that has ended.
                let mut leader = batcher.leader();
                for _ in 0..5 {
                    micros = micros * 16_807 % 9_001;
                    let round = batcher.round(&mut leader);
                    let _ =
                        tokio::time::timeout(Duration::from_micros(1_500 + micros), round).await;
                }
                if look % 2 == 0 {
                    leader.resign(minting.db()).await;
                }
                let jobs = minting.jobs(contract).await;
                if jobs.len() == JOBS && jobs.iter().all(|job| job.intent.is_some()) {
                    return;
                }
            }
        });
    }
    let asked = writer.await.unwrap();
    while let Some(done) = rivals.join_next().await {
        done.unwrap();
    }
    let minting = &minting;
    testkit::eventually("the rest is batched", || async {
        let batcher = minting.batcher(|o| {
            o.open_per_wallet = 10_000;
            o.lease = Duration::from_millis(100);
        });
        let done = batcher.round(&mut batcher.leader()).await.unwrap();
        (done == Round::Queued(0)).then_some(())
    })
    .await;
    let jobs = minting.jobs(contract).await;
    assert_eq!(jobs.iter().map(|job| job.id).collect::<Vec<_>>(), asked);
    assert_eq!(jobs.iter().map(|job| job.intent).collect::<Vec<_>>(), numbers(JOBS));
    let mut seen = BTreeSet::new();
    for call in minting.calls().await {
        for (intent, to) in call.items {
            assert!(seen.insert(intent), "intent {intent} is in two transactions");
            let job = &jobs[intent.to::<usize>()];
            assert_eq!((job.transaction, job.recipient), (Some(call.id), to));
        }
    }
    assert_eq!(seen.len(), JOBS);
}

#[tokio::test]
async fn a_stale_batcher_changes_nothing() {
    let minting = Minting::new().await;
    let contract = minting.collection("free_uri", "final").await;
    let batcher = minting.batcher(|o| o.lease = Duration::from_secs(60));
    let mut stale = batcher.leader();
    assert_eq!(batcher.round(&mut stale).await.unwrap(), Round::Queued(0));
    sqlx::query("update leases set expires_at = now() where name = $1")
        .bind(format!("mint_batcher:{CHAIN}"))
        .execute(minting.db())
        .await
        .unwrap();
    let mut fresh = batcher.leader();
    assert_eq!(batcher.round(&mut fresh).await.unwrap(), Round::Queued(0));
    minting.jobs_for(contract, 2).await;
    assert_eq!(batcher.round(&mut stale).await.unwrap(), Round::StandBy);
    assert!(minting.calls().await.is_empty());
    assert_eq!(batcher.round(&mut fresh).await.unwrap(), Round::Queued(1));
}

#[tokio::test]
async fn the_job_runs_until_it_is_told_to_stop_and_gives_its_lease_back() {
    let minting = Minting::new().await;
    let contract = minting.collection("free_uri", "final").await;
    let batcher = minting.batcher(|o| o.lease = Duration::from_secs(600));
    let bell = batcher.bell();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let job = tokio::spawn(batcher.clone().run(async move {
        let _ = stopped.await;
    }));
    minting.jobs_for(contract, 3).await;
    bell.notify_one();
    testkit::eventually("the jobs are batched", || async {
        let jobs = minting.jobs(contract).await;
        jobs.iter().all(|job| job.transaction.is_some()).then_some(())
    })
    .await;
    stop.send(()).unwrap();
    job.await.unwrap();
    let round = batcher.round(&mut batcher.leader()).await.unwrap();
    assert_eq!(round, Round::Queued(0), "the lease is free at once");
}

/// A transaction carries many requests: it names the first and counts the others, and each job's
/// facts name its own. A split keeps them.
#[tokio::test]
async fn requests_are_traced_through_batches_and_splits() {
    let minting = Minting::new().await;
    let contract = minting.collection("free_uri", "final").await;
    let ids = minting.jobs_for(contract, 5).await;
    let number = "update mint_jobs j set http_request_id =
                      'r' || (select count(*) from mint_jobs before where before.id < j.id)";
    sqlx::query(number).execute(minting.db()).await.unwrap();
    minting.batch_all(&minting.batcher(|_| {})).await;
    let named = async || {
        let query = "select request_id from transactions order by id";
        sqlx::query_scalar::<_, Option<String>>(query).fetch_all(minting.db()).await.unwrap()
    };
    assert_eq!(named().await, [Some("r0 +4".to_owned())]);
    let call = minting.calls().await.remove(0);
    minting.moves(call.id, Move::to(JobStatus::Submitted)).await;
    for (n, id) in ids.iter().enumerate() {
        let fact = minting.last_fact(*id).await.unwrap();
        assert_eq!(fact["data"]["request_id"], format!("r{n}"));
    }
    minting.moves(call.id, Move::reverted(JobStatus::Tentative, "CollectionZeroRecipient")).await;
    let halves = [Some("r0 +4".to_owned()), Some("r0 +1".to_owned()), Some("r2 +2".to_owned())];
    assert_eq!(named().await, halves);
}

//! Jobs that must go out in order.

use crate::{
    refusals::{CONTRACT, poke, reverting},
    rig::{PATIENCE, Rig, Wanted, transfer},
};
use alloy_primitives::{Address, U256, address, keccak256};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use testkit::eventually_within;
use transactor::{NewTransaction, OnFailure, Ordering};
use vocab::{Finality, JobStatus, TransactionId};

const PAYEE: Address = address!("00000000000000000000000000000000000fee01");

fn keyed(key: &str, on_failure: OnFailure, new: NewTransaction) -> NewTransaction {
    NewTransaction { ordering: Some(Ordering { key: key.to_owned(), on_failure }), ..new }
}

async fn queue_keyed(
    rig: &Rig,
    key: &str,
    on_failure: OnFailure,
    count: u32,
) -> Vec<(TransactionId, Address)> {
    let mut queued = Vec::new();
    for index in 0..count {
        let to = Address::from_word(keccak256(format!("{key} {index}")));
        // The later, the more pressing: the key counts all the same.
        let priority = i16::try_from(index).unwrap();
        let new = NewTransaction { priority, ..keyed(key, on_failure, transfer(to)) };
        queued.push((rig.queue_one(new).await, to));
    }
    queued
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_one_key_share_a_wallet_and_are_mined_in_order() {
    // So far away that they overlap, however slowly they come in.
    let finality = Finality { auditable: 2, final_: 1_000 };
    let rig = Rig::new(Wanted { wallets: 3, finality, ..Wanted::default() }).await;
    let worker = rig.start();
    let mut queued = Vec::new();
    for (key, on_failure) in
        [("ann", OnFailure::Free), ("ben", OnFailure::Block), ("cat", OnFailure::Free)]
    {
        let count = if on_failure == OnFailure::Free { 12 } else { 4 };
        queued.push(queue_keyed(&rig, key, on_failure, count).await);
        rig.queue_transfers(&format!("beside {key}"), 6).await;
    }
    for (id, _) in queued.iter().flatten() {
        rig.until(*id, &[JobStatus::Tentative, JobStatus::Auditable]).await;
    }
    rig.node.mine(1_000).await;
    for of_key in &queued {
        rig.all_final_once(of_key).await;
        let mut before = None;
        for (id, _) in of_key {
            let job = rig.load(*id).await;
            let place = (job.wallet.unwrap(), job.nonce.unwrap());
            if let Some((wallet, nonce)) = before {
                assert_eq!(place.0, wallet, "{id}: one wallet while they overlap");
                assert!(place.1 > nonce, "{id}: {place:?} after {nonce}");
            }
            before = Some(place);
        }
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocking_job_lets_its_successor_go_when_it_is_mined() {
    let rig = Rig::new(Wanted { block_time: None, wallets: 2, ..Wanted::default() }).await;
    rig.node.call("evm_setAutomine", json!([false])).await;
    let worker = rig.start();
    let blocking = queue_keyed(&rig, "blocking", OnFailure::Block, 2).await;
    let free = queue_keyed(&rig, "free", OnFailure::Free, 3).await;
    rig.until(blocking[0].0, &[JobStatus::Submitted]).await;
    for (id, _) in &free {
        rig.until(*id, &[JobStatus::Submitted]).await;
    }
    // Queued after them and sent: the lanes have looked at all of these.
    let later = rig.queue_transfers("later", 2).await;
    for (id, _) in &later {
        rig.until(*id, &[JobStatus::Submitted]).await;
    }
    assert_eq!(rig.load(blocking[1].0).await.status, "queued");
    rig.node.mine(1).await;
    rig.until(blocking[0].0, &[JobStatus::Tentative]).await;
    rig.until(blocking[1].0, &[JobStatus::Submitted]).await;
    rig.node.mine(10).await;
    rig.until(blocking[1].0, &[JobStatus::Tentative, JobStatus::Auditable, JobStatus::Final]).await;
    rig.node.mine(10).await;
    rig.all_final_once(&[blocking, free, later].concat()).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_blocks_its_own_key_until_it_is_given_up_or_driven_again() {
    let rig = Rig::new(Wanted { wallets: 2, ..Wanted::default() }).await;
    rig.node.call("anvil_setCode", json!([CONTRACT, reverting("NotYet()")])).await;
    let worker = rig.start();
    let mut jobs = Vec::new();
    for key in ["given up", "driven again"] {
        let failed = rig.queue_one(keyed(key, OnFailure::Block, poke(None))).await;
        let behind = queue_keyed(&rig, key, OnFailure::Block, 1).await;
        jobs.push((failed, behind));
    }
    let open = rig.queue_one(keyed("open", OnFailure::Free, poke(None))).await;
    let freed = queue_keyed(&rig, "open", OnFailure::Free, 2).await;
    rig.until(open, &[JobStatus::Failed]).await;
    rig.all_final_once(&freed).await;
    let others = rig.queue_transfers("other", 5).await;
    rig.all_final_once(&others).await;
    for (failed, behind) in &jobs {
        rig.until(*failed, &[JobStatus::Failed]).await;
        assert_eq!(rig.load(behind[0].0).await.status, "queued");
    }

    rig.cancel(jobs[0].0).await.unwrap();
    rig.all_final_once(&jobs[0].1).await;
    assert_eq!(rig.load(jobs[1].1[0].0).await.status, "queued");

    rig.node.call("anvil_setCode", json!([CONTRACT, "0x00"])).await;
    rig.redrive(jobs[1].0).await.unwrap();
    rig.all_final_once(&jobs[1].1).await;
    let (again, behind) = (rig.load(jobs[1].0).await, rig.load(jobs[1].1[0].0).await);
    assert_eq!((again.status.as_str(), again.redrives), ("final", 1));
    assert!((again.block_number, again.nonce) < (behind.block_number, behind.nonce));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_is_judged_when_its_predecessor_is_mined() {
    let rig = Rig::new(Wanted { block_time: None, ..Wanted::default() }).await;
    rig.node.call("evm_setAutomine", json!([false])).await;
    rig.node.call("anvil_setCode", json!([CONTRACT, reverting("NotYet()")])).await;
    let worker = rig.start();
    let first = rig.queue_one(keyed("pair", OnFailure::Free, transfer(PAYEE))).await;
    let second = rig.queue_one(keyed("pair", OnFailure::Free, poke(None))).await;
    rig.until(first, &[JobStatus::Submitted]).await;
    eventually_within(PATIENCE, "the second was looked at", || async {
        let stalls: i16 = sqlx::query_scalar("select stalls from transactions where id = $1")
            .bind(second.0)
            .fetch_one(&rig.database.db)
            .await
            .unwrap();
        (stalls > 0).then_some(())
    })
    .await;
    assert_eq!(rig.load(second).await.status, "queued", "the first may be what it needs");
    rig.node.mine(1).await;
    rig.until(first, &[JobStatus::Tentative]).await;
    rig.until(second, &[JobStatus::Failed]).await;
    assert_eq!(rig.balance(PAYEE).await, U256::ONE);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_priority_is_worth_half_a_minute_of_waiting() {
    let rig = Rig::new(Wanted::default()).await;
    let last = rig.queue_one(transfer(PAYEE)).await;
    let second = rig.queue_one(NewTransaction { priority: 1, ..transfer(PAYEE) }).await;
    let first = rig.queue_one(transfer(PAYEE)).await;
    // As if it had been queued so long before the others.
    sqlx::query(
        "update transactions set queue_rank =
            (select queue_rank - 31000 from transactions where id = $2) where id = $1",
    )
    .bind(first.0)
    .bind(last.0)
    .execute(&rig.database.db)
    .await
    .unwrap();
    let worker = rig.start();
    for (nonce, id) in (0..).zip([first, second, last]) {
        rig.until(id, &[JobStatus::Final]).await;
        assert_eq!(rig.load(id).await.nonce, Some(nonce));
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_spread_over_idle_wallets() {
    let mut rig = Rig::new(Wanted { block_time: None, wallets: 4, ..Wanted::default() }).await;
    rig.node.call("evm_setAutomine", json!([false])).await;
    // Lanes act on the bell alone, and that wakes one after the other: a slow machine may not
    // change what each finds. (A lane that is woken by its clock takes a job above its share rather
    // than leave it to one that does not move.)
    rig.options.tick = Duration::from_secs(3_600);
    // Nor may a lane begin anew because its lease was not renewed in time.
    rig.options.lease = Duration::from_secs(600);
    eventually_within(PATIENCE, "the head is known", || async {
        let mut connection = rig.database.db.acquire().await.unwrap();
        let chain = rig.node.chain_id;
        db::checkpoints::load(&mut connection, chain).await.unwrap()
    })
    .await;
    let worker = rig.start();
    rig.leases_held(4).await;
    // A lane that has sent something listens.
    let mut first = Vec::new();
    let mut awake = BTreeSet::new();
    while awake.len() < 4 {
        let one = rig.queue_transfers(&format!("first {}", first.len()), 1).await;
        rig.until(one[0].0, &[JobStatus::Submitted]).await;
        awake.insert(rig.load(one[0].0).await.wallet);
        first.extend(one);
        assert!(first.len() < 40, "only {awake:?} are awake");
    }
    let queued = rig.queue_transfers("burst", 36).await;
    let mut counts: BTreeMap<_, [u32; 2]> = BTreeMap::new();
    for (part, jobs) in [&first, &queued].into_iter().enumerate() {
        for (id, _) in jobs {
            rig.until(*id, &[JobStatus::Submitted]).await;
            counts.entry(rig.load(*id).await.wallet).or_default()[part] += 1;
        }
    }
    assert!(counts.len() == 4, "{counts:?}");
    let all = u32::try_from(first.len() + queued.len()).unwrap();
    // A lane takes no fewer than half of its window at once, 8, so what is left may be its too.
    let most = |before: u32| all.div_ceil(4).max(before + 8) + 7;
    assert!(counts.values().all(|[before, burst]| before + burst <= most(*before)), "{counts:?}");
    rig.node.mine(12).await;
    rig.all_final_once(&[first, queued].concat()).await;
    worker.stop().await;
}

//! Jobs that must go out in order.

use crate::{
    refusals::{CONTRACT, poke, reverting},
    rig::{PATIENCE, ROLE, Rig, Wanted, transfer},
};
use alloy_primitives::{Address, U256, address, keccak256};
use serde_json::json;
use testkit::eventually_within;
use transactor::{NewTransaction, OnFailure, Ordering};
use vocab::{JobStatus, TransactionId};

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
    let rig = Rig::new(Wanted { wallets: 3, ..Wanted::default() }).await;
    let worker = rig.start();
    let mut queued = Vec::new();
    for (key, on_failure) in
        [("ann", OnFailure::Free), ("ben", OnFailure::Block), ("cat", OnFailure::Free)]
    {
        let count = if on_failure == OnFailure::Free { 12 } else { 4 };
        queued.push(queue_keyed(&rig, key, on_failure, count).await);
        rig.queue_transfers(&format!("beside {key}"), 6).await;
    }
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
    // As if it had been queued so long ago.
    sqlx::query("update transactions set queue_rank = queue_rank - 31000 where id = $1")
        .bind(first.0)
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
    let rig = Rig::new(Wanted { block_time: None, wallets: 4, ..Wanted::default() }).await;
    rig.node.call("evm_setAutomine", json!([false])).await;
    let worker = rig.start();
    rig.leases_held(4).await;
    let queued = rig.queue_transfers("burst", 40).await;
    for (id, _) in &queued {
        rig.until(*id, &[JobStatus::Submitted]).await;
    }
    let counts: Vec<i64> = sqlx::query_scalar(
        "select count(*) from transactions where role = $1 group by wallet order by 1",
    )
    .bind(ROLE)
    .fetch_all(&rig.database.db)
    .await
    .unwrap();
    assert_eq!(counts.len(), 4, "{counts:?}");
    assert!(counts[0] >= 8 && counts[3] <= 12, "{counts:?}");
    rig.node.mine(12).await;
    rig.all_final_once(&queued).await;
    worker.stop().await;
}

//! Jobs of wallets that operators pause or retire.

use crate::{
    approvals::{Pair, big},
    rig::{Rig, Wanted, Worker, transfer},
};
use alloy_primitives::Address;
use testkit::eventually;
use transactor::{ApproveError, NewTransaction, Unfit};
use vocab::{JobStatus, TransactionId};

/// As operators do it.
async fn set_state(rig: &Rig, wallet: Address, state: &str) {
    let mut transaction = rig.database.db.begin().await.unwrap();
    db::wallets_reads::record_state(&mut transaction, rig.node.chain_id, wallet, state)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

async fn wallet_of(rig: &Rig, id: TransactionId) -> Option<Address> {
    rig.load(id).await.wallet.map(Address::from)
}

fn named(wallet: Address, new: NewTransaction) -> NewTransaction {
    NewTransaction { wallet: Some(wallet), ..new }
}

async fn two_wallets() -> Pair {
    Pair::with(Wanted { wallets: 2, ..Wanted::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_name_a_retired_wallet_end_and_others_find_another() {
    let rig = Rig::new(Wanted { wallets: 2, ..Wanted::default() }).await;
    let worker = rig.start();
    rig.leases_held(2).await;
    let retired = rig.wallets[0];
    set_state(&rig, retired, "paused").await;
    let waits = rig.queue_one(named(retired, transfer(Address::repeat_byte(0xe0)))).await;
    let queued = rig.queue_transfers("unnamed", 3).await;
    rig.all_final_once(&queued).await;
    assert_eq!(rig.load(waits).await.status, "queued", "a paused wallet is resumed one day");
    set_state(&rig, retired, "retiring").await;
    rig.until(waits, &[JobStatus::Failed]).await;
    let moved = rig.outcomes.of(waits);
    assert_eq!(moved.last().unwrap().reason.as_ref().unwrap().code, "wallet_retired");
    // A rival's retirement came between the look at the wallet and the commit of the job, or
    // somebody drives it again: it does not wait either.
    let late = rig.queue_one(named(retired, transfer(Address::repeat_byte(0xe1)))).await;
    rig.until(late, &[JobStatus::Failed]).await;
    let before = rig.told(waits).await.len();
    rig.redrive(waits).await.unwrap();
    eventually("it fails again", || async {
        (rig.told(waits).await.len() == before + 2).then_some(())
    })
    .await;
    assert_eq!(rig.load(waits).await.status, "failed");
    // What empties the wallet still goes.
    let empties = NewTransaction {
        kind: "drain".to_owned(),
        ..named(retired, transfer(Address::repeat_byte(0xe2)))
    };
    let empties = rig.queue_one(empties).await;
    rig.until(empties, &[JobStatus::Final]).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_for_approval_leaves_a_stopped_wallet_and_needs_approval_anew() {
    for state in ["paused", "retiring"] {
        let pair = two_wallets().await;
        let rig = &pair.rig;
        let worker = Worker::start(rig.config());
        let to = Address::repeat_byte(0xe3);
        let id = rig.queue_one(big(to)).await;
        let old = pair.wanted(id, 0).await.act;
        let first = wallet_of(rig, id).await.unwrap();
        set_state(rig, first, state).await;
        rig.nudge.wake(rig.node.chain_id, crate::rig::ROLE);
        let new = pair.wanted(id, 1).await.act;
        let second = wallet_of(rig, id).await.unwrap();
        assert_ne!((new, second), (old, first), "the key is part of what is approved");
        let stale = pair.bring(id, &pair.operator.approve(old, 600)).await;
        assert!(
            matches!(stale, Err(ApproveError::Unfit(Unfit::OtherAct(act))) if act == new),
            "{stale:?}"
        );
        pair.consent(id, new).await;
        rig.until(id, &[JobStatus::Final]).await;
        assert_eq!((wallet_of(rig, id).await, pair.balance(to).await), (Some(second), 500));
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_came_to_wait_just_when_its_wallet_was_stopped_is_released_too() {
    let pair = two_wallets().await;
    let rig = &pair.rig;
    let worker = Worker::start(rig.config());
    let to = Address::repeat_byte(0xe4);
    let id = rig.queue_one(big(to)).await;
    let old = pair.wanted(id, 0).await.act;
    let first = wallet_of(rig, id).await.unwrap();
    // The signer asked after the operator's commit, which so released nothing.
    sqlx::query("update wallets set state = 'retiring', draining = true where address = $1")
        .bind(first.as_slice())
        .execute(&rig.database.db)
        .await
        .unwrap();
    let new = pair.wanted(id, 1).await.act;
    assert_ne!(new, old);
    pair.consent(id, new).await;
    rig.until(id, &[JobStatus::Final]).await;
    assert_eq!(pair.balance(to).await, 500);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approval_of_a_job_that_names_its_wallet_is_kept_over_a_pause() {
    let pair = two_wallets().await;
    let rig = &pair.rig;
    let worker = Worker::start(rig.config());
    let (to, wallet) = (Address::repeat_byte(0xe5), rig.wallets[1]);
    let id = rig.queue_one(named(wallet, big(to))).await;
    let lost = rig.queue_one(named(wallet, big(Address::repeat_byte(0xe6)))).await;
    let act = pair.wanted(id, 0).await.act;
    pair.wanted(lost, 0).await;
    set_state(rig, wallet, "paused").await;
    pair.consent(id, act).await;
    let queued = rig.queue_transfers("meanwhile", 3).await;
    rig.all_final_once(&queued).await;
    assert_eq!(rig.load(id).await.status, "queued");
    set_state(rig, wallet, "active").await;
    rig.until(id, &[JobStatus::Final]).await;
    assert_eq!((wallet_of(rig, id).await, pair.balance(to).await), (Some(wallet), 500));
    // The other still waits for its approval, and ends with its wallet.
    assert_eq!(rig.load(lost).await.status, "queued");
    set_state(rig, wallet, "retiring").await;
    rig.until(lost, &[JobStatus::Failed]).await;
    worker.stop().await;
}

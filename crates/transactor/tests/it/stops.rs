//! Jobs that are cancelled, replaced, overdue, driven again or undone.

use crate::{
    refusals::{CONTRACT, poke, reverting},
    rig::{PATIENCE, ROLE, Rig, Wanted, Worker, transfer},
};
use alloy_primitives::{Address, U256, address};
use serde_json::json;
use std::time::Duration;
use testkit::eventually_within;
use time::OffsetDateTime;
use transactor::{
    AdmitError, Cancelled, Compensation, Intake, InterveneError, NewTransaction, Refused,
};
use vocab::{ChainId, JobStatus, TransactionId};

const FIRST: Address = address!("00000000000000000000000000000000000fee11");
const SECOND: Address = address!("00000000000000000000000000000000000fee12");

async fn without_blocks() -> (Rig, Worker) {
    let rig = Rig::new(Wanted { block_time: None, ..Wanted::default() }).await;
    rig.node.call("evm_setAutomine", json!([false])).await;
    let worker = rig.start();
    (rig, worker)
}

async fn has_void(rig: &Rig, id: TransactionId) {
    eventually_within(PATIENCE, "the node has a void", || async {
        let sent: i64 = sqlx::query_scalar(
            "select count(*) from attempts
              where transaction_id = $1 and void and sent = 'accepted'",
        )
        .bind(id.0)
        .fetch_one(&rig.database.db)
        .await
        .unwrap();
        (sent > 0).then_some(())
    })
    .await;
}

fn refused<T: std::fmt::Debug>(result: Result<T, InterveneError>) -> Refused {
    match result {
        Err(InterveneError::Refused(refused)) => refused,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_job_is_cancelled_at_once_and_only_once() {
    let rig = Rig::new(Wanted::default()).await;
    let id = rig.queue_one(transfer(FIRST)).await;
    assert_eq!(rig.cancel(id).await.unwrap(), Cancelled::Now);
    assert_eq!(refused(rig.cancel(id).await), Refused::Status(JobStatus::Cancelled));
    assert_eq!(refused(rig.redrive(id).await), Refused::Status(JobStatus::Cancelled));
    assert_eq!(refused(rig.cancel(TransactionId::new()).await), Refused::Unknown);
    let worker = rig.start();
    let after = rig.queue_transfers("after", 3).await;
    rig.all_final_once(&after).await;
    assert_eq!(rig.balance(FIRST).await, U256::ZERO);
    assert_eq!(rig.outcomes.of(id).last().unwrap().to, JobStatus::Cancelled);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sent_job_is_cancelled_when_its_void_is_final() {
    let (rig, worker) = without_blocks().await;
    let id = rig.queue_one(transfer(FIRST)).await;
    let behind = rig.queue_transfers("behind", 3).await;
    rig.until(behind[2].0, &[JobStatus::Submitted]).await;
    assert_eq!(rig.cancel(id).await.unwrap(), Cancelled::Requested);
    assert_eq!(rig.cancel(id).await.unwrap(), Cancelled::Requested, "asking again is no harm");
    has_void(&rig, id).await;
    assert_eq!(rig.load(id).await.status, "submitted", "the void may still lose");
    rig.node.mine(1).await;
    rig.until(id, &[JobStatus::Tentative]).await;
    assert!(rig.load(id).await.reverted);
    assert_eq!(refused(rig.cancel(id).await), Refused::Status(JobStatus::Tentative));
    rig.node.mine(10).await;
    rig.until(id, &[JobStatus::Cancelled]).await;
    let told = rig.outcomes.of(id).pop().unwrap();
    assert_eq!(told.reason.unwrap().code, "cancelled");
    rig.all_final_once(&behind).await;
    assert_eq!(rig.balance(FIRST).await, U256::ZERO);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_that_is_mined_first_ends_by_that() {
    let (rig, worker) = without_blocks().await;
    let id = rig.queue_one(transfer(FIRST)).await;
    rig.until(id, &[JobStatus::Submitted]).await;
    worker.stop().await;
    let new = rig.replace(id, transfer(SECOND)).await.unwrap();
    assert_eq!(refused(rig.replace(id, transfer(SECOND)).await), Refused::Replaced);
    rig.node.mine(1).await;
    let worker = rig.start();
    rig.until(id, &[JobStatus::Tentative]).await;
    assert_eq!(rig.load(new).await.status, "queued", "a reorg may still undo the first");
    rig.node.mine(10).await;
    rig.until(id, &[JobStatus::Final]).await;
    rig.until(new, &[JobStatus::Cancelled]).await;
    let reason = rig.outcomes.of(new).pop().unwrap().reason.unwrap();
    assert_eq!(reason.code, "replaced_was_mined");
    assert_eq!((rig.balance(FIRST).await, rig.balance(SECOND).await), (U256::ONE, U256::ZERO));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_goes_out_when_the_first_has_ended_without_effect() {
    let (rig, worker) = without_blocks().await;
    let id = rig.queue_one(transfer(FIRST)).await;
    rig.until(id, &[JobStatus::Submitted]).await;
    let new = rig.replace(id, transfer(SECOND)).await.unwrap();
    has_void(&rig, id).await;
    rig.node.mine(1).await;
    rig.until(id, &[JobStatus::Tentative]).await;
    assert_eq!(rig.load(new).await.status, "queued");
    rig.node.mine(10).await;
    rig.until(id, &[JobStatus::Cancelled]).await;
    rig.until(new, &[JobStatus::Submitted]).await;
    rig.node.mine(10).await;
    rig.until(new, &[JobStatus::Tentative, JobStatus::Auditable, JobStatus::Final]).await;
    rig.node.mine(10).await;
    rig.until(new, &[JobStatus::Final]).await;
    assert_eq!((rig.balance(FIRST).await, rig.balance(SECOND).await), (U256::ZERO, U256::ONE));
    // Nothing of a queued one was sent: its replacement goes at once.
    worker.stop().await;
    let queued = rig.queue_one(transfer(FIRST)).await;
    let instead = rig.replace(queued, transfer(SECOND)).await.unwrap();
    assert_eq!(rig.load(queued).await.status, "cancelled");
    let worker = rig.start();
    rig.until(instead, &[JobStatus::Submitted]).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_past_its_deadline_expires() {
    let (rig, worker) = without_blocks().await;
    let (now, hour) = (OffsetDateTime::now_utc(), time::Duration::HOUR);
    let waiting =
        NewTransaction { not_before: Some(now + hour), deadline: Some(now), ..transfer(FIRST) };
    let waiting = rig.queue_one(waiting).await;
    rig.until(waiting, &[JobStatus::Expired]).await;
    assert_eq!(rig.attempts(waiting).await, []);

    let sent =
        NewTransaction { deadline: Some(now + time::Duration::seconds(5)), ..transfer(FIRST) };
    let sent = rig.queue_one(sent).await;
    rig.until(sent, &[JobStatus::Submitted]).await;
    has_void(&rig, sent).await;
    rig.node.mine(12).await;
    rig.until(sent, &[JobStatus::Expired]).await;
    assert_eq!(rig.outcomes.of(sent).pop().unwrap().reason.unwrap().code, "expired");
    assert_eq!(rig.balance(FIRST).await, U256::ZERO);
    // A dead letter goes again, at another nonce.
    rig.redrive(sent).await.unwrap();
    rig.until(sent, &[JobStatus::Submitted]).await;
    assert_eq!(rig.load(sent).await.nonce, Some(1));
    rig.node.mine(1).await;
    rig.until(sent, &[JobStatus::Tentative]).await;
    rig.node.mine(10).await;
    rig.until(sent, &[JobStatus::Final]).await;
    assert_eq!(rig.balance(FIRST).await, U256::ONE);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_undone_once_and_not_driven_again() {
    let rig = Rig::new(Wanted::default()).await;
    rig.node.call("anvil_setCode", json!([CONTRACT, reverting("NotYet()")])).await;
    let worker = rig.start();
    let undo = Compensation {
        kind: "transfer".to_owned(),
        role: None,
        to: SECOND,
        value: U256::ONE,
        input: Default::default(),
        gas_limit: None,
    };
    let id = rig.queue_one(NewTransaction { compensation: Some(undo), ..poke(None) }).await;
    rig.until(id, &[JobStatus::Failed]).await;
    let undoing: Vec<uuid::Uuid> =
        sqlx::query_scalar("select id from transactions where compensates = $1")
            .bind(id.0)
            .fetch_all(&rig.database.db)
            .await
            .unwrap();
    assert_eq!(undoing.len(), 1);
    rig.all_final_once(&[(TransactionId(undoing[0]), SECOND)]).await;
    assert_eq!(refused(rig.redrive(id).await), Refused::Compensated);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_and_keeps_what_it_has() {
    let rig = Rig::new(Wanted::default()).await;
    let intake = Intake::new(3);
    let mut queued = Vec::new();
    for index in 0..3u8 {
        intake.admit(&rig.database.db, ChainId(31_337), ROLE).await.unwrap();
        let to = Address::with_last_byte(0xa0 + index);
        queued.push((rig.queue_one(transfer(to)).await, to));
    }
    let full = intake.admit(&rig.database.db, ChainId(31_337), ROLE).await;
    let Err(AdmitError::Full(full)) = full else { panic!("{full:?}") };
    assert_eq!((full.depth, full.role.as_str()), (3, ROLE));
    assert!(full.retry_after > Duration::ZERO);
    // What others queued counts too, and other roles have queues of their own.
    let other = Intake::new(3).admit(&rig.database.db, ChainId(31_337), ROLE).await;
    assert!(matches!(other, Err(AdmitError::Full(_))));
    intake.admit(&rig.database.db, ChainId(31_337), "settler").await.unwrap();
    let worker = rig.start();
    rig.all_final_once(&queued).await;
    eventually_within(PATIENCE, "there is room again", || async {
        intake.admit(&rig.database.db, ChainId(31_337), ROLE).await.ok()
    })
    .await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_keeps_failing_waits_until_a_probe_succeeds() {
    let mut rig = Rig::new(Wanted::default()).await;
    rig.options.kind_failures_max = 3;
    rig.node.call("anvil_setCode", json!([CONTRACT, reverting("NotYet()")])).await;
    let worker = rig.start();
    for _ in 0..3 {
        let id = rig.queue_one(poke(None)).await;
        rig.until(id, &[JobStatus::Failed]).await;
    }
    let waiting = [rig.queue_one(poke(None)).await, rig.queue_one(poke(None)).await];
    let others = rig.queue_transfers("other kind", 3).await;
    for (id, _) in &others {
        rig.until(*id, &[JobStatus::Submitted, JobStatus::Tentative]).await;
    }
    rig.node.call("anvil_setCode", json!([CONTRACT, "0x00"])).await;
    for id in waiting {
        rig.until(id, &[JobStatus::Final]).await;
    }
    let told: Vec<String> = sqlx::query_scalar(
        "select kind from outbox where kind like 'transaction_kind_%' order by id",
    )
    .fetch_all(&rig.database.db)
    .await
    .unwrap();
    assert_eq!(told, ["transaction_kind_paused", "transaction_kind_resumed"]);
    rig.all_final_once(&others).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_is_offered_for_a_job_that_is_hurried() {
    let (rig, worker) = without_blocks().await;
    let queued = rig.queue_transfers("slow", 2).await;
    rig.until(queued[1].0, &[JobStatus::Submitted]).await;
    rig.speed_up(queued[0].0).await.unwrap();
    eventually_within(PATIENCE, "another attempt was made", || async {
        let attempts = rig.attempts(queued[0].0).await;
        (attempts.len() == 2 && attempts[1].2.is_some() && !attempts[1].1).then_some(())
    })
    .await;
    assert_eq!(rig.load(queued[0].0).await.urgency, "urgent");
    rig.node.mine(12).await;
    rig.all_final_once(&queued).await;
    assert_eq!(refused(rig.speed_up(queued[0].0).await), Refused::Status(JobStatus::Final));
    worker.stop().await;
}

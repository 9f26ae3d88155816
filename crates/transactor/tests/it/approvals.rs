//! Jobs that the signer signs only with a second person's consent.

use crate::{
    kill::start_with,
    rig::{PATIENCE, Rig, Signer, Wanted, Worker, transfer},
};
use alloy_primitives::{Address, U256};
use serde_json::Value;
use std::os::unix::process::ExitStatusExt;
use testkit::{eventually, eventually_within};
use transactor::{
    ApproveError, Approved, NewTransaction, OnFailure, Ordering, Unfit, approve, cancel,
};
use uuid::Uuid;
use vocab::{B256, JobStatus, PrincipalId, TransactionId};

const BRINGER: PrincipalId = PrincipalId(Uuid::from_u128(7));

/// A rig whose signer wants consent for more than 100 wei, and the one who gives it.
pub struct Pair {
    pub rig: Rig,
    pub operator: Signer,
}

impl Pair {
    async fn new() -> Self {
        Self::with(Wanted::default()).await
    }

    pub async fn with(wanted: Wanted) -> Self {
        let mut rig = Rig::new(wanted).await;
        let operator = Signer::start().await;
        let address = operator.client().ensure_key("minter", 0).await.unwrap();
        rig.signer.require_approvals(&[address]).await;
        sqlx::query("insert into principals (id, name, kind) values ($1, 'o', 'operator')")
            .bind(BRINGER.0)
            .execute(&rig.database.db)
            .await
            .unwrap();
        Self { rig, operator }
    }

    /// What it waits for, once it waits (again, after `before` times).
    pub async fn wanted(&self, id: TransactionId, before: i64) -> transactor::Wanted {
        let told = || async {
            sqlx::query_scalar::<_, i64>(
                "select count(*) from outbox where kind = 'transaction_approval_required'
                    and attributes ->> 'transaction_id' = $1",
            )
            .bind(id.to_string())
            .fetch_one(&self.rig.database.db)
            .await
            .unwrap()
        };
        eventually_within(PATIENCE, "it waits for approval", || async {
            (told().await > before).then_some(())
        })
        .await;
        let (request, nonce, waits): (Value, Option<i64>, bool) = sqlx::query_as(
            "select approval_request, nonce, approval_wanted_at is not null and status = 'queued'
               from transactions where id = $1",
        )
        .bind(id.0)
        .fetch_one(&self.rig.database.db)
        .await
        .unwrap();
        assert_eq!((nonce, waits), (None, true), "it holds no nonce");
        transactor::Wanted::stored(request).unwrap()
    }

    pub async fn bring(
        &self,
        id: TransactionId,
        approval: &signer::Approval,
    ) -> Result<Approved, ApproveError> {
        let mut transaction = self.rig.database.db.begin().await.unwrap();
        let done = approve(&mut transaction, id, approval, BRINGER).await;
        transaction.commit().await.unwrap();
        done
    }

    pub async fn consent(&self, id: TransactionId, act: B256) {
        let approved = self.bring(id, &self.operator.approve(act, 600)).await.unwrap();
        assert!(approved.new && approved.enough);
    }

    pub async fn balance(&self, of: Address) -> u64 {
        self.rig.node.endpoint.balance(of).await.unwrap().to()
    }
}

pub fn big(to: Address) -> NewTransaction {
    NewTransaction { value: U256::from(500), ..transfer(to) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_act_waits_while_others_pass_and_goes_out_once() {
    let pair = Pair::new().await;
    let worker = Worker::start(pair.rig.config());
    let to = Address::repeat_byte(0xb1);
    let id = pair.rig.queue_one(big(to)).await;
    let others = pair.rig.queue_transfers("others", 5).await;
    let wanted = pair.wanted(id, 0).await;
    assert_eq!((wanted.needed, wanted.role.as_str(), wanted.expires_max_s), (1, "minter", 3600));
    pair.rig.all_final_once(&others).await;
    assert_eq!(pair.balance(to).await, 0);

    let approval = pair.operator.approve(wanted.act, 600);
    assert!(pair.bring(id, &approval).await.unwrap().new);
    assert!(!pair.bring(id, &approval).await.unwrap().new, "once more is nothing new");
    pair.rig.until(id, &[JobStatus::Final]).await;
    assert!(!pair.bring(id, &approval).await.unwrap().new, "nor afterwards");
    assert_eq!(pair.balance(to).await, 500);
    let told: i64 =
        sqlx::query_scalar("select count(*) from outbox where kind = 'transaction_approved'")
            .fetch_one(&pair.rig.database.db)
            .await
            .unwrap();
    assert_eq!(told, 1);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_signer_would_refuse_is_refused_at_once() {
    let pair = Pair::new().await;
    let worker = Worker::start(pair.rig.config());
    let id = pair.rig.queue_one(big(Address::repeat_byte(0xb2))).await;
    let plain = pair.rig.queue_one(transfer(Address::repeat_byte(0xb3))).await;
    let act = pair.wanted(id, 0).await.act;
    pair.rig.until(plain, &[JobStatus::Final]).await;
    let stranger = Signer::start().await;
    let foreign = stranger.client().ensure_key("minter", 0).await.unwrap();
    let good = pair.operator.approve(act, 600);
    let mut malformed = good.clone();
    malformed.signature = vec![1; 64].into();
    let other = B256::repeat_byte(3);
    for (approval, of, expected) in [
        (&malformed, id, Unfit::Malformed),
        (&pair.operator.approve(other, 600), id, Unfit::OtherAct(act)),
        (&stranger.approve(act, 600), id, Unfit::NotOperator(foreign)),
        (&pair.operator.approve(act, 0), id, Unfit::Expired),
        (&pair.operator.approve(act, 4_000), id, Unfit::TooLong(3_600)),
        (&good, plain, Unfit::NotWanted(JobStatus::Final)),
        (&good, TransactionId(Uuid::from_u128(1)), Unfit::Unknown),
    ] {
        match pair.bring(of, approval).await {
            Err(ApproveError::Unfit(unfit)) => assert_eq!(unfit, expected),
            taken => panic!("{expected:?}: {taken:?}"),
        }
    }
    // Cancelled while it waits: nothing of it is ever signed.
    let mut transaction = pair.rig.database.db.begin().await.unwrap();
    cancel(&mut transaction, &transactor::Ignored, id).await.unwrap();
    transaction.commit().await.unwrap();
    let late = pair.bring(id, &good).await;
    assert!(
        matches!(late, Err(ApproveError::Unfit(Unfit::NotWanted(JobStatus::Cancelled)))),
        "{late:?}"
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_that_ran_out_or_is_forged_leaves_it_waiting() {
    let pair = Pair::new().await;
    let worker = Worker::start(pair.rig.config());
    let to = Address::repeat_byte(0xb4);
    let id = pair.rig.queue_one(big(to)).await;
    let act = pair.wanted(id, 0).await.act;
    worker.stop().await;
    let brief = pair.operator.approve(act, 5);
    assert!(pair.bring(id, &brief).await.unwrap().enough);
    eventually("it has expired", || async {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        (now.as_secs() > brief.expires).then_some(())
    })
    .await;
    let worker = Worker::start(pair.rig.config());
    pair.wanted(id, 1).await;

    // Somebody who may write to the database brings a signature of their own.
    let stranger = Signer::start().await;
    let foreign = stranger.client().ensure_key("minter", 0).await.unwrap();
    let forged = stranger.approve(act, 600);
    let mut transaction = pair.rig.database.db.begin().await.unwrap();
    let row = db::approvals::NewApproval {
        transaction_id: id.0,
        hash: forged.hash(),
        act,
        operator: foreign,
        salt: forged.salt,
        signature: forged.signature.to_vec(),
        expires: forged.expires.cast_signed(),
        principal_id: BRINGER.0,
    };
    db::approvals::record(&mut transaction, &row).await.unwrap();
    db::approvals::record_given(&mut transaction, id.0).await.unwrap();
    transaction.commit().await.unwrap();
    let wanted = pair.wanted(id, 2).await;
    assert!(wanted.refused.iter().any(|why| why.contains("no operator")), "{:?}", wanted.refused);
    assert_eq!(pair.balance(to).await, 0);
    pair.consent(id, act).await;
    pair.rig.until(id, &[JobStatus::Final]).await;
    assert_eq!(pair.balance(to).await, 500);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_to_one_job_is_not_used_up_by_another_of_the_same_act() {
    let pair = Pair::new().await;
    let worker = Worker::start(pair.rig.config());
    let to = Address::repeat_byte(0xb5);
    let (first, second) = (pair.rig.queue_one(big(to)).await, pair.rig.queue_one(big(to)).await);
    let act = pair.wanted(second, 0).await.act;
    assert_eq!(pair.wanted(first, 0).await.act, act);
    pair.consent(second, act).await;
    // One that is new, and looks the same, comes in at the same moment.
    let third = pair.rig.queue_one(big(to)).await;
    pair.rig.until(second, &[JobStatus::Final]).await;
    pair.wanted(third, 0).await;
    pair.wanted(first, 0).await;
    assert_eq!(pair.balance(to).await, 500);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_behind_it_in_its_order_wait_too_and_its_deadline_holds() {
    let pair = Pair::new().await;
    let worker = Worker::start(pair.rig.config());
    let (first, behind) = (Address::repeat_byte(0xb6), Address::repeat_byte(0xb7));
    let ordering = || Some(Ordering { key: "account".to_owned(), on_failure: OnFailure::Block });
    let deadline = time::OffsetDateTime::now_utc() + time::Duration::HOUR;
    let job = NewTransaction { ordering: ordering(), deadline: Some(deadline), ..big(first) };
    let id = pair.rig.queue_one(job).await;
    let second =
        pair.rig.queue_one(NewTransaction { ordering: ordering(), ..transfer(behind) }).await;
    let others = pair.rig.queue_transfers("free", 2).await;
    pair.wanted(id, 0).await;
    pair.rig.all_final_once(&others).await;
    assert_eq!(pair.rig.load(second).await.status, "queued");
    pair.rig.end_deadline(id).await;
    pair.rig.until(id, &[JobStatus::Expired]).await;
    pair.rig.cancel(id).await.unwrap();
    pair.rig.until(second, &[JobStatus::Final]).await;
    assert_eq!((pair.balance(first).await, pair.balance(behind).await), (0, 1));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn free_followers_that_were_taken_with_it_do_not_pass_it() {
    let pair = Pair::new().await;
    let to = |number: u8| Address::repeat_byte(0xd0 + number);
    let keyed = |new: NewTransaction| NewTransaction {
        ordering: Some(Ordering { key: "account".to_owned(), on_failure: OnFailure::Free }),
        ..new
    };
    // All in one batch: one goes, the next must wait, and those behind it with it.
    let jobs = [transfer(to(0)), big(to(1)), transfer(to(2)), big(to(3)), transfer(to(4))];
    let mut ids = Vec::new();
    for job in jobs {
        ids.push(pair.rig.queue_one(keyed(job)).await);
    }
    let others = pair.rig.queue_transfers("others", 4).await;
    let worker = Worker::start(pair.rig.config());
    let first = pair.wanted(ids[1], 0).await;
    pair.rig.all_final_once(&others).await;
    pair.rig.until(ids[0], &[JobStatus::Final]).await;
    for id in &ids[2..] {
        assert_eq!(pair.rig.load(*id).await.status, "queued", "{id}");
        let signed = pair.rig.attempts(*id).await.iter().any(|(.., hash)| hash.is_some());
        assert!(!signed, "{id}: nothing of it may exist while it waits");
    }
    pair.consent(ids[1], first.act).await;
    let second = pair.wanted(ids[3], 0).await;
    pair.rig.until(ids[2], &[JobStatus::Final]).await;
    assert_eq!(pair.rig.load(ids[4]).await.status, "queued");
    pair.consent(ids[3], second.act).await;
    let mut before = None;
    for id in ids {
        pair.rig.until(id, &[JobStatus::Final]).await;
        let nonce = pair.rig.load(id).await.nonce;
        assert!(nonce > before, "{id}: {nonce:?} after {before:?}");
        before = nonce;
    }
    for (number, wei) in (0..).zip([1, 500, 1, 500, 1]) {
        assert_eq!(pair.balance(to(number)).await, wei);
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_between_consent_and_signature_sends_it_once() {
    let pair = Pair::new().await;
    for (number, point) in
        ["after_claim", "after_reserve", "after_sign", "before_bytes", "after_bytes"]
            .into_iter()
            .enumerate()
    {
        let to = Address::repeat_byte(0xc0 + u8::try_from(number).unwrap());
        let id = {
            let _living = start_with(&pair.rig, None, 1);
            let id = pair.rig.queue_one(big(to)).await;
            pair.wanted(id, 0).await;
            id
        };
        let act = pair.wanted(id, 0).await.act;
        pair.consent(id, act).await;
        let mut dying = start_with(&pair.rig, Some(point), 1);
        eventually_within(PATIENCE, &format!("the process dies at {point}"), || {
            std::future::ready(dying.ended().map(|status| assert_eq!(status.signal(), Some(6))))
        })
        .await;
        let _successor = start_with(&pair.rig, None, 1);
        pair.rig.until(id, &[JobStatus::Final]).await;
        assert_eq!(pair.balance(to).await, 500, "{point}");
    }
}

//! A job's state is what its facts add up to.

use crate::{
    refusals::{CONTRACT, poke, reverting},
    rig::{Rig, Wanted, transfer},
};
use alloy_primitives::{Address, keccak256};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::json;
use testkit::eventually_within;
use time::OffsetDateTime;
use transactor::{Compensation, NewTransaction, OnFailure, Ordering, fold};
use vocab::{JobStatus, TransactionId};

/// What may befall the jobs, all of them together.
#[derive(Clone, Copy, Debug)]
enum Step {
    Queue,
    QueueFailing,
    QueueOverdue,
    Cancel(usize),
    Redrive(usize),
    Replace(usize),
    Hurry(usize),
    Mine(u64),
    Reorg(u64),
    Mend(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    use proptest::prelude::*;
    let step = prop_oneof![
        4 => Just(Step::Queue),
        2 => Just(Step::QueueFailing),
        1 => Just(Step::QueueOverdue),
        3 => (0usize..100).prop_map(Step::Cancel),
        3 => (0usize..100).prop_map(Step::Redrive),
        2 => (0usize..100).prop_map(Step::Replace),
        1 => (0usize..100).prop_map(Step::Hurry),
        5 => (1u64..6).prop_map(Step::Mine),
        1 => (1u64..4).prop_map(Step::Reorg),
        1 => any::<bool>().prop_map(Step::Mend),
    ];
    prop::collection::vec(step, 60..61)
}

fn job(index: usize) -> NewTransaction {
    let to = Address::from_word(keccak256(format!("history {index}")));
    let key = format!("key {}", index % 3);
    let on_failure = if index.is_multiple_of(2) { OnFailure::Free } else { OnFailure::Block };
    let ordering = index.is_multiple_of(4).then_some(Ordering { key, on_failure });
    NewTransaction { ordering, ..transfer(to) }
}

async fn take(rig: &Rig, step: Step, jobs: &mut Vec<TransactionId>) {
    let pick = |at: usize| jobs.get(at % jobs.len().max(1)).copied();
    match step {
        Step::Queue => jobs.push(rig.queue_one(job(jobs.len())).await),
        Step::QueueFailing => {
            let undo = Compensation {
                kind: "transfer".to_owned(),
                role: None,
                to: CONTRACT,
                value: Default::default(),
                input: Default::default(),
                gas_limit: None,
            };
            let compensation = jobs.len().is_multiple_of(3).then_some(undo);
            jobs.push(rig.queue_one(NewTransaction { compensation, ..poke(None) }).await);
        }
        Step::QueueOverdue => {
            let soon = OffsetDateTime::now_utc() + time::Duration::milliseconds(400);
            let new = NewTransaction { deadline: Some(soon), ..job(jobs.len()) };
            jobs.push(rig.queue_one(new).await);
        }
        // Refusals are right answers here: the jobs are in any state.
        Step::Cancel(at) => {
            if let Some(id) = pick(at) {
                let _ = rig.cancel(id).await;
            }
        }
        Step::Redrive(at) => {
            if let Some(id) = pick(at) {
                let _ = rig.redrive(id).await;
            }
        }
        Step::Hurry(at) => {
            if let Some(id) = pick(at) {
                let _ = rig.speed_up(id).await;
            }
        }
        Step::Replace(at) => {
            if let Some(id) = pick(at)
                && let Ok(new) = rig.replace(id, job(jobs.len())).await
            {
                jobs.push(new);
            }
        }
        Step::Mine(count) => rig.node.mine(count).await,
        Step::Reorg(depth) => {
            rig.node.mine(depth).await;
            rig.node.reorg(depth).await;
        }
        Step::Mend(works) => {
            let code = if works { "0x00".into() } else { reverting("NotYet()") };
            rig.node.call("anvil_setCode", json!([CONTRACT, code])).await;
        }
    }
}

/// All facts of all jobs, and what they add up to.
async fn check(rig: &Rig) {
    // In one statement, so of one moment: the worker goes on meanwhile.
    let rows: Vec<(uuid::Uuid, String, Vec<String>)> = sqlx::query_as(
        "select t.id, t.status, array_remove(array_agg(o.data->>'status' order by o.id), null)
           from transactions t
           left join outbox o on o.topic = 'transactions'
                        and o.attributes->>'transaction_id' = t.id::text
          group by t.id, t.status",
    )
    .fetch_all(&rig.database.db)
    .await
    .unwrap();
    for (id, status, told) in rows {
        assert!(!told.is_empty(), "{id} has no facts");
        let states: Vec<JobStatus> = told.iter().map(|status| status.parse().unwrap()).collect();
        let folded = fold(states).unwrap_or_else(|error| panic!("{id}: {error}: {told:?}"));
        assert_eq!(folded.unwrap().as_str(), status, "{id}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_facts_of_random_lives_add_up_to_their_states() {
    let seed = std::env::var("STOA_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| uuid::Uuid::now_v7().as_u64_pair().1);
    println!("STOA_TEST_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = proptest::test_runner::TestRng::from_seed(
        proptest::test_runner::RngAlgorithm::ChaCha,
        &bytes,
    );
    let mut runner = TestRunner::new_with_rng(Default::default(), rng);
    let steps = steps().new_tree(&mut runner).unwrap().current();
    let rig = Rig::new(Wanted { wallets: 2, block_time: None, ..Wanted::default() }).await;
    rig.node.call("evm_setAutomine", json!([false])).await;
    rig.node.mine(5).await;
    let worker = rig.start();
    let mut jobs = Vec::new();
    for step in steps {
        take(&rig, step, &mut jobs).await;
        check(&rig).await;
    }
    // Whatever is left comes to an end, or waits for a job that failed.
    eventually_within(crate::rig::PATIENCE, "all has come to rest", || async {
        rig.node.mine(1).await;
        let open: i64 = sqlx::query_scalar(
            "select count(*) from transactions t
              where status in ('reserved', 'submitted', 'unknown', 'tentative', 'auditable')
                 or status = 'queued' and ordering_key is null",
        )
        .fetch_one(&rig.database.db)
        .await
        .unwrap();
        (open == 0).then_some(())
    })
    .await;
    check(&rig).await;
    worker.stop().await;
}

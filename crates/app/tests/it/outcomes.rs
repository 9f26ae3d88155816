//! What becomes of transactions, told to mint jobs and collection requests.

use crate::minting::{Call, Minting, Move, recipient};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;
use std::collections::BTreeSet;
use vocab::{Address, JobStatus as S, U256};

async fn ready(items: usize) -> (Minting, Address) {
    let minting = Minting::new().await;
    let contract = minting.collection("free_uri", "final").await;
    minting.jobs_for(contract, items).await;
    minting.batch_all(&minting.batcher(|_| {})).await;
    (minting, contract)
}

#[tokio::test]
async fn jobs_follow_their_transaction_and_it_is_told() {
    let (minting, contract) = ready(3).await;
    let call = minting.calls().await.remove(0);
    for status in [S::Reserved, S::Submitted, S::Unknown, S::Submitted] {
        minting.moves(call.id, Move::to(status)).await;
        let jobs = minting.jobs(contract).await;
        assert!(jobs.iter().all(|job| job.status == status), "{jobs:?}");
        let fact = minting.last_fact(jobs[1].id).await.unwrap();
        assert_eq!(fact["topic"], "mints");
        assert_eq!(fact["attributes"]["status"], status.as_str());
        assert_eq!(fact["attributes"]["principal_id"], json!(minting.principal));
        assert_eq!(fact["data"]["intent"], "1");
        assert_eq!(fact["data"]["transaction_id"], json!(call.id));
    }
    // The index goes ahead; the transaction's own progress no longer matters.
    let intents: Vec<U256> = call.items.iter().map(|(intent, _)| *intent).collect();
    minting.indexed(contract, &intents, S::Tentative).await;
    for late in [Move::to(S::Submitted), Move::to(S::Tentative), Move::to(S::Final)] {
        minting.moves(call.id, late).await;
        assert!(minting.jobs(contract).await.iter().all(|job| job.status == S::Tentative));
    }
}

/// The chain of these tests: a batch with a bad recipient reverts, another mints what is new.
async fn play(minting: &Minting, contract: Address, bad: &BTreeSet<usize>) -> usize {
    let bad: BTreeSet<Address> = bad.iter().map(|i| recipient(*i)).collect();
    let (mut minted, mut sent) = (BTreeSet::new(), 0);
    loop {
        let calls = minting.calls().await;
        let Some(call) = calls.iter().find(|call| call.status == S::Queued) else { return sent };
        sent += 1;
        assert!(sent < 1_000, "it never ends");
        minting.moves(call.id, Move::to(S::Reserved)).await;
        minting.moves(call.id, Move::to(S::Submitted)).await;
        if call.items.iter().any(|(_, to)| bad.contains(to)) {
            minting.moves(call.id, Move::reverted(S::Tentative, "CollectionZeroRecipient")).await;
            minting.moves(call.id, Move::reverted(S::Failed, "CollectionZeroRecipient")).await;
            continue;
        }
        let intents: Vec<U256> = call.items.iter().map(|(intent, _)| *intent).collect();
        for intent in &intents {
            assert!(minted.insert(*intent), "intent {intent} was sent to be minted twice");
        }
        minting.indexed(contract, &intents, S::Tentative).await;
        minting.moves(call.id, Move::to(S::Tentative)).await;
        minting.moves(call.id, Move::to(S::Final)).await;
    }
}

#[tokio::test]
async fn splitting_finds_the_bad_items_and_mints_the_rest() {
    for bad in [vec![], vec![0], vec![63], vec![17, 18, 40], (0..64).collect()] {
        let (minting, contract) = ready(64).await;
        let before: Vec<_> = minting.jobs(contract).await.iter().map(|job| job.intent).collect();
        let bad: BTreeSet<usize> = bad.into_iter().collect();
        let sent = play(&minting, contract, &bad).await;
        let jobs = minting.jobs(contract).await;
        for (i, job) in jobs.iter().enumerate() {
            let wanted = if bad.contains(&i) { S::Failed } else { S::Tentative };
            assert_eq!(job.status, wanted, "job {i}");
            let reason = job.reason.as_deref().unwrap_or_default();
            assert_eq!(reason.starts_with("CollectionZeroRecipient"), bad.contains(&i), "{reason}");
        }
        assert_eq!(jobs.iter().map(|job| job.intent).collect::<Vec<_>>(), before);
        assert!(sent <= 1 + 2 * 6 * bad.len(), "{sent} transactions for {} bad items", bad.len());
    }
}

/// As [`play`], but the bad batches fail when they are simulated: no nonce, nothing sent. Gives how
/// many were simulated and how many were sent.
async fn simulate(minting: &Minting, bad: &BTreeSet<Address>) -> (usize, usize) {
    let (mut simulated, mut sent) = (0, 0);
    loop {
        let calls = minting.calls().await;
        let Some(call) = calls.iter().find(|call| call.status == S::Queued) else {
            return (simulated, sent);
        };
        simulated += 1;
        assert!(simulated < 1_000, "it never ends");
        if call.items.iter().any(|(_, to)| bad.contains(to)) {
            let failed = Move::failed_at(S::Failed, "CollectionZeroRecipient");
            minting.moves(call.id, failed).await;
        } else {
            sent += 1;
            minting.moves(call.id, Move::to(S::Reserved)).await;
            minting.moves(call.id, Move::to(S::Submitted)).await;
        }
    }
}

#[tokio::test]
async fn one_bad_item_of_many_is_simulated_out() {
    // About as many as one transaction has gas for, with their URIs.
    const ITEMS: usize = 200;
    for place in [0, 100, ITEMS - 1] {
        let (minting, contract) = ready(ITEMS).await;
        assert_eq!(minting.calls().await.len(), 1);
        let bad = BTreeSet::from([recipient(place)]);
        let (simulated, sent) = simulate(&minting, &bad).await;
        assert!(simulated <= 17 && sent == simulated / 2, "{simulated} simulated, {sent} sent");
        for (i, job) in minting.jobs(contract).await.iter().enumerate() {
            let wanted = if i == place { S::Failed } else { S::Submitted };
            assert_eq!(job.status, wanted, "job {i}");
            assert_eq!(job.intent, Some(U256::from(i)), "intents are kept");
        }
    }
}

#[tokio::test]
async fn a_used_intent_waits_for_the_index() {
    let (minting, contract) = ready(1).await;
    let call = minting.calls().await.remove(0);
    minting.moves(call.id, Move::failed_at(S::Failed, "MintIntentUsed")).await;
    let job = minting.jobs(contract).await.remove(0);
    assert_eq!((job.status, job.reason), (S::Submitted, None));
}

#[tokio::test]
async fn a_single_revert_fails_only_when_it_is_final() {
    let (minting, contract) = ready(1).await;
    let call = minting.calls().await.remove(0);
    minting.moves(call.id, Move::to(S::Submitted)).await;
    minting.moves(call.id, Move::reverted(S::Tentative, "reverted")).await;
    assert_eq!(minting.jobs(contract).await[0].status, S::Submitted);
    minting.moves(call.id, Move::reverted(S::Failed, "reverted")).await;
    let job = minting.jobs(contract).await.remove(0);
    assert_eq!((job.status, job.reason.as_deref()), (S::Failed, Some("reverted: 0x")));
}

#[tokio::test]
async fn a_paused_collection_fails_its_batch_whole() {
    let (minting, contract) = ready(5).await;
    let call = minting.calls().await.remove(0);
    minting.moves(call.id, Move::failed_at(S::Failed, "CollectionPaused")).await;
    assert!(minting.jobs(contract).await.iter().all(|job| job.status == S::Failed));
    assert_eq!(minting.calls().await.len(), 1);
}

#[tokio::test]
async fn a_final_transaction_without_effect_is_no_success() {
    let (minting, contract) = ready(2).await;
    let call = minting.calls().await.remove(0);
    minting.indexed(contract, &[U256::ZERO], S::Final).await;
    minting.moves(call.id, Move::to(S::Final)).await;
    let states: Vec<_> = minting.jobs(contract).await.iter().map(|job| job.status).collect();
    assert_eq!(states, [S::Final, S::Failed]);
}

#[tokio::test]
async fn collection_requests_follow_too() {
    let (minting, contract) = ready(1).await;
    let call = minting.calls().await.remove(0);
    let row: (sqlx::types::Uuid,) = sqlx::query_as(
        "update collection_requests set status = 'queued', transaction_id = $1
          where contract = $2 returning id",
    )
    .bind(call.id)
    .bind(contract.as_slice())
    .fetch_one(minting.db())
    .await
    .unwrap();
    let of_collection = |fate: Move| Move { kind: "create_collection", ..fate };
    let state = || async {
        let row: (String,) = sqlx::query_as("select status from collection_requests")
            .fetch_one(minting.db())
            .await
            .unwrap();
        row.0
    };
    for status in [S::Reserved, S::Submitted] {
        minting.moves(call.id, of_collection(Move::to(status))).await;
        assert_eq!(state().await, status.as_str());
        let fact = minting.last_fact(row.0).await.unwrap();
        assert_eq!(
            (&fact["topic"], &fact["data"]["status"]),
            (&json!("collections"), &json!(status))
        );
    }
    minting.moves(call.id, of_collection(Move::reverted(S::Tentative, "reverted"))).await;
    assert_eq!(state().await, "submitted");
    minting.moves(call.id, of_collection(Move::reverted(S::Failed, "reverted"))).await;
    assert_eq!(state().await, "failed");
}

/// One step of a run: which transaction (counted from the oldest), and what happens to it.
#[derive(Clone, Debug)]
struct Turn {
    call: prop::sample::Index,
    fate: usize,
}

const FATES: [(S, bool, Option<&str>); 12] = [
    (S::Queued, false, None),
    (S::Reserved, false, None),
    (S::Submitted, false, None),
    (S::Unknown, false, None),
    (S::Tentative, false, None),
    (S::Auditable, false, None),
    (S::Final, false, None),
    (S::Tentative, true, Some("reverted")),
    (S::Auditable, true, Some("reverted")),
    (S::Failed, true, Some("reverted")),
    (S::Failed, false, Some("MintIntentUsed")),
    (S::Expired, false, None),
];

/// Any changes of any of the transactions, in any order, with the index telling or losing items in
/// between: what the index owns and what ended is never touched, intents never change, and each
/// job's transaction would mint exactly that job's intent for its recipient.
#[test]
fn any_sequence_of_outcomes_leaves_jobs_consistent() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let minting = runtime.block_on(Minting::new());
    let turn = (any::<prop::sample::Index>(), 0..FATES.len() + 2)
        .prop_map(|(call, fate)| Turn { call, fate });
    let input = (1usize..12, prop::collection::vec(turn, 0..25));
    TestRunner::new(ProptestConfig::with_cases(40))
        .run(&input, |(items, turns)| {
            runtime.block_on(one_run(&minting, items, turns));
            Ok(())
        })
        .unwrap();
}

async fn one_run(minting: &Minting, items: usize, turns: Vec<Turn>) {
    let contract = minting.collection("free_uri", "final").await;
    minting.jobs_for(contract, items).await;
    minting.batch_all(&minting.batcher(|o| o.open_per_wallet = 1_000_000)).await;
    let of_this = |call: &Call| call.contract == contract;
    for Turn { call, fate } in turns {
        let calls: Vec<Call> = minting.calls().await.into_iter().filter(of_this).collect();
        let call = call.get(&calls);
        let before = minting.jobs(contract).await;
        let intents: Vec<U256> = call.items.iter().map(|(intent, _)| *intent).collect();
        let by_index = fate >= FATES.len();
        if by_index {
            let status = if fate == FATES.len() { S::Tentative } else { S::Submitted };
            minting.indexed(contract, &intents, status).await;
        } else {
            let (to, reverted, reason) = FATES[fate];
            minting.moves(call.id, Move { kind: "mint_batch", to, reverted, reason }).await;
        }
        let after = minting.jobs(contract).await;
        let calls = minting.calls().await;
        for (old, new) in before.iter().zip(&after) {
            assert_eq!(old.intent, new.intent);
            let settled = old.status.is_end() || old.status.is_mined();
            assert!(by_index || !settled || old == new, "{old:?} became {new:?} by {call:?}");
            assert!(by_index || !new.status.is_mined() || settled, "only the index says mined");
            let its = calls.iter().find(|call| Some(call.id) == new.transaction).expect("known");
            let wanted = (new.intent.expect("batched"), new.recipient);
            assert!(its.items.contains(&wanted), "{new:?} is not in its transaction");
        }
    }
}

//! Calls that revert, and calls that the signer refuses.

use crate::rig::{Rig, Wanted, selector, transfer};
use alloy_primitives::{Address, Bytes, U256, address};
use serde_json::json;
use transactor::NewTransaction;
use vocab::JobStatus;

pub const CONTRACT: Address = address!("00000000000000000000000000000000c0ffee01");

/// Code that reverts with the error of this signature, which has no arguments.
pub fn reverting(signature: &str) -> Bytes {
    let mut code = vec![0x63];
    code.extend_from_slice(selector(signature).as_slice());
    // PUSH1 224 SHL PUSH0 MSTORE PUSH1 4 PUSH0 REVERT
    code.extend_from_slice(&[0x60, 0xe0, 0x1b, 0x5f, 0x52, 0x60, 0x04, 0x5f, 0xfd]);
    code.into()
}

pub fn poke(gas_limit: Option<u64>) -> NewTransaction {
    NewTransaction {
        kind: "poke".to_owned(),
        value: U256::ZERO,
        input: selector("poke()").to_vec().into(),
        gas_limit,
        ..transfer(CONTRACT)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_reverts_at_the_head_fails_without_a_nonce() {
    let rig = Rig::new(Wanted::default()).await;
    rig.node.call("anvil_setCode", json!([CONTRACT, reverting("NotYet()")])).await;
    let worker = rig.start();
    for gas_limit in [None, Some(100_000)] {
        let id = rig.queue_one(poke(gas_limit)).await;
        rig.until(id, &[JobStatus::Failed]).await;
        let job = rig.load(id).await;
        assert_eq!(job.nonce, None);
        let moved = rig.outcomes.of(id);
        assert_eq!(moved.len(), 1);
        assert_eq!((moved[0].from, moved[0].to), (JobStatus::Queued, JobStatus::Failed));
        assert_eq!(moved[0].reason.as_ref().unwrap().code, "NotYet");
        assert_eq!(rig.attempts(id).await, []);
    }
    let queued = rig.queue_transfers("after the revert", 3).await;
    rig.all_final_once(&queued).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_reverts_on_chain_fails_when_that_is_final() {
    let rig = Rig::new(Wanted { block_time: None, ..Wanted::default() }).await;
    rig.node.call("evm_setAutomine", json!([false])).await;
    let worker = rig.start();
    // STOP: all is well as long as nobody looks closer.
    rig.node.call("anvil_setCode", json!([CONTRACT, "0x00"])).await;
    let id = rig.queue_one(poke(Some(100_000))).await;
    rig.until(id, &[JobStatus::Submitted]).await;
    rig.node.call("anvil_setCode", json!([CONTRACT, reverting("NotYet()")])).await;
    rig.node.mine(1).await;
    rig.until(id, &[JobStatus::Tentative]).await;
    assert!(rig.load(id).await.reverted);
    rig.node.mine(10).await;
    rig.until(id, &[JobStatus::Failed]).await;
    let last = rig.outcomes.of(id).pop().unwrap();
    assert!(last.reverted && last.block.is_some());
    assert_eq!(last.reason.unwrap().code, "NotYet");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_signer_fails_one_job_and_stalls_none() {
    let rig = Rig::new(Wanted::default()).await;
    // Queued before the worker starts, so that they share one batch.
    let before = rig.queue_transfers("before", 3).await;
    let refused =
        rig.queue_one(NewTransaction { value: U256::from(1_001), ..transfer(CONTRACT) }).await;
    let after = rig.queue_transfers("after", 3).await;
    let worker = rig.start();
    rig.all_final_once(&before).await;
    rig.all_final_once(&after).await;
    rig.until(refused, &[JobStatus::Failed]).await;
    assert_eq!(rig.balance(CONTRACT).await, U256::ZERO);
    let reason = rig.outcomes.of(refused).pop().unwrap().reason.unwrap();
    assert_eq!(reason.code, "signer_refused");
    let attempts = rig.attempts(refused).await;
    assert!(attempts.len() == 1 && attempts[0].2.is_none(), "nothing was signed: {attempts:?}");
    assert_eq!(rig.load(refused).await.nonce, None);
    let used = rig.node.endpoint.transaction_count(rig.wallets[0]).await.unwrap();
    assert_eq!(used, 7, "its nonce was filled, because others waited behind it");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_at_which_nothing_was_signed_goes_to_the_next_job() {
    let rig = Rig::new(Wanted::default()).await;
    let worker = rig.start();
    for _ in 0..2 {
        let refused =
            rig.queue_one(NewTransaction { value: U256::from(1_001), ..transfer(CONTRACT) }).await;
        rig.until(refused, &[JobStatus::Failed]).await;
    }
    let free: Vec<i64> = sqlx::query_scalar("select nonce from nonces where state = 'free'")
        .fetch_all(&rig.database.db)
        .await
        .unwrap();
    assert_eq!(free, [0], "the second was given the same one");
    let queued = rig.queue_transfers("next", 3).await;
    rig.all_final_once(&queued).await;
    assert_eq!(rig.load(queued[0].0).await.nonce, Some(0));
    let used = rig.node.endpoint.transaction_count(rig.wallets[0]).await.unwrap();
    assert_eq!(used, 3);
    worker.stop().await;
}

//! Somebody else uses the wallet's key.

use crate::rig::{PATIENCE, Rig, Wanted, Worker};
use alloy_primitives::{Address, U256, address};
use serde_json::json;
use std::time::Duration;
use testkit::{Fault, FaultProxy, Rule, eventually_within};
use vocab::JobStatus;

const STRANGER: Address = address!("00000000000000000000000000000000000bad01");

async fn send_as_stranger(rig: &Rig, nonce: u64, price: u64) {
    let wallet = rig.wallets[0];
    rig.node.call("anvil_impersonateAccount", json!([wallet])).await;
    let transaction = json!({
        "from": wallet, "to": STRANGER, "value": "0x1", "nonce": format!("{nonce:#x}"),
        "gas": "0x5208", "gasPrice": format!("{price:#x}"),
    });
    rig.node.call("eth_sendTransaction", json!([transaction])).await;
    rig.node.call("anvil_stopImpersonatingAccount", json!([wallet])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_beyond_our_ledger_is_passed_over() {
    let rig = Rig::new(Wanted::default()).await;
    let worker = rig.start();
    let first = rig.queue_transfers("mine", 4).await;
    rig.all_final_once(&first).await;
    send_as_stranger(&rig, 4, 10_000_000_000).await;
    eventually_within(PATIENCE, "the stranger's transaction is mined", || async {
        (rig.balance(STRANGER).await == U256::ONE).then_some(())
    })
    .await;
    let second = rig.queue_transfers("still mine", 4).await;
    rig.all_final_once(&second).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_sends_all_the_while_costs_no_job_its_effect() {
    const OTHERS: u64 = 6;
    const MINED: &[JobStatus] = &[JobStatus::Tentative, JobStatus::Auditable, JobStatus::Final];
    let rig = Rig::new(Wanted::default()).await;
    let wallet = rig.wallets[0];
    rig.node.call("anvil_impersonateAccount", json!([wallet])).await;
    let worker = rig.start();
    let mut queued = Vec::new();
    for round in 0..OTHERS {
        queued.extend(rig.queue_transfers(&format!("beside {round}"), 8).await);
        // The node gives it the nonce that would be our next, or one that we have just given out.
        let nonce = rig.node.endpoint.transaction_count(wallet).await.unwrap() + round;
        let transaction = json!({
            "from": wallet, "to": STRANGER, "value": "0x1", "gas": "0x5208",
            "nonce": format!("{nonce:#x}"), "gasPrice": format!("{:#x}", 900_000_000_000u64),
        });
        // Refused when it is mined already.
        let _ = rig
            .node
            .endpoint
            .call::<serde_json::Value>("eth_sendTransaction", json!([transaction]))
            .await;
        rig.until(queued[queued.len() - 8].0, MINED).await;
    }
    rig.all_final_once(&queued).await;
    assert!(rig.balance(STRANGER).await > U256::ZERO, "the stranger got in between");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_nonce_was_taken_gets_another_once_that_is_final() {
    let rig = Rig::new(Wanted { block_time: None, ..Wanted::default() }).await;
    rig.node.call("evm_setAutomine", json!([false])).await;
    let worker = rig.start();
    let queued = rig.queue_transfers("taken", 3).await;
    for (id, _) in &queued {
        rig.until(*id, &[JobStatus::Submitted]).await;
    }
    // Same nonce as our second, at a price that replaces it in the pool.
    send_as_stranger(&rig, 1, 900_000_000_000).await;
    rig.node.mine(1).await;
    rig.until(queued[0].0, &[JobStatus::Tentative]).await;
    assert_eq!(rig.balance(STRANGER).await, U256::ONE);
    let (robbed, to) = queued[1];
    assert!(!rig.load(robbed).await.status.eq("queued"), "no receipt is no proof");
    rig.node.mine(10).await;
    eventually_within(PATIENCE, "the job has another nonce", || async {
        (rig.load(robbed).await.nonce == Some(3)).then_some(())
    })
    .await;
    rig.until(robbed, &[JobStatus::Submitted]).await;
    rig.node.mine(10).await;
    rig.until(robbed, &[JobStatus::Tentative, JobStatus::Final]).await;
    assert_eq!(rig.balance(to).await, U256::ONE);
    rig.node.mine(10).await;
    rig.all_final_once(&queued).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_is_lost_only_when_two_endpoints_agree() {
    let rig = Rig::new(Wanted { block_time: None, ..Wanted::default() }).await;
    rig.node.call("evm_setAutomine", json!([false])).await;
    let second = FaultProxy::start(&rig.node.anvil.http_url()).await;
    let refuse = Fault::Refuse { code: -32_000, message: "not now".to_owned() };
    second.add(Rule::new(refuse).on("eth_getTransactionReceipt"));
    let urls = [rig.node.anvil.http_url(), second.http_url()];
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let worker = Worker::start(rig.config_with(&urls, Duration::from_secs(5)));
    let queued = rig.queue_transfers("quorum", 1).await;
    let (robbed, to) = queued[0];
    rig.until(robbed, &[JobStatus::Submitted]).await;
    send_as_stranger(&rig, 0, 900_000_000_000).await;
    rig.node.mine(12).await;
    let asked = second.count("eth_getTransactionReceipt");
    eventually_within(PATIENCE, "the second endpoint was asked", || async {
        (second.count("eth_getTransactionReceipt") > asked + 3).then_some(())
    })
    .await;
    assert_eq!(rig.load(robbed).await.status, "submitted", "one endpoint is not enough");
    second.heal();
    eventually_within(PATIENCE, "the job has another nonce", || async {
        (rig.load(robbed).await.nonce == Some(1)).then_some(())
    })
    .await;
    rig.until(robbed, &[JobStatus::Submitted]).await;
    rig.node.mine(1).await;
    rig.until(robbed, &[JobStatus::Tentative]).await;
    rig.node.mine(10).await;
    rig.all_final_once(&queued).await;
    assert_eq!(rig.balance(to).await, U256::ONE);
    worker.stop().await;
}

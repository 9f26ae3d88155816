//! Wallets that run dry.

use crate::rig::{PATIENCE, Rig, Wanted, transfer};
use alloy_primitives::Address;
use serde_json::json;
use testkit::eventually_within;
use transactor::NewTransaction;
use vocab::JobStatus;

const ETHER: u64 = 1_000_000_000_000_000_000;

async fn set_balance(rig: &Rig, wallet: Address, wei: u64) {
    rig.node.call("anvil_setBalance", json!([wallet, format!("{wei:#x}")])).await;
}

async fn until_facts(rig: &Rig, expected: &[&str]) {
    eventually_within(PATIENCE, &format!("the facts are {expected:?}"), || async {
        (rig.wallet_facts().await == expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_wallet_pauses_its_lane_says_so_and_goes_on_by_itself() {
    let rig = Rig::new(Wanted::default()).await;
    set_balance(&rig, rig.wallets[0], 1_000).await;
    let worker = rig.start();
    let queued = rig.queue_transfers("dry", 3).await;
    until_facts(&rig, &["wallet_paused"]).await;
    for (id, _) in &queued {
        assert_eq!(rig.load(*id).await.nonce, None, "no nonce is spent on it");
    }
    // Another worker finds it paused, and says nothing twice.
    worker.stop().await;
    let worker = rig.start();
    let more = rig.queue_transfers("dry too", 1).await;
    set_balance(&rig, rig.wallets[0], ETHER).await;
    rig.all_final_once(&queued).await;
    rig.all_final_once(&more).await;
    until_facts(&rig, &["wallet_paused", "wallet_resumed"]).await;
    let paused: Option<String> = sqlx::query_scalar("select paused_reason from wallets")
        .fetch_one(&rig.database.db)
        .await
        .unwrap();
    assert_eq!(paused, None);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_too_dear_for_the_wallet_does_not_hold_up_others() {
    let rig = Rig::new(Wanted::default()).await;
    set_balance(&rig, rig.wallets[0], ETHER / 100).await;
    // 16 million gas at two gwei are more than it has.
    let dear = NewTransaction { gas_limit: Some(16_000_000), ..transfer(Address::ZERO) };
    let dear = rig.queue_one(dear).await;
    let worker = rig.start();
    let queued = rig.queue_transfers("cheap", 3).await;
    rig.all_final_once(&queued).await;
    assert_eq!(rig.load(dear).await.status, "queued");
    set_balance(&rig, rig.wallets[0], ETHER).await;
    rig.until(dear, &[JobStatus::Final]).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_is_gone_when_the_bytes_are_out_is_waited_for() {
    let rig = Rig::new(Wanted::default()).await;
    rig.node.call("evm_setIntervalMining", json!([0])).await;
    let worker = rig.start();
    let queued = rig.queue_transfers("gone", 2).await;
    for (id, _) in &queued {
        rig.until(*id, &[JobStatus::Submitted]).await;
    }
    // The node forgets them, and the wallet is emptied.
    rig.node.call("anvil_dropAllTransactions", json!([])).await;
    set_balance(&rig, rig.wallets[0], 0).await;
    until_facts(&rig, &["wallet_paused"]).await;
    set_balance(&rig, rig.wallets[0], ETHER).await;
    rig.node.call("evm_setIntervalMining", json!([1])).await;
    rig.all_final_once(&queued).await;
    let more = rig.queue_transfers("afterwards", 1).await;
    rig.all_final_once(&more).await;
    until_facts(&rig, &["wallet_paused", "wallet_resumed"]).await;
    worker.stop().await;
}

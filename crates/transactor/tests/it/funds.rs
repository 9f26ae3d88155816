//! Wallets that run dry.

use crate::rig::{PATIENCE, Rig, Wanted, Worker, transfer};
use alloy_primitives::{Address, U256};
use serde_json::json;
use testkit::eventually_within;
use transactor::{NewTransaction, Role, TOP_UP_KIND, TopUp};
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

#[tokio::test(flavor = "multi_thread")]
async fn a_treasury_fills_a_low_wallet_once() {
    let mut rig = Rig::new(Wanted { wallets: 2, ..Wanted::default() }).await;
    let treasury = rig.signer.client().ensure_key("treasury", 0).await.unwrap();
    set_balance(&rig, treasury, 3 * ETHER).await;
    let low = rig.wallets[0];
    set_balance(&rig, low, 1_000).await;
    rig.options.top_up = Some(TopUp {
        role: "treasury".to_owned(),
        below_wei: U256::from(ETHER / 10),
        target_wei: U256::from(ETHER / 2),
        amount_max_wei: U256::from(ETHER),
    });
    let mut config = rig.config();
    config.roles.push(Role::new("treasury", 1));
    let worker = Worker::start(config);
    let job = NewTransaction { wallet: Some(low), ..transfer(Address::repeat_byte(9)) };
    let job = rig.queue_one(job).await;
    rig.until(job, &[JobStatus::Final]).await;
    let top_ups = || async {
        sqlx::query_as::<_, (String, String, Vec<u8>)>(
            "select role, status, recipient from transactions where kind = $1",
        )
        .bind(TOP_UP_KIND)
        .fetch_all(&rig.database.db)
        .await
        .unwrap()
    };
    eventually_within(PATIENCE, "the top-up is final", || async {
        top_ups().await.iter().all(|(_, status, _)| status == "final").then_some(())
    })
    .await;
    let made = top_ups().await;
    assert_eq!(made, [("treasury".to_owned(), "final".to_owned(), low.to_vec())]);
    let balance = rig.balance(low).await;
    assert!(balance > U256::from(ETHER / 2 - ETHER / 100), "{balance}");
    assert_eq!(rig.balance(rig.wallets[1]).await, U256::from(ETHER), "it has enough");
    worker.stop().await;
}

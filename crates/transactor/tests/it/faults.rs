//! Nodes and signers that fail.

use crate::{
    proxy::Proxy,
    rig::{PATIENCE, Rig, Wanted, Worker},
};
use std::{sync::atomic::Ordering, time::Duration};
use testkit::eventually_within;
use vocab::JobStatus;

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_unknown_and_resolved_once() {
    let rig = Rig::new(Wanted::default()).await;
    let proxy = Proxy::before(&rig.node.anvil.http_url()).await;
    proxy.swallow.store(true, Ordering::SeqCst);
    let worker = Worker::start(rig.config_with(&[&proxy.url], Duration::from_millis(700)));
    let queued = rig.queue_transfers("lost", 10).await;
    for (id, _) in &queued {
        eventually_within(PATIENCE, "the job was unknown", || async {
            rig.told(*id).await.iter().any(|(status, _)| status == "unknown").then_some(())
        })
        .await;
    }
    // The node has the bytes all the while, so the jobs get mined without any answer.
    rig.all_final_once(&queued).await;
    assert!(proxy.swallowed.load(Ordering::SeqCst) > 0);
    for (id, _) in &queued {
        assert_eq!(rig.attempts(*id).await.len(), 1, "nothing is signed anew");
    }
    let used = rig.node.endpoint.transaction_count(rig.wallets[0]).await.unwrap();
    assert_eq!(used, 10);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_endpoint_that_answers_is_enough() {
    let rig = Rig::new(Wanted::default()).await;
    let proxy = Proxy::before(&rig.node.anvil.http_url()).await;
    proxy.swallow.store(true, Ordering::SeqCst);
    let good = rig.node.anvil.http_url();
    // The third is no node at all.
    let urls = [good.as_str(), &proxy.url, "http://127.0.0.1:9"];
    // Longer than the test: if the one that keeps its answers were waited for, nothing would end.
    let worker = Worker::start(rig.config_with(&urls, PATIENCE * 10));
    let queued = rig.queue_transfers("endpoints", 10).await;
    rig.all_final_once(&queued).await;
    for (id, _) in &queued {
        assert!(rig.told(*id).await.iter().all(|(status, _)| status != "unknown"));
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_wait_for_a_signer_that_is_away() {
    let mut rig = Rig::new(Wanted::default()).await;
    let worker = rig.start();
    let first = rig.queue_transfers("before", 5).await;
    rig.all_final_once(&first).await;
    rig.signer.pause().await;
    let queued = rig.queue_transfers("while away", 20).await;
    rig.until(queued[0].0, &[JobStatus::Reserved]).await;
    rig.signer.resume().await;
    rig.all_final_once(&queued).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_forgot_is_handed_over_again() {
    use serde_json::json;
    let mut rig = Rig::new(Wanted { block_time: None, ..Wanted::default() }).await;
    // Not by the usual repetition.
    rig.options.resend_blocks = 1_000_000;
    rig.node.call("evm_setAutomine", json!([false])).await;
    let worker = rig.start();
    let queued = rig.queue_transfers("forgotten", 2).await;
    rig.until(queued[1].0, &[JobStatus::Submitted]).await;
    let hash = rig.load(queued[0].0).await.tx_hash.unwrap().0;
    rig.node.call("anvil_dropTransaction", json!([hash])).await;
    eventually_within(PATIENCE, "the node has it again", || async {
        let known = rig.node.call("eth_getTransactionByHash", json!([hash])).await;
        (!known.is_null()).then_some(())
    })
    .await;
    rig.node.call("evm_setIntervalMining", json!([1])).await;
    rig.all_final_once(&queued).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_runs_low_gets_money_from_the_treasury() {
    use crate::rig::TREASURY;
    use alloy_primitives::U256;
    use serde_json::json;
    use transactor::{Role, TopUp};
    let rig = Rig::new(Wanted::default()).await;
    let treasury = rig.signer.client().ensure_key(TREASURY, 0).await.unwrap();
    rig.node.call("anvil_setBalance", json!([treasury, "0xde0b6b3a7640000"])).await;
    rig.node.call("anvil_setBalance", json!([rig.wallets[0], "0x0"])).await;
    let mut config = rig.config();
    let amount_wei = U256::from(100_000_000_000_000_000u64);
    config.roles[0].top_up =
        Some(TopUp { treasury: TREASURY.to_owned(), below_wei: amount_wei, amount_wei });
    config.roles.push(Role::new(TREASURY, 1));
    let worker = Worker::start(config);
    let queued = rig.queue_transfers("topped up", 3).await;
    rig.all_final_once(&queued).await;
    let paid: i64 = sqlx::query_scalar("select count(*) from transactions where kind = 'top_up'")
        .fetch_one(&rig.database.db)
        .await
        .unwrap();
    assert_eq!(paid, 1);
    worker.stop().await;
}

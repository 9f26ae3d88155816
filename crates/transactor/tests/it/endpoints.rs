//! Several endpoints, of which some hang, lie or keep a secret.

use crate::rig::{PATIENCE, ROLE, Rig, Wanted, Worker, transfer};
use alloy_primitives::{Address, U256, address};
use chain::{Endpoint, EndpointOptions, Pool, PoolOptions, Relay};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Fault, FaultProxy, Rule, TcpProxy, eventually_within};
use transactor::NewTransaction;
use vocab::JobStatus;

/// So long that no test would see the end of it.
const NEVER: Duration = Duration::from_secs(3_600);

/// One endpoint takes connections and never answers. With its time limit of an hour, jobs end only
/// if no step of a lane waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_never_answers_stops_no_lane() {
    let rig = Rig::new(Wanted::default()).await;
    let node = rig.node.anvil.http_url();
    let hole = TcpProxy::tcp(node.trim_start_matches("http://")).await;
    hole.pause();
    for urls in [
        [node.clone(), format!("http://{}", hole.address())],
        [format!("http://{}", hole.address()), node.clone()],
    ] {
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        let worker = Worker::start(rig.config_with(&urls, NEVER));
        let queued = rig.queue_transfers(urls[0], 20).await;
        rig.all_final_once(&queued).await;
        for (id, _) in &queued {
            assert!(rig.told(*id).await.iter().all(|(status, _)| status != "failed"));
        }
        worker.stop().await;
    }
}

/// A node that denies all receipts must not make us give a used nonce's job another: it would be
/// paid twice.
#[tokio::test(flavor = "multi_thread")]
async fn receipts_missing_on_one_of_two_nodes_double_nothing() {
    let rig = Rig::new(Wanted::default()).await;
    let node = rig.node.anvil.http_url();
    let liar = FaultProxy::start(&node).await;
    liar.add(Rule::new(Fault::Answer(Value::Null)).on("eth_getTransactionReceipt"));
    let worker = Worker::start(rig.config_with(&[&liar.http_url(), &node], Duration::from_secs(5)));
    let queued = rig.queue_transfers("denied", 10).await;
    rig.all_final_once(&queued).await;
    let used = rig.node.endpoint.transaction_count(rig.wallets[0]).await.unwrap();
    assert_eq!(used, 10);
    worker.stop().await;
}

/// As above, with the honest one away: nothing is decided until it is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_is_not_given_up_while_only_one_node_can_be_asked() {
    let rig = Rig::new(Wanted::default()).await;
    let node = rig.node.anvil.http_url();
    let (liar, honest) = (FaultProxy::start(&node).await, FaultProxy::start(&node).await);
    liar.add(Rule::new(Fault::Answer(Value::Null)).on("eth_getTransactionReceipt"));
    honest.add(Rule::new(Fault::Drop));
    let urls = [liar.http_url(), honest.http_url()];
    let worker = Worker::start(rig.config_with(&[&urls[0], &urls[1]], Duration::from_secs(5)));
    let queued = rig.queue_transfers("half", 3).await;
    for (id, _) in &queued {
        rig.until(*id, &[JobStatus::Submitted]).await;
    }
    // Far beyond finality, all nonces used, and no receipt to be had.
    rig.node.mine(20).await;
    let asked = liar.count("eth_getTransactionReceipt");
    eventually_within(PATIENCE, "receipts were looked for often", || async {
        (liar.count("eth_getTransactionReceipt") > asked + 20).then_some(())
    })
    .await;
    for (id, _) in &queued {
        assert_eq!(rig.load(*id).await.status, "submitted");
    }
    honest.heal();
    rig.all_final_once(&queued).await;
    assert_eq!(rig.node.endpoint.transaction_count(rig.wallets[0]).await.unwrap(), 3);
    worker.stop().await;
}

/// A revert that one node claims and another denies fails no job.
#[tokio::test(flavor = "multi_thread")]
async fn a_revert_that_another_node_denies_fails_no_job() {
    let rig = Rig::new(Wanted::default()).await;
    let node = rig.node.anvil.http_url();
    let liar = FaultProxy::start(&node).await;
    let worker = Worker::start(rig.config_with(&[&liar.http_url(), &node], Duration::from_secs(5)));
    let first = rig.queue_transfers("before", 1).await;
    rig.all_final_once(&first).await;
    liar.add(Rule::new(Fault::Refuse { code: 1, message: "no".into() }).on(SEND));
    let queued = rig.queue_transfers("denied revert", 1).await;
    let (id, _) = queued[0];
    let hash = eventually_within(PATIENCE, "the transaction is mined", || async {
        let attempts = rig.attempts(id).await;
        let hash = attempts.first()?.2.clone()?;
        let hash = vocab::B256::from_slice(&hash);
        let receipts = rig.node.endpoint.receipts(&[hash]).await.unwrap();
        let receipt = receipts.into_iter().next()?.unwrap()?;
        let mut claim = serde_json::to_value(&receipt).unwrap();
        claim["status"] = json!("0x0");
        liar.add(Rule::new(Fault::Answer(claim)).on("eth_getTransactionReceipt"));
        Some(hash)
    })
    .await;
    rig.node.mine(10).await;
    let asked = liar.count("eth_getTransactionReceipt");
    eventually_within(PATIENCE, "the claim was heard, or was too late", || async {
        let heard = liar.count("eth_getTransactionReceipt") > asked + 5;
        (heard || rig.load(id).await.status == "final").then_some(())
    })
    .await;
    assert_ne!(rig.load(id).await.status, "failed", "{hash}");
    liar.heal();
    rig.all_final_once(&queued).await;
    worker.stop().await;
}

/// A revert that one node claims while the other says nothing is believed only for the time being:
/// when both deny it, the job took effect.
#[tokio::test(flavor = "multi_thread")]
async fn a_revert_that_was_claimed_while_nobody_could_deny_it_fails_no_job() {
    const RECEIPT: &str = "eth_getTransactionReceipt";
    let rig = Rig::new(Wanted { block_time: None, ..Wanted::default() }).await;
    rig.node.call("evm_setAutomine", json!([false])).await;
    let node = rig.node.anvil.http_url();
    let (liar, mute) = (FaultProxy::start(&node).await, FaultProxy::start(&node).await);
    let urls = [liar.http_url(), mute.http_url()];
    let start = || Worker::start(rig.config_with(&[&urls[0], &urls[1]], PATIENCE));
    let worker = start();
    let queued = rig.queue_transfers("claimed revert", 1).await;
    let (id, _) = queued[0];
    rig.until(id, &[JobStatus::Submitted]).await;
    worker.stop().await;
    rig.node.mine(1).await;
    let hash = vocab::B256::from(rig.load(id).await.tx_hash.unwrap());
    let mut claim = rig.node.call(RECEIPT, json!([hash])).await;
    claim["status"] = json!("0x0");
    liar.add(Rule::new(Fault::Answer(claim)).on(RECEIPT));
    mute.add(Rule::new(Fault::Refuse { code: -32_000, message: "not now".into() }).on(RECEIPT));
    let worker = start();
    rig.until(id, &[JobStatus::Tentative]).await;
    assert!(rig.load(id).await.reverted);
    rig.node.mine(10).await;
    let asked = mute.count(RECEIPT);
    eventually_within(PATIENCE, "the other was asked, and said nothing", || async {
        (mute.count(RECEIPT) > asked + 5).then_some(())
    })
    .await;
    assert!(["tentative", "auditable"].contains(&rig.load(id).await.status.as_str()));
    liar.heal();
    mute.heal();
    rig.all_final_once(&queued).await;
    assert!(!rig.load(id).await.reverted);
    assert_eq!(rig.load(id).await.reason, None);
    worker.stop().await;
}

const SEND: &str = "eth_sendRawTransaction";

fn of_kind(kind: &str, to: Address) -> NewTransaction {
    NewTransaction { kind: kind.to_owned(), ..transfer(to) }
}

/// Kinds of the relay go to it alone, until they have waited long enough; others go to all.
#[tokio::test(flavor = "multi_thread")]
async fn chosen_kinds_go_through_the_relay_first() {
    let rig = Rig::new(Wanted { wallets: 2, ..Wanted::default() }).await;
    let node = rig.node.anvil.http_url();
    let (relay, public) = (FaultProxy::start(&node).await, FaultProxy::start(&node).await);
    // It takes everything and passes nothing on.
    relay.add(Rule::new(Fault::Answer(json!(vocab::B256::ZERO))).on(SEND));
    let mut config = rig.config_with(&[], Duration::from_secs(5));
    let endpoint = |url: &str| Endpoint::new(url, EndpointOptions::default()).unwrap();
    let options = PoolOptions {
        relay: Some(Relay {
            endpoint: endpoint(&relay.http_url()),
            kinds: vec!["secret".to_owned()],
            // Not by itself while this test looks.
            public_after_blocks: 1_000_000,
        }),
        ..PoolOptions::default()
    };
    config.chain.endpoints = Pool::new(vec![endpoint(&public.http_url())], options);
    let worker = Worker::start(config);
    let hidden = address!("00000000000000000000000000000000000ca5e1");
    let id = rig.queue_one(of_kind("secret", hidden)).await;
    rig.until(id, &[JobStatus::Submitted]).await;
    assert!(relay.count(SEND) > 0);
    assert_eq!(public.count(SEND), 0, "nobody else has seen it");
    let open = rig.queue_transfers("open", 1).await;
    eventually_within(PATIENCE, "the other job is public", || async {
        (public.count(SEND) > 0).then_some(())
    })
    .await;
    assert_eq!(rig.load(id).await.status, "submitted");
    // As if it had waited for long.
    sqlx::query("update attempts set created_at = created_at - interval '1 year'")
        .execute(&rig.database.db)
        .await
        .unwrap();
    rig.until(id, &[JobStatus::Tentative, JobStatus::Auditable, JobStatus::Final]).await;
    assert_eq!(rig.balance(hidden).await, U256::ONE);
    rig.all_final_once(&open).await;
    assert_eq!(rig.attempts(id).await.len(), 1, "the same bytes: {ROLE}");
    worker.stop().await;
}

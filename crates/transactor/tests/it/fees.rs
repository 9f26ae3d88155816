//! Markets that move, chains without a base fee, nodes that hold an account back.

use crate::rig::{Offer, PATIENCE, Rig, Wanted, Worker, transfer};
use alloy_primitives::{Address, U256, address};
use serde_json::json;
use std::time::Duration;
use testkit::{Fault, FaultProxy, Rule, eventually_within};
use transactor::NewTransaction;
use vocab::{JobStatus, TransactionId, Urgency};

const GWEI: u64 = 1_000_000_000;
const THERE: Address = address!("00000000000000000000000000000000000f00d5");

/// Blocks come when the test says so.
async fn still(extra: &[&str]) -> Rig {
    let extra = extra.iter().map(|&argument| argument.to_owned()).collect();
    let rig = Rig::new(Wanted { block_time: None, extra, ..Wanted::default() }).await;
    rig.node.call("evm_setAutomine", json!([false])).await;
    rig
}

/// The base fee goes from one gwei to more than ten in five blocks, too dear from the first on.
async fn spike(rig: &Rig) {
    for tenths in [40, 52, 66, 84, 105] {
        rig.next_base_fee(tenths * GWEI / 10).await;
        rig.node.mine(1).await;
    }
}

async fn until_offers(rig: &Rig, id: TransactionId, count: usize) {
    eventually_within(PATIENCE, &format!("{count} attempts"), || async {
        (rig.attempts(id).await.len() >= count).then_some(())
    })
    .await;
}

/// All attempts of a job, once nothing new is signed any more.
async fn until_settled(rig: &Rig, id: TransactionId) -> Vec<Offer> {
    eventually_within(PATIENCE, "the bumps end", || async {
        let before = rig.offers(id).await;
        rig.until_sent_again(id, 4).await;
        let after = rig.offers(id).await;
        (before.len() == after.len()).then_some(after)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lowest_nonce_is_priced_anew_when_the_base_fee_passed_it() {
    let rig = still(&[]).await;
    let worker = rig.start();
    let queued = rig.queue_transfers("dear", 3).await;
    for (id, _) in &queued {
        rig.until(*id, &[JobStatus::Submitted]).await;
    }
    rig.next_base_fee(100 * GWEI).await;
    rig.node.mine(1).await;
    rig.node.call("evm_setIntervalMining", json!([1])).await;
    rig.all_final_once(&queued).await;
    let attempts = rig.attempts(queued[0].0).await;
    assert!(attempts.len() > 1 && attempts.iter().all(|attempt| !attempt.1), "{attempts:?}");
    let hashes: Vec<_> = attempts.iter().filter_map(|attempt| attempt.2.clone()).collect();
    let mined = rig.load(queued[0].0).await.tx_hash.unwrap();
    assert!(hashes.contains(&mined.0.to_vec()));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_fee_times_ten_in_five_blocks_is_followed_by_bumps() {
    let rig = still(&["--base-fee", "1000000000"]).await;
    let worker = rig.start();
    let queued = rig.queue_transfers("spike", 5).await;
    for (id, _) in &queued {
        rig.until(*id, &[JobStatus::Submitted]).await;
    }
    spike(&rig).await;
    let first = queued[0].0;
    until_offers(&rig, first, 2).await;
    let offers = rig.offers(first).await;
    let pairs = offers.windows(2);
    for pair in pairs {
        assert!(pair[1].max_fee * 8 >= pair[0].max_fee * 9, "{offers:?}");
        assert!(pair[1].tip * 8 >= pair[0].tip * 9, "{offers:?}");
    }
    rig.node.call("evm_setIntervalMining", json!([1])).await;
    rig.all_final_once(&queued).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capped_job_sends_the_same_bytes_until_the_price_falls() {
    let mut rig = still(&["--base-fee", "1000000000"]).await;
    rig.options.fee_cap_wei = u128::from(5 * GWEI);
    let worker = rig.start();
    let queued = rig.queue_transfers("capped", 2).await;
    for (id, _) in &queued {
        rig.until(*id, &[JobStatus::Submitted]).await;
    }
    spike(&rig).await;
    let first = queued[0].0;
    let signed = rig.offers(first).await;
    // A bump within the cap may come first; from then on nothing new is signed.
    let held = until_settled(&rig, first).await;
    assert!(held.iter().all(|offer| offer.max_fee <= 5 * GWEI.cast_signed()), "{held:?}");
    rig.until_sent_again(first, 3).await;
    assert_eq!(rig.offers(first).await, held, "the same bytes, and no others");
    assert_eq!(held[..signed.len()], signed[..]);
    // Nobody new takes a nonce meanwhile.
    let late = rig.queue_transfers("late", 1).await;
    rig.until_sent_again(first, 1).await;
    assert_eq!(rig.load(late[0].0).await.nonce, None);
    rig.next_base_fee(GWEI / 2).await;
    rig.node.call("evm_setIntervalMining", json!([1])).await;
    rig.all_final_once(&queued).await;
    rig.all_final_once(&late).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replacements_stop_at_five_times_the_market() {
    let mut rig = still(&["--base-fee", "1000000000"]).await;
    rig.options.bump_free_wei = 0;
    // Someone with our key sits on the nonce, at a price that no bump should chase.
    let wallet = rig.wallets[0];
    rig.node.call("anvil_impersonateAccount", json!([wallet])).await;
    let price = format!("{:#x}", 400 * GWEI);
    let stranger = json!([{ "from": wallet, "to": THERE, "value": "0x0", "gas": "0x5208",
        "nonce": "0x0", "maxFeePerGas": price, "maxPriorityFeePerGas": price }]);
    rig.node.call("eth_sendTransaction", stranger).await;
    let worker = rig.start();
    let queued = rig.queue_transfers("chase", 1).await;
    let id = queued[0].0;
    until_offers(&rig, id, 3).await;
    let settled = until_settled(&rig, id).await;
    let (first, last) = (settled.first().unwrap(), settled.last().unwrap());
    assert!(last.max_fee > first.max_fee && last.max_fee <= first.max_fee * 5, "{settled:?}");
    assert!(last.max_fee * 9 / 8 > first.max_fee * 4, "it went as far as it may: {settled:?}");
    // The stranger's is mined; the job gets another nonce when that is final.
    rig.node.mine(8).await;
    rig.node.call("evm_setIntervalMining", json!([1])).await;
    rig.all_final_once(&queued).await;
    assert_eq!(rig.load(id).await.nonce, Some(1));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn urgency_and_a_jobs_own_cap_make_its_price() {
    let rig = still(&["--base-fee", "10000000000"]).await;
    let cap = 3 * GWEI / 2;
    let job = |urgency, fee_cap_wei| NewTransaction { urgency, fee_cap_wei, ..transfer(THERE) };
    let capped = rig.queue_one(job(Urgency::Normal, Some(u128::from(cap)))).await;
    let low = rig.queue_one(job(Urgency::Low, None)).await;
    let urgent = rig.queue_one(job(Urgency::Urgent, None)).await;
    let worker = rig.start();
    for id in [low, urgent] {
        rig.until(id, &[JobStatus::Submitted]).await;
    }
    let [low_offer, urgent_offer] = [low, urgent].map(|id| rig.offers(id));
    let (low_offer, urgent_offer) = (low_offer.await.remove(0), urgent_offer.await.remove(0));
    assert!(urgent_offer.max_fee > low_offer.max_fee && urgent_offer.tip > low_offer.tip);
    let waiting = rig.load(capped).await;
    assert_eq!((waiting.status.as_str(), waiting.nonce), ("queued", None));
    rig.next_base_fee(GWEI / 10).await;
    rig.node.mine(1).await;
    rig.until(capped, &[JobStatus::Submitted]).await;
    let offers = rig.offers(capped).await;
    assert!(offers.iter().all(|offer| offer.max_fee <= cap.cast_signed()), "{offers:?}");
    rig.node.mine(8).await;
    for id in [low, urgent, capped] {
        rig.until(id, &[JobStatus::Final]).await;
    }
    assert_eq!(rig.balance(THERE).await, U256::from(3));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_without_base_fee_gets_legacy_transactions() {
    let rig = still(&["--hardfork", "berlin"]).await;
    let worker = rig.start();
    let queued = rig.queue_transfers("berlin", 3).await;
    for (id, _) in &queued {
        rig.until(*id, &[JobStatus::Submitted]).await;
    }
    // The market moves while they wait.
    let before = rig.offers(queued[0].0).await.remove(0);
    assert!(before.legacy && before.max_fee == before.tip, "{before:?}");
    let dear = before.max_fee * 3;
    rig.node.call("anvil_setMinGasPrice", json!([format!("{dear:#x}")])).await;
    until_offers(&rig, queued[0].0, 2).await;
    rig.node.call("evm_setIntervalMining", json!([1])).await;
    rig.all_final_once(&queued).await;
    let offers = rig.offers(queued[0].0).await;
    assert!(offers.iter().all(|offer| offer.legacy && offer.max_fee == offer.tip), "{offers:?}");
    assert!(offers[1].max_fee >= dear, "{offers:?}");
    let hash = rig.load(queued[0].0).await.tx_hash.unwrap().0;
    let mined = rig.node.call("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(mined["type"], "0x0", "{mined}");
    assert!(mined.get("maxFeePerGas").is_none_or(serde_json::Value::is_null), "{mined}");
    worker.stop().await;
}

/// A node in front of which a proxy refuses what is sent, with these words.
async fn refusing(rig: &Rig, words: &str) -> (FaultProxy, Worker) {
    let proxy = FaultProxy::start(&rig.node.anvil.http_url()).await;
    let refuse = Fault::Refuse { code: -32_000, message: words.to_owned() };
    proxy.add(Rule::new(refuse).on("eth_sendRawTransaction"));
    let config = rig.config_with(&[&proxy.http_url()], Duration::from_secs(5));
    (proxy, Worker::start(config))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_pool_that_holds_the_account_is_waited_for_with_the_same_bytes() {
    let rig = Rig::new(Wanted::default()).await;
    let (proxy, worker) = refusing(&rig, "address already reserved").await;
    let queued = rig.queue_transfers("blobs", 2).await;
    rig.until(queued[0].0, &[JobStatus::Reserved]).await;
    rig.until_sent_again(queued[0].0, 4).await;
    // Nothing more is taken, nothing is bumped or voided.
    let late = rig.queue_transfers("late", 1).await;
    rig.until_sent_again(queued[0].0, 2).await;
    assert_eq!(rig.load(late[0].0).await.nonce, None);
    proxy.heal();
    rig.all_final_once(&queued).await;
    rig.all_final_once(&late).await;
    for (id, _) in queued.iter().chain(&late) {
        assert_eq!(rig.attempts(*id).await.len(), 1);
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nodes_own_cap_is_met_by_a_lower_offer_when_the_market_fell() {
    let rig = still(&["--base-fee", "100000000000"]).await;
    let words = "tx fee (1.20 ether) exceeds the configured cap (1.00 ether)";
    let (proxy, worker) = refusing(&rig, words).await;
    let queued = rig.queue_transfers("node cap", 1).await;
    let id = queued[0].0;
    rig.until(id, &[JobStatus::Reserved]).await;
    rig.until_sent_again(id, 3).await;
    let first = rig.offers(id).await;
    assert_eq!(first.len(), 1, "no higher offer, and no void: {first:?}");
    rig.next_base_fee(GWEI).await;
    rig.node.mine(1).await;
    until_offers(&rig, id, 2).await;
    let offers = rig.offers(id).await;
    assert!(offers[1].max_fee < offers[0].max_fee / 2 && !offers[1].void, "{offers:?}");
    proxy.heal();
    rig.node.call("evm_setIntervalMining", json!([1])).await;
    rig.all_final_once(&queued).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_void_gets_the_gas_that_a_delegated_account_needs() {
    let mut rig = Rig::new(Wanted::default()).await;
    rig.options.void_gas_max = 100_000;
    // Whoever sends it something has it write a word (EIP-7702: the wallet runs this code).
    let code = "0x60015f5500";
    rig.node.call("anvil_setCode", json!([THERE, code])).await;
    let delegation = format!("0xef0100{}", alloy_primitives::hex::encode(THERE));
    rig.node.call("anvil_setCode", json!([rig.wallets[0], delegation])).await;
    let proxy = FaultProxy::start(&rig.node.anvil.http_url()).await;
    let refuse = Fault::Refuse { code: -32_000, message: "exceeds block gas limit".to_owned() };
    proxy.add(Rule::new(refuse).on("eth_sendRawTransaction").times(1));
    let config = rig.config_with(&[&proxy.http_url()], Duration::from_secs(5));
    let worker = Worker::start(config);
    let id = rig.queue_one(transfer(Address::repeat_byte(7))).await;
    rig.until(id, &[JobStatus::Failed]).await;
    let offers = rig.offers(id).await;
    let void = offers.last().unwrap();
    assert!(void.void && (43_000..=100_000).contains(&void.gas_limit), "{offers:?}");
    worker.stop().await;
}

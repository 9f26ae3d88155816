//! Faults of our own, put in on purpose: each scenario ends well without its fault, and the chain
//! tells of it with it. A suite that would not notice them proves nothing.

use crate::{
    kill,
    proxy::Proxy,
    rig::{PATIENCE, Rig, Wanted, Worker},
};
use alloy_primitives::{Address, U256};
use serde_json::json;
use std::{sync::atomic::Ordering, time::Duration};
use testkit::{Fault as Lie, FaultProxy, Rule, TcpProxy, eventually_within};
use transactor::Fault;
use vocab::{Finality, JobStatus, TransactionId};

/// Each job pays one wei to somebody whom nobody else pays.
type Job = (TransactionId, Address);

/// What is wrong with what the chain did for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    /// It has not ended.
    Stuck,
    /// It took effect twice.
    Doubled,
    /// It is final and took no effect.
    Lost,
    /// It ended as failed, expired or cancelled, and took effect: whoever asks again doubles it.
    EndedYetPaid,
}

async fn height(rig: &Rig) -> u64 {
    let number: alloy_primitives::U64 =
        rig.node.endpoint.call("eth_blockNumber", json!([])).await.unwrap();
    number.to()
}

/// Wait for so many blocks, or until the recipient has more than `wei`.
async fn blocks(rig: &Rig, count: u64, to: Address, wei: U256) {
    let end = height(rig).await + count;
    eventually_within(PATIENCE, "blocks pass", || async {
        (height(rig).await >= end || rig.balance(to).await > wei).then_some(())
    })
    .await;
}

/// The oracle: what the job says of itself, against what the chain did.
async fn judge(rig: &Rig, (id, to): Job) -> Result<(), Broken> {
    use JobStatus::{Cancelled, Expired, Failed, Final};
    let ended = rig.until(id, &[Final, Failed, Expired, Cancelled]);
    let Ok(status) = tokio::time::timeout(PATIENCE - Duration::from_secs(1), ended).await else {
        return Err(Broken::Stuck);
    };
    let due = if status == Final { U256::ONE } else { U256::ZERO };
    // What is still on its way comes now.
    blocks(rig, 10, to, due).await;
    match (due, rig.balance(to).await) {
        (due, paid) if due == paid => Ok(()),
        (U256::ZERO, _) => Err(Broken::EndedYetPaid),
        (_, U256::ZERO) => Err(Broken::Lost),
        _ => Err(Broken::Doubled),
    }
}

async fn queue(rig: &Rig) -> Job {
    rig.queue_transfers("planted", 1).await[0]
}

/// The node takes the bytes, and its answer never comes.
async fn lost_answer(planted: Option<Fault>) -> Result<(), Broken> {
    let mut rig = Rig::new(Wanted::default()).await;
    rig.options.planted = planted;
    let proxy = Proxy::before(&rig.node.anvil.http_url()).await;
    proxy.swallow.store(true, Ordering::SeqCst);
    let _worker = Worker::start(rig.config_with(&[&proxy.url], Duration::from_millis(700)));
    let job = queue(&rig).await;
    judge(&rig, job).await
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_treated_as_failure_is_caught() {
    assert_eq!(lost_answer(None).await, Ok(()));
    assert_eq!(lost_answer(Some(Fault::UnknownIsFailure)).await, Err(Broken::EndedYetPaid));
}

/// The process dies when it has the signature, before its commit; then the job is cancelled.
async fn death_before_commit(planted: Option<Fault>) -> Result<(), Broken> {
    let rig = Rig::new(Wanted::default()).await;
    let job = queue(&rig).await;
    kill::start_planted(&rig, Some("before_bytes"), planted).dies("before_bytes").await;
    rig.node.mine(2).await;
    rig.cancel(job.0).await.unwrap();
    let _successor = kill::start_planted(&rig, None, planted);
    judge(&rig, job).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_before_the_commit_is_caught() {
    assert_eq!(death_before_commit(None).await, Ok(()));
    let planted = death_before_commit(Some(Fault::SendBeforeCommit)).await;
    assert_eq!(planted, Err(Broken::EndedYetPaid));
}

/// Makes blocks as fast as other scenarios have them, until it is dropped.
struct Miner(tokio::task::JoinHandle<()>);

impl Miner {
    fn start(rig: &Rig) -> Self {
        let node = rig.node.endpoint.clone();
        Self(tokio::spawn(async move {
            let mut next = tokio::time::interval(Duration::from_millis(300));
            next.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                next.tick().await;
                let _: serde_json::Value = node.call("anvil_mine", json!(["0x1"])).await.unwrap();
            }
        }))
    }
}

impl Drop for Miner {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A reorg takes the block; another node still has the bytes and mines them again.
async fn mined_again(planted: Option<Fault>) -> Result<(), Broken> {
    let finality = Finality { auditable: 4, final_: 10 };
    let mut rig = Rig::new(Wanted { block_time: None, finality, ..Wanted::default() }).await;
    rig.options.planted = planted;
    rig.node.mine(10).await;
    // From here on a block comes with what is sent, and with nothing else.
    let _worker = rig.start();
    let job = queue(&rig).await;
    rig.until(job.0, &[JobStatus::Tentative]).await;
    let bytes: Vec<u8> = sqlx::query_scalar("select raw from attempts where transaction_id = $1")
        .bind(job.0.0)
        .fetch_one(&rig.database.db)
        .await
        .unwrap();
    rig.node.reorg(6).await;
    eventually_within(PATIENCE, "the reorg is told", || async {
        rig.told(job.0).await.iter().any(|(_, reverting)| *reverting).then_some(())
    })
    .await;
    eventually_within(PATIENCE, "the bytes are mined again", || async {
        // Refused when the engine was first, or when they are mined.
        let _ = rig.node.endpoint.send_raw(&[bytes.clone().into()]).await;
        (rig.balance(job.1).await >= U256::ONE).then_some(())
    })
    .await;
    let _miner = Miner::start(&rig);
    judge(&rig, job).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_rebound_after_a_reorg_is_caught() {
    assert_eq!(mined_again(None).await, Ok(()));
    assert_eq!(mined_again(Some(Fault::NonceRebound)).await, Err(Broken::Doubled));
}

/// The node mines the bytes, and for long answers each question for a receipt with an error.
async fn no_receipts(planted: Option<Fault>) -> Result<(), Broken> {
    const ASKED: &str = "eth_getTransactionReceipt";
    let mut rig = Rig::new(Wanted::default()).await;
    rig.options.planted = planted;
    let proxy = FaultProxy::start(&rig.node.anvil.http_url()).await;
    let refuse = Lie::Refuse { code: -32_000, message: "not now".to_owned() };
    proxy.add(Rule::new(refuse).on(ASKED));
    let _worker = Worker::start(rig.config_with(&[&proxy.http_url()], Duration::from_secs(5)));
    let job = queue(&rig).await;
    eventually_within(PATIENCE, "it is mined", || async {
        (rig.balance(job.1).await == U256::ONE).then_some(())
    })
    .await;
    blocks(&rig, 12, job.1, U256::ONE).await;
    // The lane has thought about it for long.
    let asked = proxy.count(ASKED);
    eventually_within(PATIENCE, "receipts are asked for, or not needed", || async {
        (proxy.count(ASKED) > asked + 5 || rig.balance(job.1).await > U256::ONE).then_some(())
    })
    .await;
    proxy.heal();
    judge(&rig, job).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_error_treated_as_missing_is_caught() {
    assert_eq!(no_receipts(None).await, Ok(()));
    assert_eq!(no_receipts(Some(Fault::ErrorIsMissing)).await, Err(Broken::Doubled));
}

/// A worker waits for the signer, is thought dead, and wakes up when its successor has given the
/// nonce back and ended the job.
async fn late_holder(planted: Option<Fault>) -> Result<(), Broken> {
    let mut rig = Rig::new(Wanted::default()).await;
    // So long that nobody notices a loss by renewing: only the check in each commit protects.
    rig.options.lease = Duration::from_secs(40);
    rig.options.planted = planted;
    let socket = rig.signer.other_socket();
    let proxy = TcpProxy::unix(&socket, &rig.signer.socket()).await;
    let mut config = rig.config();
    config.signer = signer::Client::connect_with_timeout(&socket, PATIENCE);
    let _first = Worker::start(config);
    rig.leases_held(1).await;
    proxy.pause();
    let job = queue(&rig).await;
    rig.until(job.0, &[JobStatus::Reserved]).await;
    rig.cancel(job.0).await.unwrap();
    let holder: uuid::Uuid =
        sqlx::query_scalar("select holder from leases").fetch_one(&rig.database.db).await.unwrap();
    let _second = rig.start();
    eventually_within(PATIENCE, "the wallet changes hands", || async {
        for steal in [
            "update leases set expires_at = now() where holder = $1",
            "delete from workers where id = $1",
        ] {
            sqlx::query(steal).bind(holder).execute(&rig.database.db).await.unwrap();
        }
        let taken: bool =
            sqlx::query_scalar("select holder <> $1 and expires_at > now() from leases")
                .bind(holder)
                .fetch_one(&rig.database.db)
                .await
                .unwrap();
        taken.then_some(())
    })
    .await;
    rig.until(job.0, &[JobStatus::Cancelled]).await;
    proxy.restore();
    let (client, wallet) = (rig.signer.client(), rig.wallets[0]);
    eventually_within(PATIENCE, "the first worker has its signature", || async {
        client.signed(wallet, rig.node.chain_id.0, 0).await.unwrap().map(drop)
    })
    .await;
    judge(&rig, job).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchecked_epoch_is_caught() {
    assert_eq!(late_holder(None).await, Ok(()));
    assert_eq!(late_holder(Some(Fault::EpochUnchecked)).await, Err(Broken::EndedYetPaid));
}

//! A market that moves away.

use crate::rig::{Rig, Wanted};
use serde_json::json;
use vocab::JobStatus;

#[tokio::test(flavor = "multi_thread")]
async fn the_lowest_nonce_is_priced_anew_when_the_base_fee_passed_it() {
    let rig = Rig::new(Wanted { block_time: None, ..Wanted::default() }).await;
    rig.node.call("evm_setAutomine", json!([false])).await;
    let worker = rig.start();
    let queued = rig.queue_transfers("dear", 3).await;
    for (id, _) in &queued {
        rig.until(*id, &[JobStatus::Submitted]).await;
    }
    rig.node.call("anvil_setNextBlockBaseFeePerGas", json!(["0x174876e800"])).await;
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

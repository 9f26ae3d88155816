//! Blocks that go away.

use crate::rig::{PATIENCE, Rig, Wanted};
use alloy_primitives::U256;
use serde_json::json;
use std::cell::RefCell;
use testkit::eventually_within;
use vocab::{Finality, JobStatus};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_survives_deep_reorgs_that_follow_one_another() {
    let finality = Finality { auditable: 4, final_: 40 };
    let rig = Rig::new(Wanted { block_time: None, finality, ..Wanted::default() }).await;
    let worker = rig.start();
    rig.node.mine(70).await;
    for depth in [11, 17, 25, 32] {
        let queued = rig.queue_transfers(&format!("deep {depth}"), 3).await;
        for (id, _) in &queued {
            rig.until(*id, &[JobStatus::Tentative]).await;
        }
        rig.node.mine(depth - 4).await;
        // The next comes while the first is still being taken in. What is sent meanwhile waits: the
        // node loses blocks when it mines one and takes others back at the same time.
        rig.node.call("evm_setAutomine", json!([false])).await;
        for depth in [depth, depth / 2, depth] {
            rig.node.reorg(depth).await;
        }
        rig.node.call("evm_setAutomine", json!([true])).await;
        rig.node.mine(1).await;
        let seen = RefCell::new(String::new());
        for (id, _) in &queued {
            eventually_within(PATIENCE, "the job came back", || async {
                let told = rig.told(*id).await;
                let taken_back = told.iter().any(|(_, reverting)| *reverting);
                let status = rig.load(*id).await.status;
                let pool = rig.node.call("txpool_status", json!([])).await;
                let looks = format!("{depth} {id} {status} {told:?} {pool}");
                if seen.replace(looks.clone()) != looks {
                    eprintln!("{looks}");
                }
                // Bytes that reach the node while it makes the new branch are mined deep in it.
                let mined = ["tentative", "auditable"];
                (taken_back && mined.contains(&&*status)).then_some(())
            })
            .await;
        }
        rig.node.mine(45).await;
        rig.all_final_once(&queued).await;
        for (id, _) in &queued {
            assert_eq!(rig.attempts(*id).await.len(), 1, "depth {depth}: nothing is signed anew");
        }
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_survives_reorgs_of_depth_one_to_ten_with_one_hash() {
    let finality = Finality { auditable: 4, final_: 20 };
    let rig = Rig::new(Wanted { block_time: None, finality, ..Wanted::default() }).await;
    let worker = rig.start();
    rig.node.mine(25).await;
    for depth in 1..=10 {
        let queued = rig.queue_transfers(&format!("depth {depth}"), 3).await;
        for (id, _) in &queued {
            rig.until(*id, &[JobStatus::Tentative]).await;
        }
        rig.node.mine(depth - 1).await;
        if depth > 6 {
            rig.until(queued[0].0, &[JobStatus::Auditable]).await;
        }
        let hash = rig.load(queued[0].0).await.tx_hash;
        // All three jobs may be in one block or in three.
        rig.node.reorg(depth + 2).await;
        for (id, to) in &queued {
            eventually_within(PATIENCE, "the job came back", || async {
                let told = rig.told(*id).await;
                let taken_back = told.iter().position(|(_, reverting)| *reverting)?;
                assert_eq!(told[taken_back].0, "submitted", "{told:?}");
                let job = rig.load(*id).await;
                (job.status == "tentative" && told.len() > taken_back + 1).then_some(())
            })
            .await;
            assert_eq!(rig.balance(*to).await, U256::ONE);
            assert_eq!(rig.attempts(*id).await.len(), 1);
        }
        assert_eq!(rig.load(queued[0].0).await.tx_hash, hash, "depth {depth}");
        // Out of reach of the next.
        rig.node.mine(25).await;
        rig.all_final_once(&queued).await;
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_mined_while_we_were_away_for_longer_than_the_header_window_become_final() {
    let finality = Finality { auditable: 4, final_: 20 };
    let rig = Rig::new(Wanted { block_time: None, finality, ..Wanted::default() }).await;
    rig.node.mine(25).await;
    let worker = rig.start();
    let queued = rig.queue_transfers("away", 3).await;
    for (id, _) in &queued {
        rig.until(*id, &[JobStatus::Submitted]).await;
    }
    worker.stop().await;
    rig.node.mine(100).await;
    rig.headers_at_head().await;
    sqlx::query("delete from blocks where number <= (select max(number) - 64 from blocks)")
        .execute(&rig.database.db)
        .await
        .unwrap();

    let worker = rig.start();
    rig.all_final_once(&queued).await;
    worker.stop().await;
}

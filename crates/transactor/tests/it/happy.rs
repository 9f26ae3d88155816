//! Everything goes well.

use crate::rig::{PATIENCE, Rig, Wanted};
use serde_json::json;
use testkit::eventually_within;
use vocab::{Finality, JobStatus};

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_of_two_wallets_arrive_once() {
    let finality = Finality { auditable: 2, final_: 16 };
    let rig =
        Rig::new(Wanted { wallets: 2, block_time: None, finality, ..Wanted::default() }).await;
    rig.node.call("evm_setAutomine", json!([false])).await;
    let worker = rig.start();
    let queued = rig.queue_transfers("happy", 120).await;
    // The first passes each level alone, so that a lane kept waiting by a busy machine sees it.
    for state in [JobStatus::Submitted, JobStatus::Tentative, JobStatus::Auditable] {
        rig.until(queued[0].0, &[state]).await;
        rig.node.mine(1).await;
    }
    eventually_within(PATIENCE, "all have been mined", || async {
        rig.node.mine(1).await;
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from transactions
              where status not in ('tentative', 'auditable', 'final')",
        )
        .fetch_one(&rig.database.db)
        .await
        .unwrap();
        (waiting == 0).then_some(())
    })
    .await;
    rig.node.mine(16).await;
    rig.all_final_once(&queued).await;
    let used: Vec<u64> = nonces_used(&rig).await;
    assert_eq!(used.iter().sum::<u64>(), 120, "{used:?}");
    assert!(used.iter().all(|count| *count > 0), "both wallets work: {used:?}");

    let (id, _) = queued[0];
    let told: Vec<String> = rig.told(id).await.into_iter().map(|(status, _)| status).collect();
    assert_eq!(told, ["queued", "reserved", "submitted", "tentative", "auditable", "final"]);
    let moved: Vec<JobStatus> = rig.outcomes.of(id).into_iter().map(|moved| moved.to).collect();
    assert_eq!(
        moved,
        [
            JobStatus::Reserved,
            JobStatus::Submitted,
            JobStatus::Tentative,
            JobStatus::Auditable,
            JobStatus::Final,
        ]
    );
    let job = rig.load(id).await;
    assert!(job.tx_hash.is_some() && job.block_hash.is_some() && !job.reverted);
    assert_eq!(job.request_id.as_deref(), Some("request-1"));
    worker.stop().await;
}

async fn nonces_used(rig: &Rig) -> Vec<u64> {
    let mut counts = Vec::new();
    for wallet in &rig.wallets {
        counts.push(rig.node.endpoint.transaction_count(*wallet).await.unwrap());
    }
    counts
}

//! Two workers, one wallet.

use crate::rig::{Rig, Wanted};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_that_believe_in_one_lease_double_nothing() {
    let mut rig = Rig::new(Wanted { block_time: Some(0.2), ..Wanted::default() }).await;
    // So long that nobody notices a loss by renewing: only the check in each commit protects.
    rig.options.lease = Duration::from_secs(40);
    let workers = [rig.start(), rig.start()];
    let mut queued = Vec::new();
    for round in 0..8 {
        queued.extend(rig.queue_transfers(&format!("round {round}"), 10).await);
        // Give the lease to another epoch under the feet of its holder.
        sqlx::query("update leases set expires_at = now(), holder = gen_random_uuid()")
            .execute(&rig.database.db)
            .await
            .unwrap();
        rig.until(
            queued[round * 10].0,
            &[
                vocab::JobStatus::Submitted,
                vocab::JobStatus::Tentative,
                vocab::JobStatus::Auditable,
                vocab::JobStatus::Final,
            ],
        )
        .await;
    }
    rig.all_final_once(&queued).await;
    let used = rig.node.endpoint.transaction_count(rig.wallets[0]).await.unwrap();
    assert_eq!(used, 80);
    let epoch: i64 =
        sqlx::query_scalar("select epoch from leases").fetch_one(&rig.database.db).await.unwrap();
    assert!(epoch > 1, "the lease changed hands");
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_the_wallets() {
    let rig = Rig::new(Wanted { wallets: 4, ..Wanted::default() }).await;
    let (one, two) = (rig.start(), rig.start());
    let first = rig.queue_transfers("shared", 60).await;
    rig.all_final_once(&first).await;
    // Whoever held a wallet is gone; the other takes over.
    one.stop().await;
    let second = rig.queue_transfers("alone", 60).await;
    rig.all_final_once(&second).await;
    two.stop().await;
}

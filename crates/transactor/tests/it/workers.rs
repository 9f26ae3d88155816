//! Several workers, one pool of wallets.

use crate::{
    kill,
    rig::{PATIENCE, Rig, Wanted},
};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use testkit::eventually_within;
use uuid::Uuid;
use vocab::JobStatus;

/// How many wallets each live worker serves, fewest first.
async fn divided(rig: &Rig) -> Vec<i64> {
    sqlx::query_scalar(
        "select count(*) from leases
          where name like 'wallet:%' and expires_at > now() group by holder order by 1",
    )
    .fetch_all(&rig.database.db)
    .await
    .unwrap()
}

async fn until_divided(rig: &Rig, expected: &[i64]) {
    eventually_within(PATIENCE, &format!("the wallets are divided {expected:?}"), || async {
        (divided(rig).await == expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_workers_divide_the_wallets_evenly() {
    let rig = Rig::new(Wanted { wallets: 5, ..Wanted::default() }).await;
    let one = rig.start();
    until_divided(&rig, &[5]).await;
    let queued = rig.queue_transfers("one", 30).await;
    let two = rig.start();
    until_divided(&rig, &[2, 3]).await;
    let three = rig.start();
    until_divided(&rig, &[1, 2, 2]).await;
    let more = rig.queue_transfers("three", 30).await;
    one.stop().await;
    until_divided(&rig, &[2, 3]).await;
    three.stop().await;
    until_divided(&rig, &[5]).await;
    rig.all_final_once(&[queued, more].concat()).await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lanes_of_a_killed_worker_move_within_the_lease_time() {
    let rig = Rig::new(Wanted { wallets: 4, ..Wanted::default() }).await;
    let mut total = 0;
    let mut all = Vec::new();
    // Leases of these processes: 500 ms.
    let mut workers = vec![kill::start_with(&rig, None, 4), kill::start_with(&rig, None, 4)];
    until_divided(&rig, &[2, 2]).await;
    for round in 0..4 {
        all.extend(rig.queue_transfers(&format!("round {round}"), 40).await);
        total += 40;
        rig.until(all[all.len() - 20].0, &[JobStatus::Submitted, JobStatus::Tentative]).await;
        drop(workers.remove(0));
        let killed = Instant::now();
        until_divided(&rig, &[4]).await;
        let took = killed.elapsed();
        assert!(took < Duration::from_secs(5), "the lanes moved after {took:?}");
        workers.push(kill::start_with(&rig, None, 4));
        until_divided(&rig, &[2, 2]).await;
    }
    rig.all_final_once(&all).await;
    let mut used = 0;
    for wallet in &rig.wallets {
        used += rig.node.endpoint.transaction_count(*wallet).await.unwrap();
    }
    assert_eq!(used, total, "nothing was sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_does_not_know_of_its_loss_changes_nothing() {
    let mut rig = Rig::new(Wanted { wallets: 2, ..Wanted::default() }).await;
    // Nobody notices a loss by renewing: only the check in each commit protects.
    rig.options.lease = Duration::from_secs(40);
    let workers = [rig.start(), rig.start()];
    until_divided(&rig, &[1, 1]).await;
    let (mut queued, mut holders) = (Vec::new(), BTreeSet::new());
    for round in 0..6 {
        queued.extend(rig.queue_transfers(&format!("round {round}"), 10).await);
        // The other worker thinks this one dead and takes its wallet, while it works on.
        let holder: Uuid = sqlx::query_scalar(
            "update leases set expires_at = now()
              where name = (select min(name) from leases where name like 'wallet:%')
             returning holder",
        )
        .fetch_one(&rig.database.db)
        .await
        .unwrap();
        sqlx::query("delete from workers where id = $1")
            .bind(holder)
            .execute(&rig.database.db)
            .await
            .unwrap();
        let next = eventually_within(PATIENCE, "somebody has the wallet", || async {
            sqlx::query_scalar::<_, Uuid>(
                "select holder from leases
                  where name = (select min(name) from leases where name like 'wallet:%')
                    and expires_at > now()",
            )
            .fetch_optional(&rig.database.db)
            .await
            .unwrap()
        })
        .await;
        holders.extend([holder, next]);
    }
    rig.all_final_once(&queued).await;
    assert!(holders.len() > 1, "the wallet changed hands");
    let mut used = 0;
    for wallet in &rig.wallets {
        used += rig.node.endpoint.transaction_count(*wallet).await.unwrap();
    }
    assert_eq!(used, 60);
    for worker in workers {
        worker.stop().await;
    }
}

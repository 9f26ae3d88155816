//! Several workers, one pool of wallets.

use crate::{
    kill,
    rig::{PATIENCE, ROLE, Rig, Wanted},
};
use std::time::Duration;
use testkit::eventually_within;
use uuid::Uuid;
use vocab::JobStatus;

/// Handed over at least.
const OUT: &[JobStatus] =
    &[JobStatus::Submitted, JobStatus::Tentative, JobStatus::Auditable, JobStatus::Final];

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

/// For how many seconds the leases hold at most, unless they are renewed.
async fn longest(rig: &Rig) -> f64 {
    sqlx::query_scalar(
        "select max(extract(epoch from expires_at - clock_timestamp()))::float8 from leases",
    )
    .fetch_one(&rig.database.db)
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
        rig.until(all[all.len() - 20].0, OUT).await;
        // What the dead one leaves behind ends by itself within the lease time.
        assert!(longest(&rig).await <= 0.5);
        drop(workers.remove(0));
        until_divided(&rig, &[4]).await;
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

/// Who serves the first wallet.
async fn holder(rig: &Rig) -> Option<Uuid> {
    sqlx::query_scalar(
        "select holder from leases
          where name = (select min(name) from leases where name like 'wallet:%')
            and expires_at > now()",
    )
    .fetch_optional(&rig.database.db)
    .await
    .unwrap()
}

/// Strike a worker off the list, and keep it from coming back for as long as the transaction lives:
/// others see it dead, and it can't look for wallets, while its lanes work on.
async fn keep_off(rig: &Rig, worker: Uuid) -> db::PgTransaction<'static> {
    let (struck, kept) = (
        "delete from workers where id = $1",
        "insert into workers (chain_id, role, id, expires_at) values ($1, $2, $3, now())
         on conflict do nothing",
    );
    eventually_within(PATIENCE, "the worker is off the list", || async {
        sqlx::query(struck).bind(worker).execute(&rig.database.db).await.unwrap();
        let mut transaction = rig.database.db.begin().await.unwrap();
        let inserted = sqlx::query(kept)
            .bind(rig.node.chain_id.as_i64())
            .bind(ROLE)
            .bind(worker)
            .execute(&mut *transaction)
            .await
            .unwrap();
        (inserted.rows_affected() == 1).then_some(transaction)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_does_not_know_of_its_loss_changes_nothing() {
    let mut rig = Rig::new(Wanted { wallets: 2, ..Wanted::default() }).await;
    // Nobody notices a loss by renewing: only the check in each commit protects.
    rig.options.lease = Duration::from_secs(40);
    let workers = [rig.start(), rig.start()];
    let mut queued = Vec::new();
    for round in 0..4 {
        until_divided(&rig, &[1, 1]).await;
        let loser = holder(&rig).await.unwrap();
        let off = keep_off(&rig, loser).await;
        queued.extend(rig.queue_transfers(&format!("round {round}"), 15).await);
        // The other worker thinks this one dead and takes its wallet, while it works on.
        sqlx::query("update leases set expires_at = now() where holder = $1")
            .bind(loser)
            .execute(&rig.database.db)
            .await
            .unwrap();
        let next = eventually_within(PATIENCE, "somebody has the wallet", || holder(&rig)).await;
        assert_ne!(next, loser, "the wallet changed hands");
        // A session that was idle for too long has been rolled back already.
        let _ = off.rollback().await;
    }
    rig.all_final_once(&queued).await;
    let mut used = 0;
    for wallet in &rig.wallets {
        used += rig.node.endpoint.transaction_count(*wallet).await.unwrap();
    }
    assert_eq!(used, 60);
    for worker in workers {
        worker.stop().await;
    }
}

//! A clock that jumps: the database's, by which leases, claims and deadlines are told.

use crate::rig::{PATIENCE, ROLE, Rig, Wanted, Worker, transfer};
use alloy_primitives::{Address, U256};
use db::{
    Db,
    transactions::{ClaimFilter, claim_ready},
};
use serde_json::json;
use testkit::eventually_within;
use time::OffsetDateTime;
use transactor::NewTransaction;
use vocab::JobStatus;

/// `now()` as the engine's statements know it comes from here; it can be moved.
const CLOCK: &str = "
    create schema moved;
    create table moved.by (by interval not null);
    insert into moved.by values ('0');
    create function moved.now() returns timestamptz stable language sql
        as 'select pg_catalog.now() + by from moved.by';
    create function moved.statement_timestamp() returns timestamptz stable language sql
        as 'select pg_catalog.statement_timestamp() + by from moved.by';";

/// Handed over at least.
const OUT: &[JobStatus] =
    &[JobStatus::Submitted, JobStatus::Tentative, JobStatus::Auditable, JobStatus::Final];

struct Clock<'r>(&'r Rig);

impl<'r> Clock<'r> {
    /// And connections that go by it.
    async fn of(rig: &'r Rig) -> (Self, Db) {
        sqlx::raw_sql(CLOCK).execute(&rig.database.db).await.unwrap();
        let db = db::connect(&rig.database.url, 12).await.unwrap();
        let name: String =
            sqlx::query_scalar("select current_database()").fetch_one(&db).await.unwrap();
        let path = format!("alter database {name} set search_path = moved, pg_catalog, public");
        sqlx::raw_sql(sqlx::AssertSqlSafe(path)).execute(&db).await.unwrap();
        db.close().await;
        (Self(rig), db::connect(&rig.database.url, 12).await.unwrap())
    }

    async fn jump(&self, to: &str) {
        sqlx::query("update moved.by set by = $1::text::interval")
            .bind(to)
            .execute(&self.0.database.db)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_doubles_nothing_and_stops_nothing() {
    let rig = Rig::new(Wanted { wallets: 2, ..Wanted::default() }).await;
    let (clock, db) = Clock::of(&rig).await;
    let start = || {
        let mut config = rig.config();
        config.db = db.clone();
        Worker::start(config)
    };
    let workers = [start(), start()];
    rig.leases_held(2).await;
    let mut queued = rig.queue_transfers("before", 20).await;
    // Leases, claims and attempts are suddenly old, or made far in the future.
    for (round, to) in ["1 hour", "0", "-2 seconds", "1 day", "0"].into_iter().enumerate() {
        rig.until(queued[queued.len() - 20].0, OUT).await;
        clock.jump(to).await;
        queued.extend(rig.queue_transfers(&format!("jump {round}"), 20).await);
    }
    rig.all_final_once(&queued).await;
    let mut used = 0;
    for wallet in &rig.wallets {
        used += rig.node.endpoint.transaction_count(*wallet).await.unwrap();
    }
    assert_eq!(used, 120, "nothing was sent twice");
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_died_before_the_clock_went_back_holds_nothing_up() {
    let rig = Rig::new(Wanted { wallets: 2, ..Wanted::default() }).await;
    rig.node.call("evm_setIntervalMining", json!([0])).await;
    let (clock, db) = Clock::of(&rig).await;
    let start = || {
        let mut config = rig.config();
        config.db = db.clone();
        Worker::start(config)
    };
    clock.jump("1 day").await;
    let dead = start();
    rig.leases_held(2).await;
    let mut queued = rig.queue_transfers("sent", 4).await;
    for (id, _) in &queued {
        rig.until(*id, &[JobStatus::Submitted]).await;
    }
    // It dies with its leases, its place among the workers and a claim; the node forgets.
    drop(dead);
    let claimed = rig.queue_transfers("claimed", 4).await;
    let filter = ClaimFilter {
        chain_id: rig.node.chain_id,
        role: ROLE,
        wallet: rig.wallets[0],
        limit: 4,
        seconds: 3.0,
        seconds_max: 10.0,
        paused: &[],
    };
    let mut connection = db.acquire().await.unwrap();
    assert_eq!(claim_ready(&mut connection, filter).await.unwrap().len(), 4);
    assert!(claim_ready(&mut connection, filter).await.unwrap().is_empty(), "a claim holds");
    drop(connection);
    rig.node.call("anvil_dropAllTransactions", json!([])).await;
    clock.jump("0").await;
    rig.node.call("evm_setIntervalMining", json!([1])).await;
    let heir = start();
    queued.extend(claimed);
    rig.all_final_once(&queued).await;
    let workers: i64 = sqlx::query_scalar("select count(*) from workers")
        .fetch_one(&rig.database.db)
        .await
        .unwrap();
    assert_eq!(workers, 1, "the dead one is listed no more");
    heir.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_higher_offer_that_is_asked_for_after_the_clock_went_back_is_made() {
    let rig = Rig::new(Wanted::default()).await;
    rig.node.call("evm_setIntervalMining", json!([0])).await;
    let (clock, db) = Clock::of(&rig).await;
    clock.jump("1 hour").await;
    let mut config = rig.config();
    config.db = db;
    let worker = Worker::start(config);
    let queued = rig.queue_transfers("slow", 1).await;
    let id = queued[0].0;
    rig.until(id, &[JobStatus::Submitted]).await;
    clock.jump("0").await;
    rig.speed_up(id).await.unwrap();
    eventually_within(PATIENCE, "it is priced anew", || async {
        (rig.attempts(id).await.len() > 1).then_some(())
    })
    .await;
    rig.node.call("evm_setIntervalMining", json!([1])).await;
    rig.all_final_once(&queued).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_past_a_deadline_ends_what_was_not_mined_and_pays_nobody() {
    let rig = Rig::new(Wanted::default()).await;
    rig.node.call("evm_setIntervalMining", json!([0])).await;
    let (clock, db) = Clock::of(&rig).await;
    let mut config = rig.config();
    config.db = db;
    let worker = Worker::start(config);
    let to = Address::repeat_byte(0x77);
    let deadline = Some(OffsetDateTime::now_utc() + time::Duration::minutes(30));
    let late = rig.queue_one(NewTransaction { deadline, ..transfer(to) }).await;
    rig.until(late, &[JobStatus::Submitted]).await;
    clock.jump("1 hour").await;
    eventually_within(PATIENCE, "its nonce is voided", || async {
        rig.attempts(late).await.iter().any(|(_, void, hash)| *void && hash.is_some()).then_some(())
    })
    .await;
    rig.node.call("evm_setIntervalMining", json!([1])).await;
    rig.until(late, &[JobStatus::Expired]).await;
    assert_eq!(rig.balance(to).await, U256::ZERO);
    worker.stop().await;
}

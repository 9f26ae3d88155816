//! In which order a lane works when a block has come. The next one waits for none of it.

use crate::rig::{Rig, Wanted, Worker, transfer};
use alloy_primitives::Address;
use std::time::Duration;
use testkit::{Fault, FaultProxy, Rule};
use transactor::NewTransaction;
use vocab::JobStatus;

/// Nothing happens but by a block.
async fn rig_of(in_flight_max: u16) -> Rig {
    let extra = vec!["--no-mining".to_owned()];
    let mut rig =
        Rig::new(Wanted { block_time: None, in_flight_max, extra, ..Wanted::default() }).await;
    let never = Duration::from_secs(600);
    (rig.options.tick, rig.options.retry) = (never, never);
    rig
}

/// All that was told, in order: of which of these jobs, and what.
async fn told(rig: &Rig, jobs: [&str; 2]) -> Vec<(usize, String)> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select attributes->>'transaction_id', data->>'status' from outbox
          where topic = 'transactions' order by id",
    )
    .fetch_all(&rig.database.db)
    .await
    .unwrap();
    let place = |id: &String| jobs.iter().position(|job| job == id).unwrap();
    rows.into_iter().map(|(id, status)| (place(&id), status)).collect()
}

fn index(told: &[(usize, String)], job: usize, status: &str) -> usize {
    let found = told.iter().position(|(of, what)| *of == job && what == status);
    found.unwrap_or_else(|| panic!("{job} is not told to be {status}: {told:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_mined_makes_room_before_levels_are_raised() {
    let rig = rig_of(1).await;
    let worker = rig.start();
    let queued = rig.queue_transfers("room", 2).await;
    rig.until(queued[0].0, &[JobStatus::Submitted]).await;
    worker.stop().await;
    rig.node.mine(10).await;
    rig.headers_at_head().await;

    let worker = rig.start();
    rig.until(queued[0].0, &[JobStatus::Final]).await;
    let (first, second) = (queued[0].0.to_string(), queued[1].0.to_string());
    let told = told(&rig, [&first, &second]).await;
    let taken = index(&told, 1, "reserved");
    assert!(index(&told, 0, "tentative") < taken, "{told:?}");
    assert!(taken < index(&told, 0, "final"), "{told:?}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_leave_before_what_is_mined_is_recorded() {
    let rig = rig_of(2).await;
    let worker = rig.start();
    let mined = rig.queue_transfers("mined", 1).await[0].0;
    rig.until(mined, &[JobStatus::Submitted]).await;
    worker.stop().await;
    rig.node.mine(2).await;
    rig.headers_at_head().await;

    let waiting = rig.queue_transfers("waiting", 1).await[0].0;
    let worker = rig.start();
    rig.until(mined, &[JobStatus::Tentative, JobStatus::Auditable]).await;
    let told = told(&rig, [&mined.to_string(), &waiting.to_string()]).await;
    assert!(index(&told, 1, "submitted") < index(&told, 0, "tentative"), "{told:?}");
    worker.stop().await;
}

/// What a lane does while the others wait includes the simulation.
#[tokio::test(flavor = "multi_thread")]
async fn four_lanes_take_jobs_at_the_same_time() {
    let rig = Rig::new(Wanted { wallets: 7, ..Wanted::default() }).await;
    let far = FaultProxy::start(&rig.node.anvil.http_url()).await;
    far.add(Rule::new(Fault::Delay(Duration::from_millis(400))).on("eth_estimateGas"));
    let worker = Worker::start(rig.config_with(&[&far.http_url()], Duration::from_secs(5)));
    let mut queued = Vec::new();
    for (place, wallet) in rig.wallets.iter().enumerate() {
        let to = Address::with_last_byte(u8::try_from(place + 100).unwrap());
        let job = NewTransaction { wallet: Some(*wallet), ..transfer(to) };
        queued.push((rig.queue_one(job).await, to));
    }
    rig.all_final_once(&queued).await;
    assert_eq!(far.count("eth_estimateGas"), 7);
    assert_eq!(far.most_at_once("eth_estimateGas"), 4);
    worker.stop().await;
}

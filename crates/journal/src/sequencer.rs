//! The one task that gives facts their numbers.

use db::{Db, DbError, leases, leases::Lease, outbox};
use std::{future::Future, time::Duration};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

const LEASE: &str = "sequencer";

#[derive(Clone, Copy, Debug)]
pub struct SequencerOptions {
    /// Facts numbered in one commit.
    pub batch_max: i64,
    /// Pause when nothing waits. Bounds the time from commit to number.
    pub idle: Duration,
    /// How long a dead sequencer blocks its successor.
    pub lease: Duration,
}

impl Default for SequencerOptions {
    fn default() -> Self {
        Self { batch_max: 2_000, idle: Duration::from_millis(15), lease: Duration::from_secs(5) }
    }
}

/// Number facts until `shutdown` ends; stands by while another process does it. Database trouble
/// is retried for ever with a pause, and said in the log.
pub async fn run_sequencer(db: Db, options: SequencerOptions, shutdown: impl Future<Output = ()>) {
    tokio::select! {
        () = shutdown => {}
        () = run(&db, options) => {}
    }
}

async fn run(db: &Db, options: SequencerOptions) {
    let holder = Uuid::now_v7();
    let mut lease: Option<(Lease, Instant)> = None;
    loop {
        let pause = match step(db, options, holder, &mut lease).await {
            Ok(moved) if moved >= options.batch_max.unsigned_abs() => Duration::ZERO,
            Ok(_) if lease.is_some() => options.idle,
            Ok(_) => options.lease / 4,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "facts wait for a number");
                lease = None;
                Duration::from_millis(500)
            }
        };
        sleep(pause).await;
    }
}

/// One commit: the lease is checked in it, so a sequencer that was thought dead changes nothing.
async fn step(
    db: &Db,
    options: SequencerOptions,
    holder: Uuid,
    held: &mut Option<(Lease, Instant)>,
) -> Result<u64, DbError> {
    let ttl = options.lease.try_into().unwrap_or(time::Duration::seconds(5));
    let mut connection = db.acquire().await?;
    let renewed = held.as_ref().is_some_and(|(_, at)| at.elapsed() < options.lease / 3);
    if !renewed {
        let lease = leases::acquire(&mut connection, LEASE, holder, ttl).await?;
        *held = lease.map(|lease| (lease, Instant::now()));
    }
    let Some((lease, _)) = held.as_ref() else { return Ok(0) };
    if outbox::is_empty(&mut connection).await? {
        return Ok(0);
    }
    drop(connection);
    let mut transaction = db.begin().await?;
    if !leases::lock_held(&mut transaction, lease).await? {
        *held = None;
        return Ok(0);
    }
    let moved = outbox::move_to_facts(&mut transaction, options.batch_max).await?;
    transaction.commit().await?;
    metrics::counter!("journal_facts_total").increment(moved);
    Ok(moved)
}

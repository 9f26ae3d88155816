//! The one task that gives facts their numbers.

use crate::Leader;
use db::{Db, DbError, leases, outbox};
use std::{future::Future, time::Duration};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

const LEASE: &str = "sequencer";

/// Of the whole process, as the sequencer is.
static RUNG: Notify = Notify::const_new();

/// Tell the sequencer that facts were committed which somebody waits for: it need not finish its
/// pause. A hint only. A sequencer of another process does not hear it, and what many commits a
/// second do had better wait for the pause, to be numbered together.
pub fn ring() {
    RUNG.notify_one();
}

#[derive(Clone, Copy, Debug)]
pub struct SequencerOptions {
    /// Facts numbered in one commit.
    pub batch_max: i64,
    /// Pause when little waits, unless somebody rings. Bounds the time from commit to number.
    pub idle: Duration,
    /// The same after a commit that numbered many, if longer: each costs the database and all who
    /// follow the log the same for one fact as for hundreds.
    pub busy: Duration,
    /// How long a dead sequencer blocks its successor.
    pub lease: Duration,
}

impl Default for SequencerOptions {
    fn default() -> Self {
        Self {
            batch_max: 2_000,
            idle: Duration::from_millis(15),
            busy: Duration::from_millis(50),
            lease: Duration::from_secs(5),
        }
    }
}

/// So many facts in one commit are many.
const MANY: u64 = 32;

impl SequencerOptions {
    /// How long to wait for more after a commit that numbered so many; not at all when more wait.
    fn pause(self, numbered: u64) -> Duration {
        match numbered {
            full if full >= self.batch_max.unsigned_abs() => Duration::ZERO,
            MANY.. => self.busy.max(self.idle),
            _ => self.idle,
        }
    }
}

/// Number facts until `shutdown` ends; stands by while another process does it. Database trouble
/// is retried for ever with a pause, and said in the log.
pub async fn run_sequencer(db: Db, options: SequencerOptions, shutdown: impl Future<Output = ()>) {
    let mut leader = Leader::new(LEASE, options.lease);
    tokio::select! {
        () = shutdown => {}
        () = run(&db, options, &mut leader) => {}
    }
    leader.resign(&db).await;
}

async fn run(db: &Db, options: SequencerOptions, leader: &mut Leader) {
    loop {
        let pause = match step(db, options, leader).await {
            Ok(Some(moved)) => {
                let _ = timeout(options.pause(moved), RUNG.notified()).await;
                continue;
            }
            Ok(None) => options.lease / 4,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "facts wait for a number");
                leader.lost();
                Duration::from_millis(500)
            }
        };
        sleep(pause).await;
    }
}

/// One commit: the lease is checked in it, so a sequencer that was thought dead changes nothing.
/// Gives how many facts were numbered; none when another process is the sequencer.
async fn step(
    db: &Db,
    options: SequencerOptions,
    leader: &mut Leader,
) -> Result<Option<u64>, DbError> {
    let Some(lease) = leader.lease(db).await? else { return Ok(None) };
    if outbox::is_empty(&mut *db.acquire().await?).await? {
        return Ok(Some(0));
    }
    let mut transaction = db::begin(db).await?;
    if !leases::lock_held(&mut transaction, &lease).await? {
        leader.lost();
        return Ok(None);
    }
    let moved = outbox::move_to_facts(&mut transaction, options.batch_max).await?;
    transaction.commit().await?;
    metrics::counter!("journal_facts_total").increment(moved);
    Ok(Some(moved))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_was_numbered_the_more_is_waited_for() {
        let options = SequencerOptions::default();
        assert_eq!(options.pause(0), options.idle);
        assert_eq!(options.pause(MANY - 1), options.idle);
        assert_eq!(options.pause(MANY), options.busy);
        assert_eq!(options.pause(1_999), options.busy);
        assert_eq!(options.pause(2_000), Duration::ZERO, "more may wait");
        let rare = SequencerOptions { idle: Duration::from_secs(1), ..options };
        assert_eq!(rare.pause(MANY), rare.idle);
    }
}

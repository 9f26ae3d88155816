//! The loop: one writer of all processes, by lease.

use crate::step::{StepError, Writing};
use db::{Db, DbError};
use journal::{Leader, NewFact};
use serde_json::{Value, json};
use std::{error::Error, future::Future, path::PathBuf, time::Duration};
use tokio::time::sleep;
use vocab::topic;

const LEASE: &str = "audit_log";
/// Between two tries at a log that can't be written.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub struct Options {
    /// Where the files are; made with mode 0700 when missing. One process at a time holds it.
    pub directory: PathBuf,
    /// Pause when no facts wait.
    pub idle: Duration,
    /// How long a dead writer blocks its successor.
    pub lease: Duration,
}

impl Options {
    /// A second's pause and a lease of five.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, idle: Duration::from_millis(500), lease: Duration::from_secs(5) }
    }
}

/// Write the log until `shutdown` ends; stands by while another process does. Trouble is retried
/// for ever with a pause: nothing is written to files that disagree with the database, which is
/// told by `audit_log_broken` and by a fact of that name.
pub async fn run(db: Db, options: Options, shutdown: impl Future<Output = ()>) {
    let mut leader = Leader::new(LEASE, options.lease);
    tokio::select! {
        () = shutdown => {}
        () = rounds(&db, &options, &mut leader) => {}
    }
    leader.resign(&db).await;
}

async fn rounds(db: &Db, options: &Options, leader: &mut Leader) {
    let mut writing = None;
    let mut trouble = Trouble::default();
    loop {
        let pause = match round(db, options, leader, &mut writing).await {
            Ok(Some(0)) => options.idle,
            Ok(Some(_)) => Duration::ZERO,
            Ok(None) => options.lease / 4,
            Err(error) => {
                writing = None;
                if matches!(error, StepError::Lost | StepError::Db(_)) {
                    leader.lost();
                }
                trouble.note(db, &error).await;
                sleep(PAUSE).await;
                continue;
            }
        };
        trouble.over(db).await;
        sleep(pause).await;
    }
}

/// How many facts still wait; none: another process writes.
async fn round(
    db: &Db,
    options: &Options,
    leader: &mut Leader,
    writing: &mut Option<Writing>,
) -> Result<Option<i64>, StepError> {
    let Some(lease) = leader.lease(db).await? else {
        *writing = None;
        return Ok(None);
    };
    let writing = match writing {
        Some(writing) => writing,
        none => none.insert(begin(db, options).await?),
    };
    let waiting = writing.step(db, &lease).await?;
    #[allow(clippy::cast_precision_loss)]
    metrics::gauge!("audit_log_facts_waiting").set(waiting as f64);
    Ok(Some(waiting))
}

async fn begin(db: &Db, options: &Options) -> Result<Writing, StepError> {
    let writing = Writing::open(db, options).await?;
    if writing.missing > 0 {
        let from = writing.head().seq + 1;
        tracing::error!(
            lines = writing.missing,
            from,
            "the end of the audit log is gone; it is \
            written again"
        );
        metrics::counter!("audit_log_restored_lines_total").increment(writing.missing);
        tell(db, "audit_log_end_missing", json!({ "lines": writing.missing, "from": from }))
            .await?;
    }
    Ok(writing)
}

/// What was said of a log that can't be written: once, until it changes.
#[derive(Default)]
struct Trouble(Option<String>);

impl Trouble {
    async fn note(&mut self, db: &Db, error: &StepError) {
        tracing::warn!(error = error as &dyn Error, "the audit log waits");
        // The database's absence is told by everything else; a lost lease is no trouble.
        if matches!(error, StepError::Lost | StepError::Db(_)) {
            return;
        }
        metrics::gauge!("audit_log_broken").set(1.0);
        let reason = reason_of(error);
        if self.0.as_ref() != Some(&reason) {
            tracing::error!(reason, "the audit log can't be written");
            let told = tell(db, "audit_log_broken", json!({ "reason": reason })).await;
            self.0 = told.is_ok().then_some(reason);
        }
    }

    async fn over(&mut self, db: &Db) {
        metrics::gauge!("audit_log_broken").set(0.0);
        if self.0.take().is_some() {
            tracing::info!("the audit log is written again");
            if let Err(error) = tell(db, "audit_log_mended", json!({})).await {
                tracing::warn!(error = &error as &dyn Error, "it could not be told");
            }
        }
    }
}

fn reason_of(error: &StepError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// An alert as a fact.
async fn tell(db: &Db, kind: &'static str, data: Value) -> Result<(), DbError> {
    let fact = NewFact {
        topic: topic::TRANSACTIONS,
        kind,
        reverting: false,
        attributes: json!({}),
        chain_id: None,
        block: None,
        data,
    };
    journal::record(&mut *db.acquire().await.map_err(DbError::from)?, &[fact]).await
}

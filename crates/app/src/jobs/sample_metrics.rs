//! Each process writes down, every ten seconds, how it gets on: a fixed list of values, for the
//! charts of the console. They are kept for a day.

use crate::{
    App, AppError,
    metric_series::{INTERVAL, KEPT, Kind, SERIES, Source},
};
use db::metric_samples;
use runtime::{Metrics, Reading};
use std::{collections::HashMap, error::Error, time::Duration};
use time::OffsetDateTime;
use tokio::time::sleep;
use uuid::Uuid;

/// Rows of one commit, and commits in one round.
const BATCH: i64 = 5_000;
const BATCHES: usize = 20;
/// Rounds between two that forget.
const FORGETTING: u64 = 6;

/// What a process told when it was looked at last.
#[derive(Debug, Default)]
struct Before {
    sums: HashMap<&'static str, f64>,
    reading: Option<Reading>,
}

impl App {
    /// Sample until it is dropped: at each full interval of the clock, so that the samples of
    /// several processes are of the same times. What can't be written is lost, and told as absent.
    pub async fn sample_metrics(&self, metrics: Metrics) {
        let process = Uuid::now_v7();
        let mut before = Before::default();
        let mut rounds = 0u64;
        loop {
            let began = interval_of(OffsetDateTime::now_utc());
            let end = began + INTERVAL;
            let left = end - OffsetDateTime::now_utc();
            sleep(Duration::try_from(left).unwrap_or_default()).await;
            metrics.upkeep();
            let samples = before.samples(metrics.read());
            let recorded = self.record_samples((process, began), &samples).await;
            if let Err(error) = recorded {
                tracing::debug!(error = &error as &dyn Error, "samples of metrics are lost");
            }
            if rounds.is_multiple_of(FORGETTING)
                && let Err(error) = self.forget_samples(end - KEPT).await
            {
                tracing::debug!(error = &error as &dyn Error, "old samples of metrics stay");
            }
            rounds += 1;
        }
    }

    async fn record_samples(
        &self,
        place: (Uuid, OffsetDateTime),
        samples: &[(&str, f64)],
    ) -> Result<(), AppError> {
        Ok(metric_samples::record(&mut *self.connection().await?, place, samples).await?)
    }

    async fn forget_samples(&self, before: OffsetDateTime) -> Result<(), AppError> {
        for _ in 0..BATCHES {
            let mut db = self.connection().await?;
            if metric_samples::delete_before(&mut db, before, BATCH).await? < BATCH.unsigned_abs() {
                break;
            }
        }
        Ok(())
    }
}

impl Before {
    /// What is to be told of the time since the last look: of what is counted, how much came.
    fn samples(&mut self, now: Reading) -> Vec<(&'static str, f64)> {
        let mut samples = Vec::with_capacity(SERIES.len());
        for series in SERIES {
            let value = match series.source {
                Source::Sum(metric, part) => now.sum(metric, part),
                Source::Highest(metric) => now.highest(metric),
                Source::Quantile(metric, part) => {
                    let before = self.reading.as_ref();
                    let before = before.map(|reading| reading.buckets(metric)).unwrap_or_default();
                    now.buckets(metric).quantile_since(&before, part)
                }
            };
            let told = match series.kind {
                Kind::Rate => {
                    let before = self.sums.insert(series.name, value).unwrap_or_default();
                    (value - before).max(0.0)
                }
                Kind::Highest | Kind::Total => value,
            };
            samples.push((series.name, told));
        }
        self.reading = Some(now);
        samples
    }
}

/// When the interval of a time began.
fn interval_of(time: OffsetDateTime) -> OffsetDateTime {
    let whole = INTERVAL.whole_seconds();
    let began = time.unix_timestamp().div_euclid(whole) * whole;
    OffsetDateTime::from_unix_timestamp(began).unwrap_or(time)
}

//! How the engine gets on, over time: a fixed list of series, for the charts of the console.

use crate::{App, AppError, Caller, Refusal};
use auth::{Action, authorize};
use db::metric_samples;
use std::collections::HashMap;
use time::{Duration, OffsetDateTime};

/// Between two samples of a process.
pub const INTERVAL: Duration = Duration::seconds(10);
/// For how long they are kept.
pub const KEPT: Duration = Duration::days(1);
/// Points of one series at most.
pub const POINTS_MAX: i64 = 1_000;
const HOUR: Duration = Duration::hours(1);
const STEP_USUAL: i64 = 60;

/// How samples of a step become its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What came in it, per second, of all processes.
    Rate,
    /// The highest value that any process had.
    Highest,
    /// The highest value of each process, added up.
    Total,
}

/// Where a sample comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// A metric, over those labels that hold a text.
    Sum(&'static str, &'static str),
    /// The highest value of a metric, over its labels.
    Highest(&'static str),
    /// A part of what a histogram counted since the sample before.
    Quantile(&'static str, f64),
}

/// One of the series there are.
#[derive(Clone, Copy, Debug)]
pub struct SeriesKind {
    pub name: &'static str,
    pub kind: Kind,
    pub unit: &'static str,
    pub(crate) source: Source,
}

const fn of(name: &'static str, kind: Kind, unit: &'static str, source: Source) -> SeriesKind {
    SeriesKind { name, kind, unit, source }
}

const HTTP: &str = "http_requests_total";
const HTTP_TIME: &str = "http_request_duration_seconds";
const LEVELS: &str = "transactor_level_seconds_count";

/// All there are.
pub const SERIES: &[SeriesKind] = &[
    of("requests", Kind::Rate, "1/s", Source::Sum(HTTP, "")),
    of("errors", Kind::Rate, "1/s", Source::Sum(HTTP, "status=\"5")),
    of("limited", Kind::Rate, "1/s", Source::Sum(HTTP, "status=\"429\"")),
    of("request_p50", Kind::Highest, "s", Source::Quantile(HTTP_TIME, 0.5)),
    of("request_p99", Kind::Highest, "s", Source::Quantile(HTTP_TIME, 0.99)),
    of("mints_accepted", Kind::Rate, "1/s", Source::Sum("mints_accepted_total", "")),
    of("transactions_accepted", Kind::Rate, "1/s", Source::Sum("transactions_accepted_total", "")),
    of("transactions_confirmed", Kind::Rate, "1/s", Source::Sum(LEVELS, "level=\"tentative\"")),
    of("transactions_final", Kind::Rate, "1/s", Source::Sum(LEVELS, "level=\"final\"")),
    of("queue_depth", Kind::Highest, "1", Source::Sum("transactor_queue_depth", "")),
    of("queue_oldest", Kind::Highest, "s", Source::Highest("transactor_queue_oldest_seconds")),
    of("in_flight", Kind::Highest, "1", Source::Sum("transactor_in_flight", "")),
    of("index_lag", Kind::Highest, "blocks", Source::Highest("indexer_chain_lag")),
    of("facts", Kind::Rate, "1/s", Source::Sum("journal_facts_total", "")),
    of("streams", Kind::Total, "1", Source::Sum("push_connections", "")),
    of("webhooks_pending", Kind::Highest, "1", Source::Sum("webhooks_pending", "")),
];

/// Which series to read, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct SeriesQuery<'a> {
    /// Names with commas between; none: all.
    pub names: Option<&'a str>,
    /// An hour before `to` when absent.
    pub from: Option<OffsetDateTime>,
    /// Now when absent.
    pub to: Option<OffsetDateTime>,
    /// Seconds; a minute when absent.
    pub step: Option<i64>,
}

/// One series of a window.
#[derive(Clone, Debug)]
pub struct Series {
    pub series: SeriesKind,
    /// Of each step, in order; none: nobody has told.
    pub points: Vec<Option<f64>>,
}

/// A window, in steps.
#[derive(Clone, Debug)]
pub struct SeriesWindow {
    pub from: OffsetDateTime,
    pub to: OffsetDateTime,
    pub step: i64,
    pub series: Vec<Series>,
}

impl App {
    /// Series over a window that is widened to whole steps.
    ///
    /// # Errors
    /// [`Refusal::FilterUnfit`] for a name that there is not, and for too many points.
    pub async fn read_series(
        &self,
        caller: Caller<'_>,
        query: SeriesQuery<'_>,
    ) -> Result<SeriesWindow, AppError> {
        authorize(caller.actor, Action::ReadMetrics)?;
        let chosen = choose(query.names)?;
        let (from, to, step) = window(query, OffsetDateTime::now_utc())?;
        let count = usize::try_from((to - from).whole_seconds() / step).unwrap_or_default();
        let names: Vec<&str> = chosen.iter().map(|series| series.name).collect();
        let mut db = self.connection().await?;
        let found = metric_samples::load_steps(&mut db, &names, (from, to), step).await?;
        let mut points: HashMap<&str, Vec<Option<f64>>> = HashMap::new();
        for one in &found {
            let Some(series) = chosen.iter().find(|series| series.name == one.name) else {
                continue;
            };
            let all = points.entry(series.name).or_insert_with(|| vec![None; count]);
            let place = usize::try_from(one.place).ok().and_then(|place| all.get_mut(place));
            if let Some(point) = place {
                *point = Some(match series.kind {
                    Kind::Rate => one.sum / step as f64,
                    Kind::Highest => one.highest,
                    Kind::Total => one.highest_sum,
                });
            }
        }
        let series = chosen.into_iter().map(|series| {
            let points = points.remove(series.name).unwrap_or_else(|| vec![None; count]);
            Series { series, points }
        });
        Ok(SeriesWindow { from, to, step, series: series.collect() })
    }
}

/// In the order in which they are named.
fn choose(names: Option<&str>) -> Result<Vec<SeriesKind>, AppError> {
    let Some(names) = names else { return Ok(SERIES.to_vec()) };
    let mut chosen: Vec<SeriesKind> = Vec::new();
    for name in names.split(',') {
        let known = SERIES.iter().find(|series| series.name == name);
        let known = known.ok_or(Refusal::FilterUnfit("names", "there is no such series"))?;
        if chosen.iter().all(|one| one.name != name) {
            chosen.push(*known);
        }
    }
    Ok(chosen)
}

/// From, to and step in seconds.
fn window(
    query: SeriesQuery<'_>,
    now: OffsetDateTime,
) -> Result<(OffsetDateTime, OffsetDateTime, i64), AppError> {
    let refuse = |name, said| AppError::from(Refusal::FilterUnfit(name, said));
    let step = query.step.unwrap_or(STEP_USUAL);
    let interval = INTERVAL.whole_seconds();
    if !(interval..=HOUR.whole_seconds()).contains(&step) || step % interval != 0 {
        return Err(refuse("step", "10 to 3600 seconds, in tens"));
    }
    // Of the step that is under way not all is known yet.
    let to = query.to.unwrap_or(now).min(now).unix_timestamp().div_euclid(step) * step;
    let from = match query.from {
        Some(from) => from.unix_timestamp().div_euclid(step) * step,
        None => to - HOUR.whole_seconds().max(step),
    };
    if from >= to {
        return Err(refuse("from", "is not before `to`, or not in the past"));
    }
    if (to - from) / step > POINTS_MAX {
        return Err(refuse("step", "makes more than 1000 points of this window"));
    }
    let moment = |seconds| {
        let time = OffsetDateTime::from_unix_timestamp(seconds);
        time.map_err(|_| refuse("from", "is no time"))
    };
    Ok((moment(from)?, moment(to)?, step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn windows_are_of_whole_steps_and_bounded() {
        let now = datetime!(2026-11-20 12:00:37 UTC);
        let asked = |from, to, step| window(SeriesQuery { names: None, from, to, step }, now).ok();
        let at = |minute| datetime!(2026-11-20 11:00 UTC) + Duration::minutes(minute);
        assert_eq!(asked(None, None, None), Some((at(0), at(60), 60)));
        assert_eq!(asked(Some(at(30)), None, Some(600)), Some((at(30), at(60), 600)));
        let odd = Some(at(30) + Duration::seconds(7));
        assert_eq!(asked(odd, odd.map(|t| t + Duration::minutes(3)), None).unwrap().0, at(30));
        assert_eq!(asked(None, Some(at(900)), None), Some((at(0), at(60), 60)), "not to come");
        for (from, to, step) in [
            (None, None, Some(0)),
            (None, None, Some(15)),
            (None, None, Some(3_610)),
            (None, None, Some(i64::MAX)),
            (Some(at(60)), Some(at(60)), None),
            (Some(at(70)), None, None),
            (Some(at(-3 * 24 * 60)), None, Some(10)),
        ] {
            assert_eq!(asked(from, to, step), None, "{from:?} {to:?} {step:?}");
        }
    }

    #[test]
    fn names_are_chosen_once_each() {
        let names = |text| {
            let chosen = choose(Some(text)).ok()?;
            Some(chosen.iter().map(|series| series.name).collect::<Vec<_>>())
        };
        assert_eq!(names("errors,requests,errors"), Some(vec!["errors", "requests"]));
        assert_eq!((names("errors,"), names("secrets"), names("")), (None, None, None));
        assert_eq!(choose(None).map(|all| all.len()).ok(), Some(SERIES.len()));
    }
}

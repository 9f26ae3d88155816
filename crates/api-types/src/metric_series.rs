//! How the engine gets on, over time.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How what was sampled in a step became its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricSort {
    /// What came in it, per second, of all processes.
    Rate,
    /// The highest value that any process had.
    Highest,
    /// The highest value of each process, added up.
    Total,
}

/// One series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricSeries {
    #[schema(example = "requests")]
    pub name: String,
    pub sort: MetricSort,
    #[schema(example = "1/s")]
    pub unit: String,
    /// Of each step, from `from` on; null: no process has told.
    pub points: Vec<Option<f64>>,
}

/// Series over one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricSeriesList {
    /// When the first step begins.
    pub from: String,
    /// When the last one ends.
    pub to: String,
    #[schema(example = 60)]
    pub step_seconds: i64,
    pub items: Vec<MetricSeries>,
}

/// Which series, of when.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MetricSeriesQuery {
    /// Names with commas between; all when absent.
    #[param(example = "requests,errors", max_length = 1000)]
    pub names: Option<String>,
    /// RFC 3339; an hour before `to` when absent. Samples are kept for a day.
    #[param(example = "2026-11-20T11:00:00Z")]
    pub from: Option<String>,
    /// RFC 3339; now when absent.
    #[param(example = "2026-11-20T12:00:00Z")]
    pub to: Option<String>,
    /// Seconds, 10 to 3600 in tens; 60 when absent. At most 1,000 steps in the window.
    #[param(example = 60)]
    pub step: Option<i64>,
}

//! `/api/v1/metrics/series`: how the engine gets on, over time.

use crate::{
    ApiState,
    extract::{Holder, Queried},
    problem::{Code, Problem},
    show::time,
};
use api_types::{MetricSeries, MetricSeriesList, MetricSeriesQuery, MetricSort};
use app::{Series, SeriesQuery, SeriesSort};
use axum::{Json, extract::State};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Look at how the engine gets on
///
/// A fixed list of series, in steps, over all processes of the engine: for charts. The window is
/// widened to whole steps. What a process did in its last moments is told up to ten seconds later.
#[utoipa::path(
    get, path = "/api/v1/metrics/series", tag = "operation", operation_id = "get_metric_series",
    params(MetricSeriesQuery),
    responses((status = 200, description = "The series", body = MetricSeriesList)),
)]
pub(crate) async fn get_metric_series(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Queried(query): Queried<MetricSeriesQuery>,
) -> Result<Json<MetricSeriesList>, Problem> {
    let moment = |pointer: &str, text: &Option<String>| {
        let parse = |text: &String| OffsetDateTime::parse(text, &Rfc3339);
        let said = "a time as in RFC 3339: 2026-11-20T12:00:00Z";
        let read = text.as_ref().map(parse).transpose();
        read.map_err(|_| Problem::from(Code::QueryInvalid).at(pointer, said))
    };
    let asked = SeriesQuery {
        names: query.names.as_deref(),
        from: moment("?from", &query.from)?,
        to: moment("?to", &query.to)?,
        step: query.step,
    };
    let window = state.app().read_series(who.caller(), asked).await?;
    Ok(Json(MetricSeriesList {
        from: time(window.from),
        to: time(window.to),
        step_seconds: window.step,
        items: window.series.into_iter().map(shown).collect(),
    }))
}

fn shown(Series { series, points }: Series) -> MetricSeries {
    let sort = match series.kind {
        SeriesSort::Rate => MetricSort::Rate,
        SeriesSort::Highest => MetricSort::Highest,
        SeriesSort::Total => MetricSort::Total,
    };
    MetricSeries { name: series.name.to_owned(), sort, unit: series.unit.to_owned(), points }
}

//! Probes and metrics, and how finished answers and pages go out.

use crate::{
    ApiState,
    problem::{Code, Problem},
};
use api_types::{ChainReadiness, Health, Readiness};
use app::Answer;
use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use runtime::Metrics;
use serde::Serialize;

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Is the process alive?
#[utoipa::path(
    get, path = "/health", tag = "operation", operation_id = "get_health",
    responses((status = 200, description = "Alive", body = Health)),
)]
pub(crate) async fn get_health() -> Json<Health> {
    Json(Health { status: "ok".to_owned() })
}

/// May the process take requests?
#[utoipa::path(
    get, path = "/ready", tag = "operation", operation_id = "get_readiness",
    responses((status = 200, description = "Ready", body = Readiness)),
)]
pub(crate) async fn get_readiness(
    State(state): State<ApiState>,
) -> Result<Json<Readiness>, Problem> {
    let found = state.app().check_readiness().await;
    if !found.is_ready() {
        return Err(not_ready(&found));
    }
    let chains = found.chains.iter().map(|chain| ChainReadiness {
        chain_id: chain.chain_id,
        height: chain.height,
        head: chain.head,
        lag: chain.lag(),
        live: chain.live,
        read_only: chain.read_only,
        ready: chain.is_ready(),
    });
    Ok(Json(Readiness { ready: true, database: found.database, chains: chains.collect() }))
}

fn not_ready(found: &app::Readiness) -> Problem {
    let mut problem = Problem::from(Code::NotReady);
    if !found.database {
        problem = problem.at("/database", "does not answer");
    }
    for chain in found.chains.iter().filter(|chain| !chain.is_ready()) {
        let place = |part: &str| format!("/chains/{}/{part}", chain.chain_id);
        if chain.head.is_none() {
            problem = problem.at(place("node"), "no node of the chain answers");
        }
        let index = match (chain.live, chain.height, chain.lag()) {
            (false, ..) => "the indexer has stopped: the reorg is too deep".to_owned(),
            (true, None, _) => "nothing is indexed yet".to_owned(),
            (true, Some(height), Some(lag)) => format!(
                "indexed to {height}, {lag} blocks behind the chain; {} are allowed",
                chain.lag_max
            ),
            (true, Some(_), None) => continue,
        };
        problem = problem.at(place("index"), index);
    }
    problem
}

/// Metrics
///
/// In the Prometheus text format.
#[utoipa::path(
    get, path = "/metrics", tag = "operation", operation_id = "get_metrics",
    responses(
        (status = 200, description = "All metrics", body = String, content_type = "text/plain"),
    ),
)]
pub(crate) async fn get_metrics(State(state): State<ApiState>) -> Response {
    metrics_text(&state.metrics)
}

/// All metrics, with histograms up to this moment.
pub(crate) fn metrics_text(metrics: &Metrics) -> Response {
    metrics.upkeep();
    let media = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, media)], metrics.render()).into_response()
}

/// A finished answer as it was stored.
pub(crate) fn answer(done: Answer, location: Option<String>) -> Response {
    let mut response = Response::new(Body::from(done.body));
    *response.status_mut() =
        StatusCode::from_u16(done.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(location) = location.and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(header::LOCATION, location);
    }
    if done.replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// A page of a list, with a link to the next one (RFC 8288).
pub(crate) fn page(uri: &Uri, next: Option<&str>, list: &impl Serialize) -> Response {
    let mut response = Json(list).into_response();
    let link = next.and_then(|cursor| {
        let kept = uri.query().unwrap_or_default().split('&');
        let kept = kept.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
        let query: Vec<&str> = kept.collect();
        let and = if query.is_empty() { "" } else { "&" };
        let target = format!("{}?{}{and}cursor={cursor}", uri.path(), query.join("&"));
        HeaderValue::from_str(&format!("<{target}>; rel=\"next\"")).ok()
    });
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

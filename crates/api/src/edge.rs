//! What every request passes, whatever it asks for.

use crate::{
    ApiState,
    audit::{self, Watched},
    charges::{Admitted, Charge},
    cors, gate, hot,
    problem::{Code, Problem, write_out},
};
use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::IntoResponse,
};
use futures_util::FutureExt;
use runtime::Trace;
use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};
use tracing::Instrument;

/// Longest target (path and query). No link of ours comes near it.
const URI_MAX: usize = 8 * 1024;
/// Headers of a request, names and values together, and how many. Beyond what the connection reads
/// at all (see `serve`), the parser answers by itself, without a body.
const HEADERS_MAX: usize = 16 * 1024;
const HEADERS_COUNT_MAX: usize = 64;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: the caller's if it is sane, else of its trace, else a fresh UUIDv7.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

/// `routes` behind the edge.
pub(crate) fn wrap(routes: Router, state: ApiState) -> Router {
    // No fallback is set here: the bare 404 of an unknown path becomes a problem on its way out,
    // and a router that was merged in may bring a fallback of its own.
    routes.layer(from_fn_with_state(state, pass))
}

/// A request on its way, counted as long as it lives; also when its caller goes away.
struct InFlight;

impl InFlight {
    fn enter() -> Self {
        metrics::gauge!("http_requests_in_flight").increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!("http_requests_in_flight").decrement(1.0);
    }
}

async fn pass(State(state): State<ApiState>, mut request: Request, next: Next) -> Response<Body> {
    let started = Instant::now();
    let _in_flight = InFlight::enter();
    let told = request.headers().get("traceparent").and_then(|text| text.to_str().ok());
    let told = told.and_then(Trace::of_header);
    let id = request_id(request.headers(), told);
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = method_name(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str).to_owned();
    let span =
        tracing::info_span!("request", request.id = %id, http.method = method, http.route = route);
    if let Some(trace) = told.or_else(|| Trace::of_request(&id)) {
        trace.adopt(&span);
    }
    let (charge, admitted) = match request.extensions_mut().remove() {
        Some(Admitted(charge, outcome)) => (charge, Some(outcome)),
        None => (Charge::of(&state, &route, &request), None),
    };
    if let Some(from) = charge.from() {
        request.extensions_mut().insert(push::ClientAddress(from));
    }
    let answer = answer(&state, (&route, &charge, admitted), request, next);
    let mut response = async {
        let response = write_out(answer.await, &id);
        let status = response.status().as_u16();
        let elapsed = started.elapsed();
        if status >= 500 {
            tracing::warn!(status, ?elapsed, "answered");
        } else {
            tracing::debug!(status, ?elapsed, "answered");
        }
        response
    }
    .instrument(span)
    .await;
    finish_headers(response.headers_mut(), &id);
    charge.show(response.headers_mut());
    let status = response.status().as_u16().to_string();
    let labels = [("route", route.clone()), ("method", method.to_owned()), ("status", status)];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", "route" => route)
        .record(started.elapsed().as_secs_f64());
    response
}

/// Probes are answered even when nothing else is.
pub(crate) fn is_probe(route: &str) -> bool {
    matches!(route, "/health" | "/ready" | "/metrics")
}

async fn answer(
    state: &ApiState,
    (route, charge, admitted): (&str, &Charge, Option<Result<(), Problem>>),
    mut request: Request,
    next: Next,
) -> Response<Body> {
    let permit = state.0.requests.try_acquire();
    if permit.is_err() && !is_probe(route) {
        return Problem::from(Code::Overloaded).into_response();
    }
    if let Some(code) = oversized(&request) {
        return Problem::from(code).into_response();
    }
    if request.extensions().get::<cors::Preflight>().is_some() {
        return StatusCode::NO_CONTENT.into_response();
    }
    let time = time_of(state, route);
    let work = async {
        let admitted = match admitted {
            Some(outcome) => outcome,
            None if is_probe(route) => Ok(()),
            None => charge.admit(state, &mut request).await,
        };
        if let Err(problem) = admitted {
            return problem.into_response();
        }
        let watched = Watched::of(state.0.gates.done(route, request.method()), &request);
        let response = done(state, route, request, next).await;
        if let (Some(watched), Some(code)) = (watched, audit::denied(&response)) {
            Box::pin(watched.tell(state, code)).await;
        }
        response
    };
    let run = AssertUnwindSafe(work).catch_unwind();
    match tokio::time::timeout(time, run).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            // The panic hook has logged where and why.
            metrics::counter!("http_panics_total").increment(1);
            Problem::from(Code::Internal).into_response()
        }
        Err(_) => Problem::from(Code::RequestTimeout).into_response(),
    }
}

/// Through the gate to what the route is for.
async fn done(state: &ApiState, route: &str, request: Request, next: Next) -> Response<Body> {
    if let Err(problem) = gate::check(state, route, &request) {
        return problem.into_response();
    }
    hot::serve(state, route, request, next).await.unwrap_or_else(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "an answer broke off");
        Problem::from(Code::Internal).into_response()
    })
}

pub(crate) fn oversized(request: &Request) -> Option<Code> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > URI_MAX {
        return Some(Code::UriTooLong);
    }
    let headers = request.headers();
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    (bytes > HEADERS_MAX || headers.len() > HEADERS_COUNT_MAX).then_some(Code::HeadersTooLarge)
}

fn time_of(state: &ApiState, route: &str) -> Duration {
    if route == crate::uploads::PATH { state.limits.upload_time } else { state.limits.request_time }
}

/// Without one of the caller's own it is that of the trace, so that what is done later for this
/// request, which remembers its id, belongs to the same trace.
pub(crate) fn request_id(headers: &HeaderMap, trace: Option<Trace>) -> Arc<str> {
    let sane = |text: &&str| {
        (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
    };
    let given = headers.get(&REQUEST_ID).and_then(|value| value.to_str().ok()).filter(sane);
    match given {
        Some(text) => text.into(),
        None => trace.map_or_else(|| uuid::Uuid::now_v7().to_string(), |trace| trace.id()).into(),
    }
}

pub(crate) fn finish_headers(headers: &mut HeaderMap, id: &str) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    let defaults = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// A closed set, so that metrics stay bounded.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

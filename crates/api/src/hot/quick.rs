//! Answers that are kept, given before routing begins: at a door as busy as that of a sale, what
//! layers, spans and futures cost is most of what such an answer costs. Who calls is told and
//! charged as at the edge, and the answer has the same headers and is counted the same. Whatever is
//! out of the ordinary goes the usual way, and is not charged again.

use super::{HotAnswers, Kept, renewal, wants_fresh};
use crate::{
    ApiState,
    charges::{Admitted, Charge, Identified},
    cors, edge, etag, gate,
};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, Method, Response, StatusCode, header},
};
use futures_util::future::Either;
use metrics::{Counter, Histogram};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};
use tower::Service;

/// Such requests are answered otherwise, or to somebody else, or have a body.
const UNUSUAL: [HeaderName; 9] = [
    header::CONTENT_LENGTH,
    header::COOKIE,
    header::ORIGIN,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
    HeaderName::from_static("signature"),
    HeaderName::from_static("signature-input"),
    HeaderName::from_static("traceparent"),
];

/// What answers of one route that are kept are counted by, looked up once.
#[derive(Debug)]
pub(super) struct Tally {
    whole: Counter,
    unchanged: Counter,
    took: Histogram,
    quick: Counter,
}

impl Tally {
    pub(super) fn of(route: &str) -> Self {
        let answered = |status| {
            let labels =
                [("route", route.to_owned()), ("method", "GET".into()), ("status", status)];
            metrics::counter!("http_requests_total", &labels)
        };
        Self {
            whole: answered("200".to_owned()),
            unchanged: answered("304".to_owned()),
            took: metrics::histogram!("http_request_duration_seconds", "route" => route.to_owned()),
            quick: metrics::counter!("http_hot_answers_total", "how" => "quick"),
        }
    }

    fn note(&self, status: StatusCode, started: Instant) {
        match status {
            StatusCode::NOT_MODIFIED => self.unchanged.increment(1),
            _ => self.whole.increment(1),
        }
        self.took.record(started.elapsed().as_secs_f64());
        self.quick.increment(1);
    }
}

/// `inner`, and what is kept of its answers before it.
#[derive(Clone, Debug)]
pub(crate) struct Quick<S> {
    state: ApiState,
    inner: S,
}

impl<S> Quick<S> {
    pub(crate) fn new(state: ApiState, inner: S) -> Self {
        Self { state, inner }
    }
}

impl<S> Service<Request> for Quick<S>
where
    S: Service<Request, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response<Body>, Infallible>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match answer(&self.state, request) {
            Ok(answer) => Either::Left(ready(Ok(answer))),
            Err(request) => Either::Right(self.inner.call(*request)),
        }
    }
}

/// The answer if it is kept and may be given, else the request as it is to be gone on with.
fn answer(state: &ApiState, mut request: Request) -> Result<Response<Body>, Box<Request>> {
    let started = Instant::now();
    let Some(kept) = find(&state.0.hot, &request) else { return Err(Box::new(request)) };
    let charge = Charge::of(state, &kept.route, &request);
    let Some(admitted) = charge.admit_now(state, &mut request) else {
        return Err(Box::new(request));
    };
    let identified = request.extensions().get::<Identified>();
    let is_known = identified.is_some_and(|identified| identified.0.is_ok());
    if admitted.is_err() || !is_known || gate::check(state, &kept.route, &request).is_err() {
        request.extensions_mut().insert(Admitted(charge, admitted));
        return Err(Box::new(request));
    }
    renewal::note(state, &kept);
    let shown = etag::shown(request.method(), &kept.route, request.headers());
    let mut response = kept.answer.answer(&shown.unwrap_or_default());
    let headers = response.headers_mut();
    edge::finish_headers(headers, &edge::request_id(request.headers(), None));
    charge.show(headers);
    cors::vary(headers);
    kept.tally.note(response.status(), started);
    Ok(response)
}

/// Not while somebody wants a line or a span of each request: that is the edge's.
fn find(hot: &HotAnswers, request: &Request) -> Option<Arc<Kept>> {
    let is_plain = *request.method() == Method::GET
        && is_usual(request.headers())
        && edge::oversized(request).is_none()
        && !runtime::sends_traces()
        && !tracing::enabled!(tracing::Level::DEBUG);
    hot.find(request.uri().path_and_query().filter(|_| is_plain)?.as_str())
}

fn is_usual(headers: &HeaderMap) -> bool {
    !UNUSUAL.iter().any(|name| headers.contains_key(name)) && !wants_fresh(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn what_could_matter_is_unusual() {
        let with = |name: &'static str, value: &'static str| {
            let name = HeaderName::from_static(name);
            is_usual(&HeaderMap::from_iter([(name, HeaderValue::from_static(value))]))
        };
        assert!(is_usual(&HeaderMap::new()));
        assert!(with("authorization", "Bearer x") && with("if-none-match", "W/\"x\""));
        assert!(with("cache-control", "max-age=60") && with("x-forwarded-for", "192.0.2.1"));
        assert!(!with("cache-control", "no-cache"));
        for name in UNUSUAL {
            let headers = HeaderMap::from_iter([(name.clone(), HeaderValue::from_static("x"))]);
            assert!(!is_usual(&headers), "{name}");
        }
    }
}

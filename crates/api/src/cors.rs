//! Which pages of other origins may call the API: those where people may sign in, and no other. A
//! browser keeps answers from all others, as it does when nothing is said.
//!
//! Around the edge and not inside it, so that a page can read also what the edge itself refuses.

use crate::ApiState;
use auth::Origin;
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, Response, header},
    middleware::Next,
};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-digest, content-type, idempotency-key, if-none-match, signature, \
     signature-input, x-request-id",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "etag, idempotent-replayed, link, location, ratelimit, ratelimit-policy, retry-after, \
     x-as-of, x-request-id",
);
/// Seconds for which a browser may remember what it was told.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

/// An allowed page asks whether it may send a request: the edge answers, not a route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preflight;

pub(crate) async fn pass(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    let page = page(request.headers(), state.sign_in.origins());
    let asks = *request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if asks && page.is_some() {
        request.extensions_mut().insert(Preflight);
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    vary(headers);
    if let Some(page) = page {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, page);
        let yes = HeaderValue::from_static("true");
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        if asks {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
        } else {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
    response
}

/// Other pages may be told something else.
pub(crate) fn vary(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

/// The page that sends a request, if it is one of ours.
fn page(headers: &HeaderMap, origins: &[Origin]) -> Option<HeaderValue> {
    let mut all = headers.get_all(header::ORIGIN).iter();
    let (page, None) = (all.next()?, all.next()) else { return None };
    origins.iter().any(|origin| page == origin.as_str()).then(|| page.clone())
}

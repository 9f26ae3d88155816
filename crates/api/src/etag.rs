//! Reads that change seldom: a validator of their own, and 304 to whoever has it already.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header},
};
use sha2::{Digest, Sha256};

/// Longest answer that is tagged; pages are far below.
const BODY_MAX: usize = 4 << 20;

/// How answers of a route may be kept, none when they may not: what anyone may see by anyone, what
/// depends on the key by its holder; by both only until they ask again.
fn keeping(route: &str) -> Option<&'static str> {
    match route {
        "/api/v1/items"
        | "/api/v1/items/{chain_id}/{contract}/{token_id}"
        | "/api/v1/collections"
        | "/api/v1/collections/{chain_id}/{contract}" => Some("public, no-cache"),
        "/api/v1/mints" | "/api/v1/mints/{id}" => Some("private, no-cache"),
        _ => None,
    }
}

/// The validators that a request shows; none when its answer is not one that has any.
pub(crate) fn shown(method: &Method, route: &str, headers: &HeaderMap) -> Option<Vec<String>> {
    if method != Method::GET || keeping(route).is_none() {
        return None;
    }
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    let lists = values.filter_map(|value| value.to_str().ok());
    Some(lists.flat_map(|list| list.split(',')).map(|tag| tag.trim().to_owned()).collect())
}

/// Tag a finished answer, or say that the caller has it already. Tags are weak: they stand for the
/// state shown, not for its bytes on the wire (RFC 9110 §8.8.1).
pub(crate) async fn tag(
    response: Response<Body>,
    route: &str,
    shown: &[String],
) -> Result<Response<Body>, axum::Error> {
    if response.status() != StatusCode::OK {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, BODY_MAX).await?;
    let digest: [u8; 32] = Sha256::digest(&body).into();
    let digits: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let opaque = format!("\"{digits}\"");
    if let Ok(value) = HeaderValue::from_str(&format!("W/{opaque}")) {
        parts.headers.insert(header::ETAG, value);
    }
    if let Some(keeping) = keeping(route) {
        parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keeping));
    }
    // Weak comparison (RFC 9110 §8.8.3.2): the mark of weakness does not count.
    let known = |tag: &String| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == opaque;
    if shown.iter().any(known) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Ok(Response::from_parts(parts, Body::empty()));
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

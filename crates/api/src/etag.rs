//! Reads that change seldom: a validator of their own, and 304 to whoever has it already.

use crate::hot::OneItem;
use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header},
};
use sha2::{Digest, Sha256};

/// Longest answer that is tagged; pages are far below.
const BODY_MAX: usize = 4 << 20;

/// By anyone, but only until they ask again.
const PUBLIC: &str = "public, no-cache";
/// The same by the holder of the key.
const PRIVATE: &str = "private, no-cache";

/// How answers of a route may be kept, none when they may not: what anyone may see by anyone, what
/// depends on the key by its holder; by both only until they ask again.
fn keeping(route: &str) -> Option<&'static str> {
    match route {
        "/api/v1/balances"
        | "/api/v1/collections"
        | "/api/v1/collections/{chain_id}/{contract}"
        | "/api/v1/collections/{chain_id}/{contract}/traits"
        | "/api/v1/holders"
        | "/api/v1/items"
        | "/api/v1/items/{chain_id}/{contract}/{token_id}"
        | "/api/v1/items/{chain_id}/{contract}/{token_id}/metadata"
        | "/api/v1/transfers" => Some(PUBLIC),
        "/api/v1/mints" | "/api/v1/mints/{id}" => Some(PRIVATE),
        _ => None,
    }
}

/// May anyone see its answers, whoever asked?
pub(crate) fn is_public(route: &str) -> bool {
    keeping(route) == Some(PUBLIC)
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

/// A finished answer, 200, that can be given any number of times.
#[derive(Debug)]
pub(crate) struct Tagged {
    headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Quoted, without the mark of weakness.
    opaque: String,
    /// If it is about one and no other.
    pub(crate) shows: Option<OneItem>,
}

/// Tag a finished answer. Tags are weak: they stand for the state shown, not for its bytes on the
/// wire (RFC 9110 §8.8.1). An answer that is not 200 is given back as it is.
pub(crate) async fn tag(
    response: Response<Body>,
    route: &str,
) -> Result<Result<Tagged, Response<Body>>, axum::Error> {
    if response.status() != StatusCode::OK {
        return Ok(Err(response));
    }
    let (parts, body) = response.into_parts();
    let shows = parts.extensions.get().copied();
    let (mut headers, body) = (parts.headers, to_bytes(body, BODY_MAX).await?);
    let digest: [u8; 32] = Sha256::digest(&body).into();
    let digits: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let opaque = format!("\"{digits}\"");
    if let Ok(value) = HeaderValue::from_str(&format!("W/{opaque}")) {
        headers.insert(header::ETAG, value);
    }
    if let Some(keeping) = keeping(route) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keeping));
    }
    Ok(Ok(Tagged { headers, body, opaque, shows }))
}

impl Tagged {
    /// For a caller who showed these validators: 304 if its answer is this one.
    pub(crate) fn answer(&self, shown: &[String]) -> Response<Body> {
        // Weak comparison (RFC 9110 §8.8.3.2): the mark of weakness does not count.
        let known =
            |tag: &String| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.opaque;
        let is_known = shown.iter().any(known);
        let body = if is_known { Body::empty() } else { Body::from(self.body.clone()) };
        let mut response = Response::new(body);
        *response.headers_mut() = self.headers.clone();
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.headers_mut().remove(header::CONTENT_TYPE);
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        response
    }
}

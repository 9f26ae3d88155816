//! How content is answered over HTTP: `GET` and `HEAD`, one range, cached for ever, and harmless
//! whatever bytes a user stored (RFC 9110; Content Security Policy Level 3).
//!
//! The edge mounts this on the content origin, which holds no cookies, and maps a path to a
//! [`Cid`] by parsing it.

use std::io::SeekFrom;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncReadExt, AsyncSeekExt, Take};
use tokio_util::io::ReaderStream;

use crate::cid::Cid;
use crate::store::{BlockStore, ContentFile, StoreError};

mod range;
mod sniff;

pub use range::{Span, parse_range};
pub use sniff::{SNIFF_LEN, sniff};

/// Bytes read from disk at a time, per response.
const FRAME_LEN: usize = 64 * 1024;

/// No scripts, no frames, no requests, an origin of its own: what a user stored stays inert even
/// where a browser could be talked into rendering it.
const POLICY: &str = "sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

const FIXED_HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, "accept-ranges, content-length, content-range, etag"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// Answers a request for the content named `cid`. Errors come only from the disk; the caller
/// answers them with 500 or 503.
///
/// 200, 206, 304, 404, 405 or 416; `OPTIONS` gets 204 for CORS preflights.
pub async fn serve(
    store: &BlockStore,
    cid: &Cid,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response<ContentBody>, StoreError> {
    if method == Method::OPTIONS {
        return Ok(preflight());
    }
    if method != Method::GET && method != Method::HEAD {
        let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
        set(&mut response, header::ALLOW, "GET, HEAD, OPTIONS");
        return Ok(response);
    }
    let Some(mut content) = store.open(cid).await? else {
        let mut response = empty(StatusCode::NOT_FOUND);
        set(&mut response, header::CACHE_CONTROL, "no-store");
        return Ok(response);
    };
    let etag = format!("\"{cid}\"");
    if lists_etag(headers, &etag) {
        let mut response = empty(StatusCode::NOT_MODIFIED);
        set_cached(&mut response, &etag);
        return Ok(response);
    }
    let span = match requested_range(method, headers, &etag) {
        Some(value) => parse_range(value, content.len),
        None => Span::Full,
    };
    if span == Span::Unsatisfiable {
        let mut response = empty(StatusCode::RANGE_NOT_SATISFIABLE);
        set(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", content.len));
        return Ok(response);
    }
    let media_type = media_type_of(&mut content).await?;
    let (mut response, first, len) = match span {
        Span::Part { first, last } => {
            let mut response = empty(StatusCode::PARTIAL_CONTENT);
            let span = format!("bytes {first}-{last}/{}", content.len);
            set(&mut response, header::CONTENT_RANGE, &span);
            (response, first, last - first + 1)
        }
        _ => (empty(StatusCode::OK), 0, content.len),
    };
    describe(&mut response, cid, &etag, media_type, len);
    if method == Method::GET {
        content.file.seek(SeekFrom::Start(first)).await?;
        *response.body_mut() = ContentBody::file(content.file, len);
    }
    Ok(response)
}

fn preflight() -> Response<ContentBody> {
    let mut response = empty(StatusCode::NO_CONTENT);
    set(&mut response, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD");
    set(&mut response, header::ACCESS_CONTROL_ALLOW_HEADERS, "range, if-none-match, if-range");
    set(&mut response, header::ACCESS_CONTROL_MAX_AGE, "86400");
    response
}

fn describe(
    response: &mut Response<ContentBody>,
    cid: &Cid,
    etag: &str,
    media_type: &'static str,
    len: u64,
) {
    set_cached(response, etag);
    set(response, header::ACCEPT_RANGES, "bytes");
    set(response, header::CONTENT_TYPE, media_type);
    set(response, header::CONTENT_LENGTH, &len.to_string());
    if !media_type.starts_with("image/") {
        let extension = if media_type == sniff::JSON { "json" } else { "bin" };
        let disposition = format!("attachment; filename=\"{cid}.{extension}\"");
        set(response, header::CONTENT_DISPOSITION, &disposition);
    }
}

/// The range to honour: only for `GET`, and only if `If-Range` is absent or names this content
/// (RFC 9110 §13.1.5, §14.2).
fn requested_range<'a>(method: &Method, headers: &'a HeaderMap, etag: &str) -> Option<&'a str> {
    let fresh =
        headers.get(header::IF_RANGE).is_none_or(|value| value.as_bytes() == etag.as_bytes());
    if method != Method::GET || !fresh {
        return None;
    }
    headers.get(header::RANGE)?.to_str().ok()
}

/// `If-None-Match` compares weakly (RFC 9110 §13.1.2).
fn lists_etag(headers: &HeaderMap, etag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter();
    lists.filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(',')).any(|entry| {
        let entry = entry.trim();
        entry == "*" || entry.strip_prefix("W/").unwrap_or(entry) == etag
    })
}

async fn media_type_of(content: &mut ContentFile) -> Result<&'static str, StoreError> {
    let mut head = Vec::with_capacity(SNIFF_LEN);
    (&mut content.file).take(SNIFF_LEN as u64).read_to_end(&mut head).await?;
    Ok(sniff(&head))
}

fn empty(status: StatusCode) -> Response<ContentBody> {
    let mut response = Response::new(ContentBody::default());
    *response.status_mut() = status;
    for (name, value) in FIXED_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn set_cached(response: &mut Response<ContentBody>, etag: &str) {
    set(response, header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    set(response, header::ETAG, etag);
}

fn set(response: &mut Response<ContentBody>, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("invariant: header values here are ASCII");
    response.headers_mut().insert(name, value);
}

/// The body of an answer: nothing, or a span of a file read piece by piece.
#[derive(Debug, Default)]
pub struct ContentBody {
    stream: Option<ReaderStream<Take<tokio::fs::File>>>,
    left: u64,
}

impl ContentBody {
    fn file(file: tokio::fs::File, len: u64) -> Self {
        let stream = ReaderStream::with_capacity(file.take(len), FRAME_LEN);
        Self { stream: (len > 0).then_some(stream), left: len }
    }
}

impl http_body::Body for ContentBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(stream) = self.stream.as_mut() else { return Poll::Ready(None) };
        let Poll::Ready(next) = futures_util::Stream::poll_next(Pin::new(stream), cx) else {
            return Poll::Pending;
        };
        match next {
            Some(Ok(bytes)) => {
                self.left = self.left.saturating_sub(bytes.len() as u64);
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => {
                self.stream = None;
                // A file that became shorter must not look like a whole answer.
                let cut = std::io::ErrorKind::UnexpectedEof;
                Poll::Ready((self.left > 0).then(|| Err(cut.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

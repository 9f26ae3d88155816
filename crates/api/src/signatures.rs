//! Requests that are signed (RFC 9421): what of them a signature may cover, and bodies that are
//! held against their digest (RFC 9530) while they are read.

use crate::problem::{Code, Problem};
use auth::{RequestParts, ShownSignature, SignatureFault};
use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, Uri, header, uri::Authority},
};
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};
use subtle::ConstantTimeEq;

/// What a form may have after all that is read of it.
const REST_MAX: usize = 64 * 1024;

/// Does the request show a signature, or half of one?
pub(crate) fn is_signed(headers: &HeaderMap) -> bool {
    headers.contains_key("signature") || headers.contains_key("signature-input")
}

/// A request as signatures see it. Its body is left out, so that others may know of it meanwhile.
pub(crate) struct Signed {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    has_body: bool,
}

impl Signed {
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            // What a nested router sees of the path is not what was sent; the edge is around all.
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            has_body: !request.body().is_end_stream(),
        }
    }

    /// The value of a field as it is signed: lines trimmed and joined (RFC 9421 §2.1).
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let mut lines = self.headers.get_all(name).iter().peekable();
        lines.peek()?;
        let trimmed = |line: &HeaderValue| {
            line.to_str().ok().map(|text| text.trim_matches([' ', '\t']).to_owned())
        };
        let lines: Option<Vec<String>> = lines.map(trimmed).collect();
        lines.map(|lines| lines.join(", "))
    }

    pub(crate) fn parts<'a>(
        &'a self,
        field: &'a (dyn Fn(&str) -> Option<String> + Sync),
    ) -> RequestParts<'a> {
        let host = self.headers.get(header::HOST).and_then(|value| value.to_str().ok());
        RequestParts {
            method: self.method.as_str(),
            authority: self.uri.authority().map_or(host.unwrap_or_default(), Authority::as_str),
            path: self.uri.path(),
            query: self.uri.query(),
            has_body: self.has_body,
            field,
        }
    }

    /// The signature that it shows.
    ///
    /// # Errors
    /// [`SignatureFault`] when it is not whole.
    pub(crate) fn shown(&self) -> Result<ShownSignature, SignatureFault> {
        let shown = ShownSignature::read(&self.parts(&|name: &str| self.field(name)))?;
        shown.ok_or(SignatureFault::Malformed("there is no signature"))
    }
}

/// The body is not the one that was signed.
#[derive(Debug, thiserror::Error)]
#[error("the body does not match its Content-Digest")]
struct Altered;

/// Is the error, or what caused it, of this kind?
pub(crate) fn is_of<T: std::error::Error + 'static>(
    error: &(dyn std::error::Error + 'static),
) -> bool {
    let mut at = Some(error);
    while let Some(error) = at {
        if error.is::<T>() {
            return true;
        }
        at = error.source();
    }
    false
}

/// Did reading a body end because it is not the one that was signed?
pub(crate) fn is_altered(error: &(dyn std::error::Error + 'static)) -> bool {
    is_of::<Altered>(error)
}

/// A body that is hashed as it is read, whoever reads it. What is held of it is the hash. Clones
/// share it: who stops before its end must see to the rest by [`Self::finish`].
#[derive(Clone)]
pub(crate) struct SignedBody(Arc<Mutex<Reading>>);

struct Reading {
    body: BodyDataStream,
    hash: Sha256,
    expected: [u8; 32],
    /// Whether it was the one that was signed, once that is known.
    verdict: Option<bool>,
}

impl SignedBody {
    /// Have the request's body held against this digest.
    pub(crate) fn guard(request: &mut Request, expected: [u8; 32]) {
        let body = std::mem::take(request.body_mut()).into_data_stream();
        let reading = Reading { body, hash: Sha256::new(), expected, verdict: None };
        let signed = Self(Arc::new(Mutex::new(reading)));
        *request.body_mut() = Body::from_stream(signed.clone());
        request.extensions_mut().insert(signed);
    }

    /// Read what is left, and tell whether all of it was what was signed.
    ///
    /// # Errors
    /// [`Code::ContentDigestMismatch`]; [`Code::BodyTooLarge`] when there is too much left.
    pub(crate) async fn finish(&mut self) -> Result<(), Problem> {
        let mut rest = 0;
        loop {
            match poll_fn(|cx| self.poll_next_unpin(cx)).await {
                None => return Ok(()),
                Some(Err(error)) if is_altered(error.as_ref()) => {
                    return Err(Code::ContentDigestMismatch.into());
                }
                Some(Err(_)) => {
                    return Err(Problem::from(Code::MultipartMalformed).saying("it broke off"));
                }
                Some(Ok(piece)) => rest += piece.len(),
            }
            if rest > REST_MAX {
                return Err(Code::BodyTooLarge.into());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for SignedBody {
    type Item = Result<Bytes, axum::BoxError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut reading = self.lock();
        match reading.verdict {
            Some(true) => return Poll::Ready(None),
            Some(false) => return Poll::Ready(Some(Err(Altered.into()))),
            None => {}
        }
        match ready!(reading.body.poll_next_unpin(cx)) {
            Some(Ok(piece)) => {
                reading.hash.update(&piece);
                Poll::Ready(Some(Ok(piece)))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error.into()))),
            None => {
                let found: [u8; 32] = std::mem::take(&mut reading.hash).finalize().into();
                let same = bool::from(found.ct_eq(&reading.expected));
                reading.verdict = Some(same);
                Poll::Ready((!same).then(|| Err(Altered.into())))
            }
        }
    }
}

//! Problems (RFC 9457): the one shape of every error answer.

mod api_keys;
mod code;
mod refusal;
mod sign_in;
mod signatures;
mod sponsors;
mod users;
mod webhooks;

pub use code::Code;

use api_types::FieldError;
use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};

/// What goes wrong, before it has a request id. The edge writes it out: see `edge`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub code: Code,
    pub detail: Option<String>,
    pub errors: Vec<FieldError>,
    /// Seconds.
    pub retry_after: Option<u32>,
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        let retry_after = match code {
            Code::Overloaded
            | Code::Unavailable
            | Code::IdempotencyInProgress
            | Code::SignatureUnchecked
            | Code::RoleUnchecked
            | Code::ProviderUnavailable
            | Code::BlockNotIndexed => Some(1),
            Code::NotReady | Code::CollectionNotReady | Code::SourceBackfilling => Some(5),
            _ => None,
        };
        Self { code, detail: None, errors: Vec::new(), retry_after }
    }
}

impl Problem {
    pub(crate) fn saying(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(crate) fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError { pointer: pointer.into(), detail: detail.into(), code: None });
        self
    }

    /// What is wrong with a part of the body, at `place`.
    pub(crate) fn with(mut self, place: &str, part: Self) -> Self {
        let code = part.code.as_str();
        let error = |pointer: String, detail: String| FieldError {
            pointer: format!("{place}{pointer}"),
            detail,
            code: Some(code.to_owned()),
        };
        if part.errors.is_empty() {
            let detail = part.detail.unwrap_or_else(|| part.code.title().to_owned());
            self.errors.push(error(String::new(), detail));
        }
        self.errors.extend(part.errors.into_iter().map(|e| error(e.pointer, e.detail)));
        self
    }

    /// The wire shape.
    pub(crate) fn show(&self, request_id: &str) -> api_types::Problem {
        api_types::Problem {
            r#type: format!("/docs/errors#{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status(),
            code: self.code.as_str().to_owned(),
            detail: self.detail.clone(),
            request_id: request_id.to_owned(),
            errors: self.errors.clone(),
        }
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}

fn of_stream(why: &push::NotOpened) -> Problem {
    match why {
        push::NotOpened::Unauthenticated => Code::KeyInvalid,
        push::NotOpened::Unavailable => Code::Unavailable,
        push::NotOpened::TooManyConnections => Code::Overloaded,
        push::NotOpened::NoWebSocket => Code::UpgradeRequired,
        push::NotOpened::CredentialMissing => Code::KeyMissing,
        push::NotOpened::CrossOrigin => Code::CrossOrigin,
        push::NotOpened::Denied => {
            let detail = "the topic, or what the filter asks for, is not for this credential";
            return Problem::from(Code::ScopeMissing).saying(detail);
        }
        push::NotOpened::Bad(bad) => return of_events(*bad),
    }
    .into()
}

fn of_events(bad: push::BadEvents) -> Problem {
    let (pointer, detail) = match bad {
        push::BadEvents::Topics => ("?topic", "one or more, each once; with `from_seq` one"),
        push::BadEvents::UnknownTopic => ("?topic", "there is no such topic"),
        push::BadEvents::Place => ("?from_seq", "not a place in the log"),
        push::BadEvents::Filter => ("?", "a filter that a topic does not have, or one twice"),
    };
    Problem::from(Code::QueryInvalid).at(pointer, detail)
}

/// Turns an error answer of whatever origin into a problem with a request id. Headers stay.
pub(crate) fn write_out(response: Response<Body>, request_id: &str) -> Response<Body> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let problem = parts
        .extensions
        .remove::<Problem>()
        .or_else(|| parts.extensions.get::<push::NotOpened>().map(of_stream))
        .unwrap_or_else(|| Problem::from(Code::of_status(status.as_u16())));
    let body = serde_json::to_vec(&problem.show(request_id)).unwrap_or_default();
    parts.status = problem.status();
    let headers = &mut parts.headers;
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    let media = HeaderValue::from_static("application/problem+json");
    headers.insert(header::CONTENT_TYPE, media);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = problem.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if problem.code.status() == 401 {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    Response::from_parts(parts, Body::from(body))
}

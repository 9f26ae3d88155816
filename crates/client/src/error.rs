//! Why there is no answer.

use api_types::FieldError;
use reqwest::{Response, StatusCode, header::RETRY_AFTER};
use std::{fmt, time::Duration};

/// What a caller can do differently.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused.
    #[error(transparent)]
    Problem(#[from] Box<Problem>),
    /// No answer came, or it broke off: what was asked for may have been done. Ask again with the
    /// same [`Call::key`](crate::Call::key).
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
    /// An answer of another shape than this version knows.
    #[error("the answer is not understood")]
    Answer(#[source] serde_json::Error),
    /// What was given can't be sent.
    #[error("{0}")]
    Input(&'static str),
}

/// An answer that is an error (RFC 9457). Act on `code`: it never changes its meaning.
#[derive(Clone, Debug)]
pub struct Problem {
    pub status: u16,
    pub code: String,
    pub title: String,
    pub detail: Option<String>,
    /// What is wrong where: JSON pointers into the body, or `?name` of a query parameter.
    pub errors: Vec<FieldError>,
    /// To be quoted when asking for help.
    pub request_id: String,
    /// When to try again, where the server said so.
    pub retry_after: Option<Duration>,
}

impl std::error::Error for Problem {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.title)?;
        if let Some(detail) = &self.detail {
            write!(f, "; {detail}")?;
        }
        self.errors.iter().try_for_each(|one| write!(f, "; {}: {}", one.pointer, one.detail))
    }
}

impl Problem {
    /// Of an answer that is no success.
    pub(crate) async fn of(response: Response) -> Box<Self> {
        let (status, retry_after) = (response.status(), retry_after(&response));
        let body = response.bytes().await.unwrap_or_default();
        let told: Result<api_types::Problem, _> = serde_json::from_slice(&body);
        let problem = match told {
            Ok(told) => Self {
                status: status.as_u16(),
                code: told.code,
                title: told.title,
                detail: told.detail,
                errors: told.errors,
                request_id: told.request_id,
                retry_after,
            },
            // Of something that stands before the server.
            Err(_) => Self {
                status: status.as_u16(),
                code: "unknown".to_owned(),
                title: title(status),
                detail: None,
                errors: Vec::new(),
                request_id: String::new(),
                retry_after,
            },
        };
        Box::new(problem)
    }
}

fn title(status: StatusCode) -> String {
    format!("HTTP status {status}")
}

/// The server sends seconds, never dates.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    text.parse().ok().map(Duration::from_secs)
}

//! One attempt: signed, sent, and the beginning of what comes back.

use crate::{Options, Signers, options::OptionsError};
use outbound::{Gate, Refused, Trouble};
use reqwest::{Response, StatusCode, Url, header};
use std::time::{Duration, Instant};
use time::OffsetDateTime;

/// Bytes of an answer that are read at most, and characters of those that are kept.
const READ_MAX: usize = 16 * 1024;
const KEPT_MAX: usize = 1_024;
/// Connections that are kept for the next attempt, and how long.
const IDLE_MAX: usize = 1;
const IDLE: Duration = Duration::from_secs(30);

/// How an attempt ended: a closed list, shown and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    Delivered,
    /// 410: the endpoint wants no more.
    Gone,
    /// Another answer than 2xx.
    Status,
    /// It passes us on, and we don't follow.
    Redirected,
    TimedOut,
    Unreachable,
    NameUnresolved,
    /// Its address is not public.
    AddressRefused,
    /// The URL is one that is not asked.
    UrlRefused,
}

impl Outcome {
    pub const ALL: [Outcome; 9] = [
        Self::Delivered,
        Self::Gone,
        Self::Status,
        Self::Redirected,
        Self::TimedOut,
        Self::Unreachable,
        Self::NameUnresolved,
        Self::AddressRefused,
        Self::UrlRefused,
    ];

    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Gone => "gone",
            Self::Status => "status",
            Self::Redirected => "redirected",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::NameUnresolved => "name_unresolved",
            Self::AddressRefused => "address_refused",
            Self::UrlRefused => "url_refused",
        }
    }

    fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            200..=299 => Self::Delivered,
            300..=399 => Self::Redirected,
            410 => Self::Gone,
            _ => Self::Status,
        }
    }
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub struct Answer {
    pub at: OffsetDateTime,
    pub outcome: Outcome,
    pub status: Option<u16>,
    pub latency: Duration,
    /// The first characters of the body.
    pub response: String,
    /// How long the endpoint asks us to wait.
    pub retry_after: Option<Duration>,
}

/// Sends. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sender {
    gate: Gate,
    time: Duration,
}

/// Why no [`Sender`] could be made.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error("no HTTP client could be made")]
    Client(#[from] reqwest::Error),
}

impl Sender {
    /// # Errors
    /// [`SenderError`]
    pub fn new(options: &Options) -> Result<Self, SenderError> {
        options.check()?;
        let gate = Gate::new(options.gate()?, |client| {
            client
                .connect_timeout(options.connect_time)
                .timeout(options.attempt_time)
                .pool_max_idle_per_host(IDLE_MAX)
                .pool_idle_timeout(IDLE)
                .user_agent("stoa-webhooks")
        })?;
        Ok(Self { gate, time: options.attempt_time })
    }

    /// Would the address be asked, as far as can be told without asking?
    ///
    /// # Errors
    /// [`Refused`]
    pub fn check(&self, url: &str) -> Result<(), Refused> {
        let url: Url = url.parse().map_err(|_| Refused::Malformed)?;
        self.gate.client_for(&url).map(drop)
    }

    /// One attempt, to its end.
    pub async fn send(&self, url: &str, id: &str, body: String, signers: &Signers) -> Answer {
        let (at, begun) = (OffsetDateTime::now_utc(), Instant::now());
        let ask = self.ask(url, id, at, body, signers);
        let asked = tokio::time::timeout(self.time, ask).await;
        let mut answer = Answer {
            at,
            outcome: Outcome::TimedOut,
            status: None,
            latency: Duration::ZERO,
            response: String::new(),
            retry_after: None,
        };
        match asked {
            Ok(Ok(mut response)) => {
                let status = response.status();
                answer.outcome = Outcome::of_status(status);
                answer.status = Some(status.as_u16());
                answer.retry_after = retry_after(&response);
                answer.latency = begun.elapsed();
                // It counts as what its status says, whether or not the rest arrives.
                let left = self.time.saturating_sub(answer.latency);
                let mut bytes = Vec::new();
                let _ = tokio::time::timeout(left, read(&mut response, &mut bytes)).await;
                answer.response = text_of(&bytes);
                return answer;
            }
            Ok(Err(outcome)) => answer.outcome = outcome,
            Err(_) => {}
        }
        answer.latency = begun.elapsed();
        answer
    }

    async fn ask(
        &self,
        url: &str,
        id: &str,
        at: OffsetDateTime,
        body: String,
        signers: &Signers,
    ) -> Result<Response, Outcome> {
        let url: Url = url.parse().map_err(|_| Outcome::UrlRefused)?;
        let client = self.gate.client_for(&url).map_err(|refused| match refused {
            Refused::Address => Outcome::AddressRefused,
            _ => Outcome::UrlRefused,
        })?;
        let seconds = at.unix_timestamp();
        let request = client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signers.sign(id, seconds, &body))
            .body(body);
        request.send().await.map_err(|error| match Trouble::of(&error) {
            Trouble::Refused => Outcome::AddressRefused,
            Trouble::Unresolved => Outcome::NameUnresolved,
            Trouble::TimedOut => Outcome::TimedOut,
            Trouble::Unreachable => Outcome::Unreachable,
        })
    }
}

async fn read(response: &mut Response, bytes: &mut Vec<u8>) {
    while let Ok(Some(piece)) = response.chunk().await {
        let room = READ_MAX - bytes.len();
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        if bytes.len() == READ_MAX {
            return;
        }
    }
}

/// Whole seconds, as most send them; dates are not read.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?;
    value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// What can be stored and shown of some bytes.
fn text_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let shown = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { ' ' } else { c };
    text.chars().map(shown).take(KEPT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_told_apart() {
        let of = |status| Outcome::of_status(StatusCode::from_u16(status).expect("a status"));
        for (status, outcome) in [
            (200, Outcome::Delivered),
            (299, Outcome::Delivered),
            (302, Outcome::Redirected),
            (404, Outcome::Status),
            (410, Outcome::Gone),
            (503, Outcome::Status),
        ] {
            assert_eq!(of(status), outcome, "{status}");
        }
        let names: std::collections::HashSet<_> = Outcome::ALL.map(Outcome::as_str).into();
        assert_eq!(names.len(), Outcome::ALL.len());
    }

    #[test]
    fn what_is_kept_can_be_stored() {
        assert_eq!(text_of(b"a\0b\r\n\xff"), "a b \n\u{fffd}");
        assert_eq!(text_of(&vec![b'x'; READ_MAX]).len(), KEPT_MAX);
    }
}

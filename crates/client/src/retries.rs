//! What is sent again, and when.

use crate::Problem;
use std::time::Duration;

/// How often and how patiently a call is sent again.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    /// Attempts in all; 1 means that nothing is sent again.
    pub attempts: u32,
    /// Before the second attempt; doubled for each further one.
    pub first: Duration,
    pub longest: Duration,
    /// Where the server asks for a longer pause, its problem is given instead.
    pub retry_after_max: Duration,
    /// For one attempt.
    pub timeout: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 4,
            first: Duration::from_millis(200),
            longest: Duration::from_secs(5),
            retry_after_max: Duration::from_secs(60),
            timeout: Duration::from_secs(30),
        }
    }
}

impl Retries {
    /// Before attempt `attempt + 1`: between half of it and all of it, so that clients that failed
    /// together don't come back so.
    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        let doubled = self.first.saturating_mul(1 << attempt.saturating_sub(1).min(20));
        doubled.min(self.longest).mul_f64(rand::random_range(0.5..=1.0))
    }

    /// How long to wait before a refused call is sent again; none: it is not.
    pub(crate) fn after(&self, problem: &Problem, is_safe: bool, attempt: u32) -> Option<Duration> {
        let is_worth_it = match problem.status {
            // Refused before anything was looked at.
            429 => true,
            408 | 425 | 500 | 502..=504 => is_safe,
            409 => {
                let code = problem.code.as_str();
                is_safe && matches!(code, "idempotency_in_progress" | "collection_not_ready")
            }
            _ => false,
        };
        let asked = problem.retry_after.unwrap_or_default();
        let goes_on = is_worth_it && attempt < self.attempts && asked <= self.retry_after_max;
        goes_on.then(|| self.pause(attempt).max(asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(status: u16, code: &str, seconds: Option<u64>) -> Problem {
        Problem {
            status,
            code: code.to_owned(),
            title: String::new(),
            detail: None,
            errors: Vec::new(),
            request_id: String::new(),
            retry_after: seconds.map(Duration::from_secs),
        }
    }

    #[test]
    fn only_what_is_safe_is_sent_again() {
        let cases = [
            (problem(429, "rate_limited", Some(3)), true, true),
            (problem(429, "rate_limited", Some(61)), false, false),
            (problem(503, "unavailable", None), true, false),
            (problem(500, "internal", None), true, false),
            (problem(409, "idempotency_in_progress", Some(1)), true, false),
            (problem(409, "wallet_state", None), false, false),
            (problem(422, "body_invalid", None), false, false),
        ];
        let retries = Retries::default();
        for (problem, safe, unsafe_) in cases {
            let after = |is_safe| retries.after(&problem, is_safe, 1);
            assert_eq!(
                (after(true).is_some(), after(false).is_some()),
                (safe, unsafe_),
                "{problem}"
            );
            assert!(after(true).is_none_or(|pause| Some(pause) >= problem.retry_after));
            assert!(retries.after(&problem, true, retries.attempts).is_none());
        }
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let retries = Retries::default();
        for attempt in 1..100 {
            let most =
                retries.first.saturating_mul(1 << (attempt - 1).min(20)).min(retries.longest);
            let pause = retries.pause(attempt);
            assert!(pause <= most && pause >= most / 2, "{pause:?}");
        }
    }
}

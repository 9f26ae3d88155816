//! What was found: one line why, and one what to do.

use serde_json::json;
use std::{future::Future, time::Duration};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Ok,
    /// It works, and should not stay so.
    Warn,
    /// It does not work, or something of value is in danger.
    Fail,
    /// Not looked at: it is not configured, or what it needs is away.
    Skip,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// What was looked at, as `database.clock`.
    check: String,
    verdict: Verdict,
    why: String,
    /// Empty where nothing is to be done.
    todo: String,
}

impl Finding {
    pub(super) fn ok(check: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(check, Verdict::Ok, why, "")
    }

    pub(super) fn skip(check: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(check, Verdict::Skip, why, "")
    }

    pub(super) fn warn(
        check: impl Into<String>,
        why: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self::new(check, Verdict::Warn, why, todo)
    }

    pub(super) fn fail(
        check: impl Into<String>,
        why: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self::new(check, Verdict::Fail, why, todo)
    }

    /// Each text becomes one line.
    fn new(
        check: impl Into<String>,
        verdict: Verdict,
        why: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        let line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { check: check.into(), verdict, why: line(why.into()), todo: line(todo.into()) }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Report(Vec<Finding>);

impl Report {
    pub(super) fn add(&mut self, findings: Vec<Finding>) {
        self.0.extend(findings);
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.0.iter().filter(|finding| finding.verdict == verdict).count()
    }

    pub(super) fn is_well(&self, strict: bool) -> bool {
        self.count(Verdict::Fail) == 0 && (!strict || self.count(Verdict::Warn) == 0)
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        let width = self.0.iter().map(|finding| finding.check.len()).max().unwrap_or_default();
        let mut lines = Vec::new();
        for Finding { check, verdict, why, todo } in &self.0 {
            lines.push(format!("{:<4}  {check:<width$}  {why}", verdict.as_str()));
            if !todo.is_empty() {
                lines.push(format!("{:<4}  {:<width$}  -> {todo}", "", ""));
            }
        }
        let counts = [Verdict::Ok, Verdict::Warn, Verdict::Fail, Verdict::Skip]
            .map(|verdict| format!("{} {}", self.count(verdict), verdict.as_str()));
        lines.push(counts.join(", "));
        lines.into_iter()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        let findings: Vec<serde_json::Value> = self
            .0
            .iter()
            .map(|Finding { check, verdict, why, todo }| {
                let todo = (!todo.is_empty()).then_some(todo);
                json!({ "check": check, "verdict": verdict.as_str(), "why": why, "todo": todo })
            })
            .collect();
        json!({ "well": self.is_well(false), "findings": findings })
    }
}

/// What `work` finds, or that it did not come to an end in time.
pub(super) async fn within<T>(
    time: Duration,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let late = |_| Err(format!("no answer within {} s", time.as_secs()));
    tokio::time::timeout(time, work).await.unwrap_or_else(late)
}

/// A failure as its whole chain says it, in one line.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = all.map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

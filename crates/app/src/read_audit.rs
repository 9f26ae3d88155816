//! The audit trail: who did what with a right to it, and who wanted to without one.

use crate::{
    App, AppError, Caller,
    tell_change::{By, Decision},
};
use auth::{Action, authorize};
use db::audit_logs::{self, Decided, DecidedFilter};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    error::Error,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::timeout;
use vocab::PrincipalId;

/// How long further refusals of the same to the same principal are only counted.
const QUIET: Duration = Duration::from_secs(60);
/// Pairs of principal and operation that are remembered for that.
const REMEMBERED_MAX: usize = 4_096;
/// The refusal itself does not wait for longer.
const RECORD_TIME: Duration = Duration::from_secs(2);
/// Of what was asked for.
const TARGET_MAX: usize = 200;

/// Something privileged that somebody who is known was not let do.
#[derive(Clone, Copy, Debug)]
pub struct RefusedAttempt<'a> {
    pub action: Action,
    /// Id of the operation in the API's document.
    pub operation: &'a str,
    /// Its path, without a query.
    pub target: &'a str,
    /// Of the refusal.
    pub code: &'a str,
}

/// Refusals of the last moments, so that nobody fills the log by asking again and again.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<HashMap<(PrincipalId, String), Recent>>);

#[derive(Debug)]
struct Recent {
    told: Instant,
    /// Since then, and not told.
    silent: u64,
}

impl Refusals {
    /// None: it is only counted. Else how many were since the last one that was told.
    fn note(&self, principal: PrincipalId, operation: &str) -> Option<u64> {
        let now = Instant::now();
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (principal, operation.to_owned());
        if let Some(found) = recent.get_mut(&key) {
            if now.duration_since(found.told) < QUIET {
                found.silent += 1;
                return None;
            }
            let silent = found.silent;
            *found = Recent { told: now, silent: 0 };
            return Some(silent);
        }
        if recent.len() >= REMEMBERED_MAX {
            recent.retain(|_, found| now.duration_since(found.told) < QUIET);
        }
        if recent.len() >= REMEMBERED_MAX {
            return None;
        }
        recent.insert(key, Recent { told: now, silent: 0 });
        Some(0)
    }
}

impl App {
    /// The records below the number `before`, newest first.
    ///
    /// # Errors
    /// [`AppError::Denied`]
    pub async fn list_audit_records(
        &self,
        caller: Caller<'_>,
        filter: DecidedFilter<'_>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Decided>, AppError> {
        authorize(caller.actor, Action::ReadAudit)?;
        let mut db = self.connection().await?;
        Ok(audit_logs::list_decided(&mut db, filter, before, limit).await?)
    }

    /// Record that somebody was not let do something privileged: the first time, and then once a
    /// minute with how often it was in between. The refusal stands whether or not this works.
    pub async fn record_refused(&self, caller: Caller<'_>, attempt: RefusedAttempt<'_>) {
        let Ok(maker) = caller.actor.maker() else { return };
        let count = |outcome| {
            metrics::counter!("audit_refused_attempts_total", "outcome" => outcome).increment(1);
        };
        let Some(silent) = self.refusals().note(maker.principal, attempt.operation) else {
            return count("counted");
        };
        let target: String = attempt.target.chars().take(TARGET_MAX).collect();
        let decision = Decision {
            by: By::Request(maker, caller),
            deed: attempt.action.into(),
            about: ("operation", attempt.operation.to_owned()),
            act: "refused",
            chain_id: None,
            before: Value::Null,
            after: json!({ "code": attempt.code, "path": target, "unrecorded_before": silent }),
        };
        let recorded = async {
            let mut db = self.connection().await?;
            Ok::<_, AppError>(journal::record(&mut db, &[decision.fact()]).await?)
        };
        match timeout(RECORD_TIME, recorded).await {
            Ok(Ok(())) => count("recorded"),
            Ok(Err(error)) => {
                count("lost");
                tracing::warn!(error = &error as &dyn Error, "a refused attempt is not recorded");
            }
            Err(_) => {
                count("lost");
                tracing::warn!("a refused attempt is not recorded: the database is slow");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_again_and_again_is_told_of_once() {
        let refusals = Refusals::default();
        let (one, other) = (PrincipalId::new(), PrincipalId::new());
        assert_eq!(refusals.note(one, "grant_role"), Some(0));
        for _ in 0..1_000 {
            assert_eq!(refusals.note(one, "grant_role"), None);
        }
        assert_eq!(refusals.note(one, "end_role"), Some(0));
        assert_eq!(refusals.note(other, "grant_role"), Some(0));
        let known = refusals.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(known[&(one, "grant_role".to_owned())].silent, 1_000);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let refusals = Refusals::default();
        for _ in 0..2 * REMEMBERED_MAX {
            refusals.note(PrincipalId::new(), "grant_role");
        }
        let known = refusals.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(known.len(), REMEMBERED_MAX);
    }
}

//! What has ended, and what follows from it.

use super::{Desk, FAILPOINTS, courier::Sent};
use crate::{Outcome, schedule};
use db::{
    DbError,
    leases::{self, Lease},
    webhook_deliveries::{self as deliveries, Ended},
    webhook_endpoints::{self as endpoints, Disabled},
};
use journal::NewFact;
use rand::Rng;
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;
use vocab::topic;

/// An attempt that has ended, as it is to be recorded.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub endpoint: Uuid,
    outcome: Outcome,
    pub ended: Ended,
}

impl Desk {
    /// Its place is free again, whether or not it can be recorded.
    pub(super) fn note(&mut self, sent: Sent) {
        let Some(flight) = self.flights.remove(&sent.id) else { return };
        let answer = sent.answer;
        let well = answer.outcome == Outcome::Delivered;
        self.places.leave(flight.endpoint, flight.slow, well);
        let name = answer.outcome.as_str();
        metrics::counter!("webhooks_attempts_total", "outcome" => name).increment(1);
        metrics::histogram!("webhooks_attempt_seconds").record(answer.latency.as_secs_f64());
        let tries = flight.tries.saturating_add(1);
        let scale = self.options.time_scale;
        let pause = match answer.outcome {
            Outcome::Delivered => None,
            // It is disabled, and this is kept for when its owner has it enabled again.
            Outcome::Gone => Some(std::time::Duration::ZERO),
            _ => {
                let chance = rand::rng().random_range(0.0..1.0);
                schedule::pause(tries.unsigned_abs(), scale, answer.retry_after, chance)
            }
        };
        let state = match (well, pause) {
            (true, _) => "delivered",
            (false, Some(_)) => "ready",
            (false, None) => "failed",
        };
        if !well {
            tracing::debug!(endpoint = %flight.endpoint, delivery = %sent.id, outcome = name,
                state, "a webhook was not taken");
        }
        let ended = Ended {
            id: sent.id,
            state,
            tries,
            pause: pause.map(|pause| pause.as_secs_f64()),
            at: answer.at,
            outcome: name,
            status: answer.status.map(u16::cast_signed),
            latency_ms: i32::try_from(answer.latency.as_millis()).unwrap_or(i32::MAX),
            response: answer.response,
        };
        let endpoint = flight.endpoint;
        self.finished.push(Finished { endpoint, outcome: answer.outcome, ended });
    }

    /// One commit for all that has ended. False when the lease is lost: then it is kept, and told
    /// when this process has the lease again.
    pub(super) async fn record_finished(&mut self, lease: &Lease) -> Result<bool, DbError> {
        if self.finished.is_empty() {
            return Ok(true);
        }
        let of = |wanted: &dyn Fn(Outcome) -> bool| -> BTreeSet<Uuid> {
            let some = self.finished.iter().filter(|one| wanted(one.outcome));
            some.map(|one| one.endpoint).collect()
        };
        let gone = of(&|outcome| outcome == Outcome::Gone);
        let well = &of(&|outcome| outcome == Outcome::Delivered) - &gone;
        let failing = &of(&|outcome| outcome != Outcome::Delivered) - &well;
        let list = |set: &BTreeSet<Uuid>| set.iter().copied().collect::<Vec<_>>();
        let patience = self.options.patience.as_secs_f64() * self.options.time_scale;

        let mut transaction = db::begin(&self.db).await?;
        if !leases::lock_held(&mut transaction, lease).await? {
            return Ok(false);
        }
        // Endpoints before deliveries, as whoever changes an endpoint does.
        endpoints::record_healthy(&mut transaction, &list(&well)).await?;
        let (failing, gone) = (list(&failing), list(&gone));
        let disabled =
            endpoints::record_failing(&mut transaction, &failing, &gone, patience).await?;
        let ended: Vec<Ended> = self.finished.iter().map(|one| one.ended.clone()).collect();
        deliveries::record_ended(&mut transaction, &ended).await?;
        let facts: Vec<NewFact> = disabled.iter().map(fact).collect();
        journal::record(&mut transaction, &facts).await?;
        FAILPOINTS.hit("before_webhooks_recorded");
        transaction.commit().await.map_err(DbError::from)?;
        FAILPOINTS.hit("after_webhooks_recorded");

        let finished = std::mem::take(&mut self.finished);
        let Some(term) = &mut self.term else { return Ok(true) };
        for one in finished {
            if one.ended.state != "ready" {
                let pending = term.pending.entry(one.endpoint).or_default();
                *pending = (*pending - 1).max(0);
            }
            // What waited for it may be due.
            term.due.insert(one.endpoint);
        }
        for one in disabled {
            tracing::warn!(endpoint = %one.id, reason = one.reason, "a webhook was disabled");
            let reason = if one.reason == "gone" { "gone" } else { "failing" };
            metrics::counter!("webhooks_disabled_total", "reason" => reason).increment(1);
            term.book.disable(one.id);
        }
        Ok(true)
    }
}

/// An alert: its owner no longer hears of anything.
fn fact(disabled: &Disabled) -> NewFact {
    NewFact {
        topic: topic::TRANSACTIONS,
        kind: "webhook_disabled",
        reverting: false,
        attributes: json!({
            "object": "webhook", "object_id": disabled.id, "principal_id": disabled.principal_id,
        }),
        chain_id: None,
        block: None,
        data: json!({ "webhook_id": disabled.id, "reason": disabled.reason }),
    }
}

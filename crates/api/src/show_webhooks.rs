//! From the application's values to wire shapes: endpoints and deliveries.

use crate::show::{address, time};
use api_types as wire;
use app::{DeliveryView, WebhookAnswer, WebhookView};
use uuid::Uuid;
use vocab::ChainId;

/// Without its secret, which is told once.
pub(crate) fn webhook(view: &WebhookView) -> wire::Webhook {
    let row = &view.row;
    wire::Webhook {
        id: row.id,
        url: row.url.clone(),
        description: row.description.clone(),
        state: match row.state.as_str() {
            "active" => wire::WebhookState::Active,
            "paused" => wire::WebhookState::Paused,
            _ => wire::WebhookState::Disabled,
        },
        reason: row.reason.as_deref().map(|reason| match reason {
            "gone" => wire::WebhookReason::Gone,
            _ => wire::WebhookReason::Failing,
        }),
        topics: row.topics.clone(),
        events: row.kinds.clone(),
        chain_ids: row.chain_ids.iter().map(|id| ChainId::from_i64(*id).0).collect(),
        contracts: row.contracts.iter().map(|one| address(one.0)).collect(),
        addresses: row.addresses.iter().map(|one| address(one.0)).collect(),
        signature: match row.signature.as_str() {
            "ed25519" => wire::WebhookSignature::Ed25519,
            _ => wire::WebhookSignature::Hmac,
        },
        secret: None,
        public_key: view.public_key.clone(),
        secret_version: row.secret_version.unsigned_abs(),
        previous_secret_until: row.previous_until.map(time),
        failing_since: row.failing_since.map(time),
        pending: view.pending.unsigned_abs(),
        positions: view
            .positions
            .iter()
            .map(|one| wire::WebhookPosition {
                topic: one.topic.clone(),
                epoch: one.epoch,
                seq: one.seq,
                head: one.head,
                behind: one.behind,
            })
            .collect(),
        created_at: time(row.created_at),
        updated_at: time(row.updated_at),
    }
}

pub(crate) fn delivery(view: &DeliveryView) -> wire::Delivery {
    let row = &view.row;
    let attempts = view.attempts.iter().map(|one| wire::DeliveryAttempt {
        attempt: one.attempt.unsigned_abs(),
        at: time(one.at),
        outcome: outcome(&one.outcome),
        status: one.status.map(i16::cast_unsigned),
        latency_ms: one.latency_ms.unsigned_abs(),
        response: one.response.clone(),
    });
    wire::Delivery {
        id: row.id,
        topic: row.topic.clone(),
        epoch: row.epoch,
        seq: row.seq,
        kind: row.kind.clone(),
        key: row.ordering_key.clone(),
        state: match row.state.as_str() {
            "ready" => wire::DeliveryState::Ready,
            "held" => wire::DeliveryState::Held,
            "delivered" => wire::DeliveryState::Delivered,
            _ => wire::DeliveryState::Failed,
        },
        next_at: row.next_at.map(time),
        attempts: row.attempts.unsigned_abs(),
        log: attempts.collect(),
        created_at: time(row.created_at),
        ended_at: row.ended_at.map(time),
    }
}

pub(crate) fn trial(id: Uuid, answer: WebhookAnswer) -> wire::WebhookTrial {
    wire::WebhookTrial {
        id,
        outcome: outcome(answer.outcome.as_str()),
        status: answer.status,
        latency_ms: u32::try_from(answer.latency.as_millis()).unwrap_or(u32::MAX),
        response: answer.response,
    }
}

fn outcome(stored: &str) -> wire::DeliveryOutcome {
    match stored {
        "delivered" => wire::DeliveryOutcome::Delivered,
        "gone" => wire::DeliveryOutcome::Gone,
        "status" => wire::DeliveryOutcome::Status,
        "redirected" => wire::DeliveryOutcome::Redirected,
        "timed_out" => wire::DeliveryOutcome::TimedOut,
        "name_unresolved" => wire::DeliveryOutcome::NameUnresolved,
        "address_refused" => wire::DeliveryOutcome::AddressRefused,
        "url_refused" => wire::DeliveryOutcome::UrlRefused,
        _ => wire::DeliveryOutcome::Unreachable,
    }
}

//! What operations on webhooks may answer besides success, and what is sent to their endpoints.

use super::Access;
use crate::problem::Code;
use serde_json::{Value, json};

/// None: not one of webhooks.
pub(super) fn codes(operation: &str) -> Option<(Access, Vec<Code>)> {
    use Code as C;
    const BODY: [Code; 5] = [
        C::BodyMalformed,
        C::BodyInvalid,
        C::JsonTooDeep,
        C::BodyTooLarge,
        C::ContentTypeUnsupported,
    ];
    const MAKES: [Code; 4] = [
        C::IdempotencyKeyRequired,
        C::IdempotencyKeyInvalid,
        C::IdempotencyInProgress,
        C::IdempotencyKeyReused,
    ];
    const LISTS: [Code; 2] = [C::QueryInvalid, C::CursorInvalid];
    const ONE: [Code; 2] = [C::WebhookUnknown, C::PathInvalid];
    let (access, parts): (_, &[&[Code]]) = match operation {
        "create_webhook" => {
            let own = &[C::WebhookInvalid, C::WebhookLimitReached, C::OperatorOnly];
            (Access::Makes, &[&BODY, &MAKES, own])
        }
        "rotate_webhook_secret" => (Access::Makes, &[&BODY, &MAKES, &ONE]),
        "change_webhook" => (Access::Key, &[&BODY, &ONE, &[C::WebhookInvalid, C::OperatorOnly]]),
        "replay_webhook" => (Access::Key, &[&BODY, &ONE, &[C::WebhookInvalid]]),
        "get_webhook" | "delete_webhook" | "try_webhook" => (Access::Key, &[&ONE]),
        "retry_delivery" => (Access::Key, &[&ONE, &[C::DeliveryUnknown, C::WebhookState]]),
        "list_webhooks" => (Access::Key, &[&LISTS]),
        "list_deliveries" => (Access::Key, &[&LISTS, &ONE]),
        _ => return None,
    };
    Some((access, parts.concat()))
}

/// The document's `webhooks`: what an endpoint is sent, and how its answers are understood.
pub(super) fn sent() -> Value {
    let header = |name: &str, description: &str, example: &str| {
        json!({ "name": name, "in": "header", "required": true, "description": description,
            "schema": { "type": "string" }, "example": example })
    };
    json!({ "fact": { "post": {
        "operationId": "receive_fact",
        "tags": ["webhooks"],
        "summary": "A fact is told",
        "description": "Signed as Standard Webhooks 1.0 says: `{id}.{timestamp}.{body}`.",
        "parameters": [
            header("webhook-id", "The same whenever the fact is sent to this endpoint.",
                "8f1e6c0a-5b3d-8a4e-9c2f-3d7a1b5e9f00"),
            header("webhook-timestamp", "When it was sent: Unix seconds.", "1795300000"),
            header("webhook-signature",
                "`v1,` or `v1a,` and base64; several with a space between while secrets change.",
                "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
        ],
        "requestBody": { "required": true, "content": { "application/json": {
            "schema": { "$ref": "#/components/schemas/WebhookEvent" } } } },
        "responses": {
            "2XX": { "description": "Taken" },
            "410": { "description": "Nothing more is wanted: the endpoint is disabled" },
            "default": { "description": "Not taken: it is sent again by the schedule" },
        },
    } } })
}

//! Endpoints that are told of facts, and what was sent to them.

use crate::Block;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Whether an endpoint is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    Active,
    /// By its owner: it is told of nothing until it is active again, and then of all.
    Paused,
    /// By us: see `reason`. Set `state` to `active` to go on.
    Disabled,
}

/// What an owner may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookSwitch {
    Active,
    Paused,
}

/// Why we disabled an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookReason {
    /// It answered 410.
    Gone,
    /// For five days nothing was taken.
    Failing,
}

/// How deliveries are signed (Standard Webhooks 1.0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookSignature {
    /// `v1`: HMAC-SHA256 by a secret (`whsec_`).
    #[default]
    Hmac,
    /// `v1a`: Ed25519, verified by a public key (`whpk_`).
    Ed25519,
}

/// An endpoint to make.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookRequest {
    /// `https`, on port 443, 80 or above 1023, at a public address.
    #[schema(example = "https://shop.example.org/hooks/stoa")]
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "orders")]
    pub description: Option<String>,
    /// `items`, `transfers`, `collections`, `chain`, `mints` (your own), `transactions`
    /// (operators).
    #[schema(example = json!(["mints", "items"]))]
    pub topics: Vec<String>,
    /// Kinds of facts; with `*` at the end all that begin so. None: every kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["mint_status_changed", "item_*"]))]
    pub events: Option<Vec<String>>,
    /// Only facts of these chains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_ids: Option<Vec<u64>>,
    /// Only facts of these contracts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contracts: Option<Vec<String>>,
    /// Only facts in which one of these is owner, sender, recipient or creator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    #[serde(default)]
    pub signature: WebhookSignature,
}

/// What is to change about an endpoint; what is absent stays, and lists take the place of those
/// that there are.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topics: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_ids: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contracts: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<WebhookSwitch>,
}

/// Nothing more has to be said.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookRotation {}

/// How far a topic was looked through for an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookPosition {
    #[schema(example = "items")]
    pub topic: String,
    #[schema(example = 1)]
    pub epoch: i64,
    /// Facts up to this number were sent, wait to be, or were not wanted.
    #[schema(example = 41)]
    pub seq: i64,
    /// Number of the topic's latest fact.
    #[schema(example = 42)]
    pub head: i64,
    /// It catches up by itself: too much waited, it was not active, or it is told again.
    pub behind: bool,
}

/// An endpoint.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    pub id: Uuid,
    #[schema(example = "https://shop.example.org/hooks/stoa")]
    pub url: String,
    pub description: String,
    pub state: WebhookState,
    pub reason: Option<WebhookReason>,
    pub topics: Vec<String>,
    pub events: Vec<String>,
    pub chain_ids: Vec<u64>,
    pub contracts: Vec<String>,
    pub addresses: Vec<String>,
    pub signature: WebhookSignature,
    /// In the answer that made it and nowhere else: keep it.
    #[schema(example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    pub secret: Option<String>,
    /// Of `ed25519`.
    #[schema(example = "whpk_1dPFZPmCOMyMdG0BHTGJGcIdTJhSmCp0Q1/ZQWCVkPI=")]
    pub public_key: Option<String>,
    /// Rises with each rotation.
    #[schema(example = 1)]
    pub secret_version: u32,
    /// Until then deliveries are signed by the secret before, too.
    pub previous_secret_until: Option<String>,
    /// Since when every attempt has failed.
    pub failing_since: Option<String>,
    /// Deliveries that wait.
    #[schema(example = 0)]
    pub pending: u64,
    pub positions: Vec<WebhookPosition>,
    pub created_at: String,
    pub updated_at: String,
}

/// One page of endpoints.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WebhookList {
    pub items: Vec<Webhook>,
    pub next_cursor: Option<String>,
}

/// Which endpoints to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WebhookListQuery {
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is sent at `next_at`.
    Ready,
    /// An earlier one of its key goes first.
    Held,
    /// It was taken.
    Delivered,
    /// All attempts failed.
    Failed,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryOutcome {
    /// 2xx.
    Delivered,
    /// 410: the endpoint was disabled.
    Gone,
    /// Another status.
    Status,
    /// 3xx: nothing is followed.
    Redirected,
    TimedOut,
    Unreachable,
    NameUnresolved,
    /// Its name leads to an address that is not public.
    AddressRefused,
    /// The URL is one that is not asked any more.
    UrlRefused,
}

/// One attempt at a delivery.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeliveryAttempt {
    #[schema(example = 1)]
    pub attempt: u32,
    pub at: String,
    pub outcome: DeliveryOutcome,
    #[schema(example = 200)]
    pub status: Option<u16>,
    #[schema(example = 34)]
    pub latency_ms: u32,
    /// The first 1,024 characters of what came back.
    pub response: String,
}

/// A fact for an endpoint.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// As sent in `webhook-id`.
    pub id: Uuid,
    #[schema(example = "items")]
    pub topic: String,
    #[schema(example = 1)]
    pub epoch: i64,
    #[schema(example = 42)]
    pub seq: i64,
    #[schema(example = "item_minted")]
    pub kind: String,
    /// Deliveries of one key go one after the other.
    pub key: String,
    pub state: DeliveryState,
    pub next_at: Option<String>,
    /// How many were made; the last twenty are shown.
    pub attempts: u32,
    pub log: Vec<DeliveryAttempt>,
    pub created_at: String,
    pub ended_at: Option<String>,
}

/// One page of deliveries.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeliveryList {
    pub items: Vec<Delivery>,
    pub next_cursor: Option<String>,
}

/// Which deliveries to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveryListQuery {
    /// `ready`, `held`, `delivered` or `failed`.
    pub state: Option<String>,
    /// `next_cursor` of the page before, with the same filters.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

/// From where on to tell again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// May be left out where the endpoint has one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "items")]
    pub topic: Option<String>,
    /// The last number that you have: what follows is sent. 0: everything.
    #[schema(example = 40)]
    pub from_seq: i64,
}

/// A replay that was begun.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Replay {
    pub topic: String,
    pub from_seq: i64,
    /// Number of the topic's latest fact: up to it what was delivered is sent again.
    pub head: i64,
}

/// What came of an event of type `test`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WebhookTrial {
    /// As sent in `webhook-id`.
    pub id: Uuid,
    pub outcome: DeliveryOutcome,
    #[schema(example = 200)]
    pub status: Option<u16>,
    #[schema(example = 34)]
    pub latency_ms: u32,
    /// The first 1,024 characters of what came back.
    pub response: String,
}

/// What is sent: the body of a delivery.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WebhookEvent {
    /// Kind of the fact; `test` for one that only tries the endpoint.
    #[schema(example = "item_minted")]
    pub r#type: String,
    /// When it was recorded; when it was sent says `webhook-timestamp`.
    pub timestamp: String,
    pub data: WebhookFact,
}

/// A fact as `GET /api/v1/facts` shows it, but for what depends on who asks and when.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WebhookFact {
    #[schema(example = "items")]
    pub topic: String,
    #[schema(example = 1)]
    pub epoch: i64,
    #[schema(example = 42)]
    pub seq: i64,
    pub r#type: crate::FactType,
    #[schema(example = "item_minted")]
    pub kind: String,
    pub block: Option<Block>,
    pub at: String,
    #[schema(value_type = Object)]
    pub data: Value,
}

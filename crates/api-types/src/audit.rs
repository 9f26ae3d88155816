//! The audit trail.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// By what somebody did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditWay {
    /// A request with an API key.
    Key,
    /// A request of a user who was signed in.
    Session,
    /// A command at a terminal of the server.
    Terminal,
    /// The provider that staff sign in with.
    Provider,
    /// The server itself, as its configuration says.
    Server,
}

/// Somebody did something with a right to it, or wanted to without one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRecord {
    /// Number of the fact, in the topic `transactions`: the `fact` of its line in the log.
    pub seq: i64,
    pub recorded_at: String,
    /// In the words of the policy; null for what was recorded before they were.
    #[schema(example = "change_wallet")]
    pub action: Option<String>,
    /// What was done; `refused`: nothing was.
    #[schema(example = "paused")]
    pub act: String,
    /// To what kind of thing.
    #[schema(example = "wallet")]
    pub object: String,
    pub object_id: String,
    pub chain_id: Option<u64>,
    pub via: AuditWay,
    /// Null at a terminal, and for the server itself.
    pub principal_id: Option<Uuid>,
    pub key_id: Option<String>,
    pub session_id: Option<Uuid>,
    /// What the principal was by nature, and was granted, then.
    pub roles: Vec<String>,
    /// Account at the terminal.
    pub account: Option<String>,
    /// Where the request came from, as far as that was known.
    #[schema(example = "192.0.2.7")]
    pub ip: Option<String>,
    pub request_id: Option<String>,
    /// As it was, without secrets; null: there was nothing.
    pub before: Value,
    /// As it is since; null: there is nothing.
    pub after: Value,
}

/// One page of records.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditRecordList {
    pub items: Vec<AuditRecord>,
    pub next_cursor: Option<String>,
}

/// Which records to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditListQuery {
    /// Only what this principal did.
    pub principal_id: Option<Uuid>,
    /// Only in the name of this action of the policy.
    #[param(example = "change_wallet", max_length = 64)]
    pub action: Option<String>,
    /// Only about things of this kind.
    #[param(example = "wallet", max_length = 64)]
    pub object: Option<String>,
    /// Only about this one.
    #[param(max_length = 200)]
    pub object_id: Option<String>,
    /// Only what was recorded then or later. RFC 3339.
    #[param(example = "2026-11-01T00:00:00Z")]
    pub from: Option<String>,
    /// Only what was recorded before. RFC 3339.
    #[param(example = "2026-12-01T00:00:00Z")]
    pub to: Option<String>,
    /// `next_cursor` of the page before, with the same filters.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

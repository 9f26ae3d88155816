//! Facts, for those who ask for them.

use crate::{Block, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// What a fact does to what was told before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FactType {
    /// It adds.
    Delta,
    /// It takes back what an earlier fact told.
    Reorg,
}

/// A fact in the envelope of the stream.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Fact {
    #[schema(example = "items")]
    pub topic: String,
    #[schema(example = 1)]
    pub epoch: i64,
    /// Its number in the topic.
    #[schema(example = 42)]
    pub seq: i64,
    /// Number of the fact before it in this list.
    #[schema(example = 41)]
    pub prev_seq: i64,
    pub r#type: FactType,
    #[schema(example = "item_minted")]
    pub kind: String,
    pub block: Option<Block>,
    /// Of topics `items` and `transfers`: `tentative`, `auditable` or `final`, as of now. Null once
    /// a reorg took it back.
    pub level: Option<Status>,
    pub at: String,
    #[schema(value_type = Object)]
    pub data: Value,
}

/// Facts of one topic in order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FactList {
    pub topic: String,
    pub epoch: i64,
    /// Number of the topic's latest fact.
    pub head: i64,
    pub facts: Vec<Fact>,
    /// What to give as `after` to go on.
    pub next_after: i64,
}

/// How sure a fact has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FactLevel {
    Tentative,
    Auditable,
    Final,
}

/// Which facts to read.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FactListQuery {
    /// `items`, `transfers`, `collections`, `chain`, `mints` (your own) or `transactions` (admin).
    pub topic: String,
    /// Only facts numbered above this; 0 when absent.
    pub after: Option<i64>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
    /// Only facts of blocks that have this level or a higher one, none that a reorg took back. The
    /// list ends before the first that has not come so far. Topics `items` and `transfers` only.
    pub level: Option<FactLevel>,
}

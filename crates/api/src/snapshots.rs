//! What a subscription sees first: the state behind its topic, in the shapes of the API's answers.

use crate::{ApiState, show};
use app::{Snapshot, SnapshotRows};
use futures_util::future::BoxFuture;
use push::{Fact, Filter, SnapshotError, Snapshots};
use serde_json::{Value, json};
use vocab::topic;

/// Reads snapshots through the application.
#[derive(Clone, Debug)]
pub struct StreamSnapshots(ApiState);

impl StreamSnapshots {
    #[must_use]
    pub fn new(state: ApiState) -> Self {
        Self(state)
    }
}

impl Snapshots for StreamSnapshots {
    fn heard(&self, facts: &[Fact]) {
        self.0.0.hot.heard(facts);
    }

    fn snapshot<'a>(
        &'a self,
        topic: &'a str,
        filter: &'a Filter,
    ) -> BoxFuture<'a, Result<push::Snapshot, SnapshotError>> {
        Box::pin(async move {
            let found = self.0.app().read_snapshot(topic, &filter.0).await;
            let found = found.map_err(|error| SnapshotError(Box::new(error)))?;
            let state = state(topic, filter, &found);
            Ok(push::Snapshot { epoch: found.epoch, seq: found.seq, state })
        })
    }
}

/// `more` is where a truncated state can be read in whole.
fn state(topic: &str, filter: &Filter, found: &Snapshot) -> Value {
    let items: Vec<Value> = match &found.rows {
        SnapshotRows::Mints(rows) => rows.iter().map(|row| json!(show::mint(row))).collect(),
        SnapshotRows::Items(rows) => rows.iter().map(|row| json!(show::item(row))).collect(),
        SnapshotRows::Collections(rows) => {
            rows.iter().map(|row| json!(show::collection(row))).collect()
        }
        SnapshotRows::Transactions(rows) => rows.iter().map(show::transaction).collect(),
        SnapshotRows::Chains(rows) => {
            rows.iter().map(|(chain, found)| show::chain(*chain, found)).collect()
        }
    };
    let more = found.truncated.then(|| more(topic, filter));
    json!({ "items": items, "truncated": found.truncated, "more": more })
}

/// The list behind a topic, with those of the filters that it has.
fn more(topic: &str, filter: &Filter) -> String {
    let (path, names): (&str, &[(&str, &str)]) = match topic {
        topic::MINTS => {
            ("/api/v1/mints", &[("status", "status"), ("contract", "collection"), ("to", "to")])
        }
        topic::ITEMS => (
            "/api/v1/items",
            &[("chain_id", "chain_id"), ("owner", "owner"), ("contract", "collection")],
        ),
        topic::COLLECTIONS => ("/api/v1/collections", &[]),
        // There is no list of these: their facts are what can be read.
        other => return format!("/api/v1/facts?topic={other}"),
    };
    // The values let something through, so they are addresses, numbers and states: plain text.
    let query: Vec<String> = names
        .iter()
        .filter_map(|(name, parameter)| Some(format!("{parameter}={}", filter.0.get(*name)?)))
        .collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

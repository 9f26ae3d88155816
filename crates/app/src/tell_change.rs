//! What somebody decided, as a fact: who, what, what it was before and is after. The engine's audit
//! log has a line for each.

use auth::Maker;
use journal::NewFact;
use serde_json::{Value, json};
use vocab::{ChainId, topic};

/// A decision about something that is not on chain. Nothing secret may stand in it.
#[derive(Clone, Debug)]
pub struct Decision<'a> {
    /// The deciding key or user, and the request; none: somebody at a terminal of the server.
    pub by: Option<(Maker<'a>, &'a str)>,
    /// What kind of thing it is about (`sponsor`, `wallet`, `api_key`), and which.
    pub about: (&'static str, String),
    /// `created`, `changed`, …
    pub act: &'static str,
    pub chain_id: Option<ChainId>,
    /// Null: there was nothing.
    pub before: Value,
    pub after: Value,
}

impl Decision<'_> {
    /// To be recorded in the commit of the change.
    #[must_use]
    pub fn fact(self) -> NewFact {
        let (object, id) = self.about;
        let (holder, request) = self.by.unzip();
        let mut attributes = json!({ "object": object, "object_id": id, "act": self.act });
        if let Some(chain) = self.chain_id {
            attributes["chain_id"] = json!(chain.to_string());
        }
        NewFact {
            topic: topic::TRANSACTIONS,
            kind: db::audit_logs::DECIDED,
            reverting: false,
            attributes,
            chain_id: self.chain_id,
            block: None,
            data: json!({
                "principal_id": holder.map(|holder| holder.principal),
                "key_id": holder.and_then(|holder| holder.key_id),
                "session_id": holder.and_then(|holder| holder.session),
                "request_id": request, "before": self.before, "after": self.after,
            }),
        }
    }
}

//! What somebody with a right to it did, as a fact: who, what, from where, what it was before and
//! is after. The engine's audit log has a line for each.

use crate::Caller;
use auth::{Action, Maker};
use journal::NewFact;
use serde_json::{Map, Value, json};
use vocab::{ChainId, topic};

/// What no request can do: at a terminal of the server, or by its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// What of a chain is indexed, and whether it goes on.
    ChangeIndex,
    /// What a running server takes of its configuration.
    ChangeConfiguration,
}

/// Who did it, and from where.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// A key or a user who is signed in, by a request.
    Request(Maker<'a>, Caller<'a>),
    /// Somebody at a terminal of the server, under this account there.
    Terminal(&'a str),
    /// The provider that staff sign in with.
    Provider,
    /// The server itself, as its configuration says now.
    Server,
}

/// What was done, in the words of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Policy(Action),
    Beside(Beside),
}

impl From<Action> for Deed {
    fn from(action: Action) -> Self {
        Self::Policy(action)
    }
}

impl From<Beside> for Deed {
    fn from(beside: Beside) -> Self {
        Self::Beside(beside)
    }
}

impl Deed {
    fn name(self) -> String {
        match self {
            Self::Policy(action) => action.name(),
            Self::Beside(Beside::ChangeIndex) => "change_index".to_owned(),
            Self::Beside(Beside::ChangeConfiguration) => "change_configuration".to_owned(),
        }
    }
}

/// Something that was done with a right to it. Nothing secret may stand in it.
#[derive(Clone, Debug)]
pub struct Decision<'a> {
    pub by: By<'a>,
    pub deed: Deed,
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
    /// To be recorded in the commit of what was done.
    #[must_use]
    pub fn fact(self) -> NewFact {
        let (object, id) = self.about;
        let mut attributes = json!({ "object": object, "object_id": id, "act": self.act });
        if let Some(chain) = self.chain_id {
            attributes["chain_id"] = json!(chain.to_string());
        }
        let mut data = told_of(self.by, self.deed);
        data.insert("before".to_owned(), self.before);
        data.insert("after".to_owned(), self.after);
        NewFact {
            topic: topic::TRANSACTIONS,
            kind: db::audit_logs::DECIDED,
            reverting: false,
            attributes,
            chain_id: self.chain_id,
            block: None,
            data: Value::Object(data),
        }
    }
}

impl Decision<'_> {
    /// The same in a fact that tells it anyway, which thereby is its record: no second one is
    /// written where there are many.
    pub(crate) fn sign(self, fact: &mut NewFact) {
        let own = self.fact();
        for (there, more) in [(&mut fact.attributes, own.attributes), (&mut fact.data, own.data)] {
            if let (Value::Object(there), Value::Object(more)) = (there, more) {
                there.extend(more);
            }
        }
    }
}

/// Who, in the name of what, and from where. What has `by` is a record of the audit trail.
fn told_of(by: By<'_>, deed: Deed) -> Map<String, Value> {
    let mut origin = Map::new();
    origin.insert("action".to_owned(), json!(deed.name()));
    let mut who = Map::new();
    let via = match by {
        By::Request(maker, caller) => {
            origin.insert("roles".to_owned(), json!(maker.role_names()));
            if let Some(ip) = caller.from {
                origin.insert("ip".to_owned(), json!(ip.to_string()));
            }
            who.insert("principal_id".to_owned(), json!(maker.principal));
            who.insert("key_id".to_owned(), json!(maker.key_id));
            who.insert("session_id".to_owned(), json!(maker.session));
            who.insert("request_id".to_owned(), json!(caller.request_id));
            if maker.key_id.is_some() { "key" } else { "session" }
        }
        By::Terminal(account) => {
            origin.insert("account".to_owned(), json!(account));
            "terminal"
        }
        By::Provider => "provider",
        By::Server => "server",
    };
    for name in ["principal_id", "key_id", "session_id", "request_id"] {
        who.entry(name).or_insert(Value::Null);
    }
    origin.insert("via".to_owned(), json!(via));
    who.insert("by".to_owned(), Value::Object(origin));
    who
}

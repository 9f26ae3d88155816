//! Who wants to be told of a fact, and may be. Pure.

use auth::{Actor, KeyHolder, PrincipalKind, Scope, TopicRule};
use db::{
    facts::Fact,
    webhook_endpoints::{EndpointRow, Holding},
};
use push::Filter;
use serde_json::Value;
use std::{collections::BTreeMap, str::FromStr};
use vocab::{Address, ChainId, PrincipalId};

/// Where an address may stand in a fact's attributes.
const PARTIES: [&str; 4] = ["owner", "from", "to", "creator"];

/// A kind of facts, or with `*` at the end all that begin so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    start: String,
    open: bool,
}

impl FromStr for Pattern {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (start, open) = text.strip_suffix('*').map_or((text, false), |start| (start, true));
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let sound = text.len() <= 64 && !text.is_empty() && start.bytes().all(plain);
        sound.then(|| Self { start: start.to_owned(), open }).ok_or(())
    }
}

impl Pattern {
    fn fits(&self, kind: &str) -> bool {
        if self.open { kind.starts_with(&self.start) } else { kind == self.start }
    }
}

/// What an endpoint wants of a topic that it may be told of.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// What limits a private topic to its owner.
    mandatory: Filter,
    patterns: Vec<Pattern>,
    chains: Vec<String>,
    contracts: Vec<String>,
    addresses: Vec<String>,
}

/// A principal as its valid keys let it act, all together.
#[must_use]
pub fn actor_of(holding: &Holding) -> Actor {
    let operator = PrincipalKind::Operator;
    let kind = if holding.kind == operator.as_str() { operator } else { PrincipalKind::Machine };
    Actor::Key(KeyHolder {
        principal: PrincipalId(holding.principal_id),
        kind,
        key_id: String::new(),
        scopes: holding.scopes.iter().filter_map(|scope| Scope::from_str(scope).ok()).collect(),
        roles: Vec::new(),
        until: None,
        unsigned: false,
    })
}

impl Wanted {
    /// None: the endpoint's principal may not be told of the topic. `actor`: see [`actor_of`];
    /// none without a valid key.
    pub fn of(endpoint: &EndpointRow, topic: &str, actor: Option<&Actor>) -> Option<Self> {
        let own = TopicRule::of(topic)?.reach(actor?).ok()?;
        let own = own.map(|principal| ("principal_id".to_owned(), principal.to_string()));
        let text = |address: &db::Addr| Address::from(*address).to_string();
        Some(Self {
            mandatory: Filter(own.into_iter().collect::<BTreeMap<_, _>>()),
            patterns: endpoint.kinds.iter().filter_map(|text| text.parse().ok()).collect(),
            chains: endpoint
                .chain_ids
                .iter()
                .map(|id| ChainId::from_i64(*id).to_string())
                .collect(),
            contracts: endpoint.contracts.iter().map(text).collect(),
            addresses: endpoint.addresses.iter().map(text).collect(),
        })
    }

    /// Of a public topic, all facts of this kind.
    #[cfg(test)]
    pub fn all_of(kind: &str) -> Self {
        Self {
            mandatory: Filter(BTreeMap::new()),
            patterns: vec![kind.parse().unwrap()],
            chains: Vec::new(),
            contracts: Vec::new(),
            addresses: Vec::new(),
        }
    }

    /// As on the stream, a fact that takes something back is told as well to who wanted it by its
    /// value before.
    pub fn fits(&self, fact: &Fact) -> bool {
        let has = |names: &[&str], wanted: &[String]| {
            wanted.is_empty() || names.iter().any(|name| holds(fact, name, wanted))
        };
        (self.patterns.is_empty() || self.patterns.iter().any(|one| one.fits(&fact.kind)))
            && self.mandatory.matches(&fact.attributes, fact.reverting)
            && has(&["chain_id"], &self.chains)
            && has(&["contract"], &self.contracts)
            && has(&PARTIES, &self.addresses)
    }
}

fn holds(fact: &Fact, name: &str, wanted: &[String]) -> bool {
    let is = |name: &str| {
        let value = fact.attributes.get(name).and_then(Value::as_str);
        value.is_some_and(|value| wanted.iter().any(|one| one.eq_ignore_ascii_case(value)))
    };
    is(name) || (fact.reverting && is(&format!("previous_{name}")))
}

#[cfg(test)]
mod tests;

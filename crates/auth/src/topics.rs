//! Who may be told the facts of which topic, and of whom: for the stream, for lists of facts and
//! for webhooks alike.

use crate::{Action, Actor, Denied, authorize};
use vocab::{PrincipalId, topic};

/// What being told of a topic asks for.
#[derive(Clone, Copy, Debug)]
pub struct TopicRule {
    pub topic: &'static str,
    pub action: Action,
    /// Attributes of its facts that a filter may use.
    pub attributes: &'static [&'static str],
}

/// A topic that is missing here is told to nobody.
pub const TOPICS: [TopicRule; 6] = [
    TopicRule {
        topic: topic::ITEMS,
        action: Action::ReadPublicFacts,
        attributes: &["chain_id", "contract", "token_id", "owner", "from", "to"],
    },
    TopicRule {
        topic: topic::TRANSFERS,
        action: Action::ReadPublicFacts,
        attributes: &["chain_id", "contract", "token_id", "from", "to"],
    },
    TopicRule {
        topic: topic::COLLECTIONS,
        action: Action::ReadPublicFacts,
        attributes: &["chain_id", "contract", "creator", "request_id"],
    },
    TopicRule { topic: topic::CHAIN, action: Action::ReadPublicFacts, attributes: &["chain_id"] },
    TopicRule {
        topic: topic::MINTS,
        action: Action::ReadMintFacts,
        attributes: &["mint_id", "chain_id", "contract", "token_id", "to", "status"],
    },
    TopicRule {
        topic: topic::TRANSACTIONS,
        action: Action::ReadTransaction,
        attributes: &["transaction_id", "chain_id", "kind", "status"],
    },
];

impl TopicRule {
    /// The rule of a topic; none: there is no such topic.
    #[must_use]
    pub fn of(topic: &str) -> Option<Self> {
        TOPICS.into_iter().find(|rule| rule.topic == topic)
    }

    /// Whose facts the actor may be told: none means everybody's. Mints are told to those who asked
    /// for them; an admin sees all. Such a fact names its principal in `principal_id`.
    ///
    /// # Errors
    /// [`Denied`] when none at all.
    pub fn reach(self, actor: &Actor) -> Result<Option<PrincipalId>, Denied> {
        authorize(actor, self.action)?;
        match self.action {
            Action::ReadMintFacts => actor.reach(),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyHolder, PrincipalKind, Scope};

    #[test]
    fn private_topics_are_told_to_their_owners() {
        let principal = PrincipalId::new();
        let key = |kind, scopes: &[Scope]| {
            let scopes = scopes.to_vec();
            let key_id = "k".to_owned();
            let (until, unsigned) = (None, false);
            let roles = Vec::new();
            Actor::Key(KeyHolder { principal, kind, key_id, scopes, roles, until, unsigned })
        };
        let reach = |topic, actor: &Actor| TopicRule::of(topic).expect("a topic").reach(actor);
        let machine = key(PrincipalKind::Machine, &[Scope::MintsRead]);
        assert_eq!(reach(topic::MINTS, &machine), Ok(Some(principal)));
        assert_eq!(reach(topic::ITEMS, &Actor::Anonymous), Ok(None));
        assert!(reach(topic::MINTS, &Actor::Anonymous).is_err());
        assert!(reach(topic::TRANSACTIONS, &machine).is_err());
        assert_eq!(reach(topic::MINTS, &key(PrincipalKind::Machine, &[Scope::Admin])), Ok(None));
        let operator = key(PrincipalKind::Operator, &[Scope::TransactionsRead]);
        assert_eq!(reach(topic::TRANSACTIONS, &operator), Ok(None));
        assert!(reach(topic::MINTS, &operator).is_err());
        assert_eq!(TOPICS.len(), topic::ALL.len());
        assert!(TopicRule::of("gossip").is_none());
    }
}

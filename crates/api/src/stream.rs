//! Who may follow which topics of the stream, and by which attributes they may filter.

use auth::{Action, Actor, AuthError, Authenticator, authorize};
use futures_util::future::BoxFuture;
use push::{Authorize, Denied, Filter, Grant, TopicGrant};
use std::{collections::BTreeMap, net::IpAddr, time::Duration};
use time::OffsetDateTime;
use vocab::topic;

/// A topic, what following it asks for, and the attributes of its facts.
type Topic = (&'static str, Action, &'static [&'static str]);

const TOPICS: [Topic; 6] = [
    (
        topic::ITEMS,
        Action::ReadPublicFacts,
        &["chain_id", "contract", "token_id", "owner", "from", "to"],
    ),
    (
        topic::TRANSFERS,
        Action::ReadPublicFacts,
        &["chain_id", "contract", "token_id", "from", "to"],
    ),
    (
        topic::COLLECTIONS,
        Action::ReadPublicFacts,
        &["chain_id", "contract", "creator", "request_id"],
    ),
    (topic::CHAIN, Action::ReadPublicFacts, &["chain_id"]),
    (
        topic::MINTS,
        Action::ReadMintFacts,
        &["mint_id", "chain_id", "contract", "token_id", "to", "status"],
    ),
    (
        topic::TRANSACTIONS,
        Action::ReadTransaction,
        &["transaction_id", "chain_id", "kind", "status"],
    ),
];

/// The policy of `auth`, applied to the stream.
#[derive(Clone, Debug)]
pub struct StreamPolicy(Authenticator);

impl StreamPolicy {
    #[must_use]
    pub fn new(authenticator: Authenticator) -> Self {
        Self(authenticator)
    }
}

impl Authorize for StreamPolicy {
    fn anonymous(&self) -> Grant {
        grant(&Actor::Anonymous, self.0.now())
    }

    fn authenticate<'a>(
        &'a self,
        credential: &'a str,
        from: Option<IpAddr>,
    ) -> BoxFuture<'a, Result<Grant, Denied>> {
        Box::pin(async move {
            match self.0.authenticate(credential, from).await {
                Ok(actor) => Ok(grant(&actor, self.0.now())),
                Err(AuthError::Unavailable(_)) => Err(Denied::Unavailable),
                Err(_) => Err(Denied::Unauthenticated),
            }
        })
    }

    fn knows(&self, name: &str) -> bool {
        TOPICS.iter().any(|(topic, ..)| *topic == name)
    }
}

fn grant(actor: &Actor, now: OffsetDateTime) -> Grant {
    let topics = TOPICS
        .iter()
        .filter(|(_, action, _)| authorize(actor, *action).is_ok())
        .map(|(topic, action, attributes)| TopicGrant {
            topic,
            attributes,
            mandatory: mandatory(actor, *action),
        })
        .collect();
    let principal = actor.principal().map(|principal| principal.to_string());
    // A connection ends with what opened it.
    let until = match actor {
        Actor::User(user) => Some(user.until),
        Actor::Key(holder) => holder.until,
        Actor::Anonymous => None,
    };
    let left = until.map(|until| until - now);
    let valid_for = left.map(|left| Duration::try_from(left).unwrap_or_default());
    Grant { principal, topics, valid_for }
}

/// Mints are told to those who asked for them; an admin sees all.
fn mandatory(actor: &Actor, action: Action) -> Filter {
    let own = match action {
        Action::ReadMintFacts => actor.reach().ok().flatten(),
        _ => None,
    };
    let own = own.map(|principal| ("principal_id".to_owned(), principal.to_string()));
    Filter(own.into_iter().collect::<BTreeMap<_, _>>())
}

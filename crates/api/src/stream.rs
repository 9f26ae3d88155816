//! Who may follow which topics of the stream, and by which attributes they may filter.

use crate::cookies;
use auth::{Actor, AuthError, Authenticator, Origin, TOPICS, TopicRule};
use axum::http::HeaderMap;
use futures_util::future::BoxFuture;
use push::{Authorize, CrossOrigin, Denied, Filter, Grant, TopicGrant};
use std::{collections::BTreeMap, net::IpAddr, time::Duration};
use time::OffsetDateTime;
use vocab::PrincipalId;

/// The policy of `auth`, applied to the stream.
#[derive(Clone, Debug)]
pub struct StreamPolicy {
    authenticator: Authenticator,
    /// Pages whose browsers may show cookies.
    origins: Vec<Origin>,
}

impl StreamPolicy {
    #[must_use]
    pub fn new(authenticator: Authenticator, origins: &[Origin]) -> Self {
        Self { authenticator, origins: origins.to_vec() }
    }
}

impl Authorize for StreamPolicy {
    fn anonymous(&self) -> Grant {
        grant(&Actor::Anonymous, self.authenticator.now())
    }

    fn authenticate<'a>(
        &'a self,
        credential: &'a str,
        from: Option<IpAddr>,
    ) -> BoxFuture<'a, Result<Grant, Denied>> {
        Box::pin(async move {
            match self.authenticator.authenticate(credential, from).await {
                Ok(actor) => Ok(grant(&actor, self.authenticator.now())),
                Err(AuthError::Unavailable(_)) => Err(Denied::Unavailable),
                Err(_) => Err(Denied::Unauthenticated),
            }
        })
    }

    /// The rule for what changes something, though nothing does: a page of another that could
    /// listen here would read what is the user's.
    fn cookie<'h>(&self, headers: &'h HeaderMap) -> Result<Option<&'h str>, CrossOrigin> {
        match cookies::access(headers) {
            Some(_) if !cookies::is_from_page(headers, &self.origins) => Err(CrossOrigin),
            shown => Ok(shown),
        }
    }

    fn knows(&self, name: &str) -> bool {
        TopicRule::of(name).is_some()
    }
}

fn grant(actor: &Actor, now: OffsetDateTime) -> Grant {
    let of_rule = |rule: &TopicRule| {
        let mandatory = mandatory(rule.reach(actor).ok()?);
        Some(TopicGrant { topic: rule.topic, attributes: rule.attributes, mandatory })
    };
    let topics = TOPICS.iter().filter_map(of_rule).collect();
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

fn mandatory(own: Option<PrincipalId>) -> Filter {
    let own = own.map(|principal| ("principal_id".to_owned(), principal.to_string()));
    Filter(own.into_iter().collect::<BTreeMap<_, _>>())
}

//! Webhooks: endpoints made, changed, given another secret, and taken away.

use crate::{
    Answer, App, AppError, Caller, Once, WebhookRefusal, WebhookView,
    once::{Begun, CREATED, Done, maker},
    parse_address,
    read_webhooks::{lock_own, views},
    tell_change::{By, Decision},
};
use abi::Fault;
use auth::{Action, Actor, TopicRule, authorize};
use db::{
    Addr, DbError, webhook_deliveries,
    webhook_endpoints::{self as endpoints, EndpointRow, EndpointTerms, NewEndpoint},
    webhook_positions as positions,
};
use journal::NewFact;
use serde_json::{Value, json};
use uuid::Uuid;
use vocab::ChainId;
use webhooks::{Pattern, RootKey, Scheme, Sender};
use zeroize::Zeroizing;

const URL_MAX: usize = 2_048;
const DESCRIPTION_MAX: usize = 200;
/// Values of one filter.
const VALUES_MAX: usize = 50;
/// How long the secret before the present one still signs, too: a day.
const OVERLAP_SECONDS: f64 = 86_400.0;

/// What the endpoints' use cases stand on.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Of which secrets are made. The same in every process.
    pub key: RootKey,
    /// Tries endpoints, and says which addresses are asked.
    pub sender: Sender,
    /// Of one principal.
    pub endpoints_max: u32,
    /// How long what was sent is kept, and how much of it per endpoint.
    pub log_time: std::time::Duration,
    pub log_max: u32,
}

/// What is decided about an endpoint; what is absent stays as it is, or is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebhookSpec<'a> {
    pub url: Option<&'a str>,
    pub description: Option<&'a str>,
    pub topics: Option<&'a [String]>,
    pub events: Option<&'a [String]>,
    pub chain_ids: Option<&'a [u64]>,
    pub contracts: Option<&'a [String]>,
    pub addresses: Option<&'a [String]>,
    /// True: it is told; false: it is not until it is let again.
    pub active: Option<bool>,
}

impl App {
    /// Make an endpoint, for the caller's principal. It is told of what is numbered from now on.
    /// Its secret is in no stored answer: see [`App::reveal_webhook_secret`].
    ///
    /// # Errors
    /// [`WebhookRefusal::Invalid`], [`WebhookRefusal::TooMany`]; [`AppError::Denied`] for a topic
    /// that the caller may not be told of.
    pub async fn create_webhook(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        (scheme, spec): (Scheme, WebhookSpec<'_>),
        render: impl Fn(&WebhookView) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let holder = maker(caller.actor, Action::ChangeWebhook)?;
        let empty = EndpointTerms {
            url: String::new(),
            description: String::new(),
            topics: Vec::new(),
            kinds: Vec::new(),
            chain_ids: Vec::new(),
            contracts: Vec::new(),
            addresses: Vec::new(),
        };
        let terms = self.check_webhook(caller.actor, empty, &spec)?;
        let mut work = match self.begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Open(work) => work,
        };
        let new = NewEndpoint {
            id: Uuid::now_v7(),
            principal_id: holder.principal,
            signature: scheme.as_str(),
            salt: &RootKey::fresh_salt(),
            terms: &terms,
        };
        let db = &mut work.transaction;
        let recorded = async {
            let limit = self.config().webhooks.endpoints_max;
            if endpoints::count(db, holder.principal).await? >= i64::from(limit) {
                return Err(WebhookRefusal::TooMany { limit }.into());
            }
            endpoints::record(db, new).await?;
            positions::record_topics(db, new.id, &terms.topics).await?;
            let row = endpoints::load(db, new.id).await?;
            let row = row.ok_or(AppError::Bug("an endpoint is not there"))?;
            let fact = changed(caller, ("created", row.id), Value::Null, decided(&row))?;
            journal::record(db, &[fact]).await?;
            let view = views(db, &self.config().webhooks.key, vec![row]).await?.pop();
            Ok(render(&view.ok_or(AppError::Bug("an endpoint is not seen"))?))
        };
        let done = recorded.await.map(|shown| Done::New(CREATED, shown.to_string().into_bytes()));
        self.settle_once(work, done).await
    }

    /// Change an endpoint. Whoever makes it active again is told at once of what waits.
    ///
    /// # Errors
    /// [`WebhookRefusal::Unknown`] for another's, [`WebhookRefusal::Invalid`];
    /// [`AppError::Denied`] for a topic that the caller may not be told of.
    pub async fn change_webhook(
        &self,
        caller: Caller<'_>,
        id: Uuid,
        spec: WebhookSpec<'_>,
    ) -> Result<WebhookView, AppError> {
        authorize(caller.actor, Action::ChangeWebhook)?;
        let mut db = db::begin(&self.config().db).await?;
        let was = lock_own(&mut db, caller.actor, id).await?;
        let terms = self.check_webhook(caller.actor, terms_of(&was), &spec)?;
        if terms != terms_of(&was) {
            endpoints::record_terms(&mut db, id, &terms).await?;
            positions::record_topics(&mut db, id, &terms.topics).await?;
        }
        match spec.active {
            Some(true) if was.state != "active" => {
                endpoints::record_state(&mut db, id, "active").await?;
                webhook_deliveries::record_resumed(&mut db, id).await?;
            }
            Some(false) if was.state != "paused" => {
                endpoints::record_state(&mut db, id, "paused").await?;
            }
            _ => {}
        }
        let row = endpoints::load(&mut db, id).await?.ok_or(WebhookRefusal::Unknown)?;
        if decided(&row) != decided(&was) || terms.url != was.url {
            let fact = changed(caller, ("changed", id), decided(&was), decided(&row))?;
            journal::record(&mut db, &[fact]).await?;
        }
        let view = views(&mut db, &self.config().webhooks.key, vec![row]).await?.pop();
        db.commit().await.map_err(DbError::from)?;
        view.ok_or(AppError::Bug("an endpoint is not seen"))
    }

    /// Give an endpoint another secret. For a day deliveries are signed by both; a second time
    /// within that day ends the oldest at once.
    ///
    /// # Errors
    /// [`WebhookRefusal::Unknown`] for another's.
    pub async fn rotate_webhook_secret(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        id: Uuid,
        render: impl Fn(&WebhookView) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let holder = maker(caller.actor, Action::ChangeWebhook)?;
        let mut work = match self.begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Open(work) => work,
        };
        let db = &mut work.transaction;
        let recorded = async {
            let was = lock_own(db, caller.actor, id).await?;
            endpoints::record_rotation(db, id, &RootKey::fresh_salt(), OVERLAP_SECONDS).await?;
            let row = endpoints::load(db, id).await?.ok_or(WebhookRefusal::Unknown)?;
            let fact = changed(caller, ("rotated", id), decided(&was), decided(&row))?;
            journal::record(db, &[fact]).await?;
            let view = views(db, &self.config().webhooks.key, vec![row]).await?.pop();
            Ok(render(&view.ok_or(AppError::Bug("an endpoint is not seen"))?))
        };
        let done = recorded.await.map(|shown| Done::New(CREATED, shown.to_string().into_bytes()));
        self.settle_once(work, done).await
    }

    /// The secret of that version, for the answer to the request that made it, repeated or not.
    /// None once another took its place.
    ///
    /// # Errors
    /// [`AppError::Denied`], [`AppError::Db`]
    pub async fn reveal_webhook_secret(
        &self,
        caller: Caller<'_>,
        id: Uuid,
        version: u32,
    ) -> Result<Option<Zeroizing<String>>, AppError> {
        authorize(caller.actor, Action::ChangeWebhook)?;
        let row = endpoints::load(&mut *self.connection().await?, id).await?;
        let own = row.filter(|row| {
            row.secret_version.unsigned_abs() == version
                && caller.actor.reach().is_ok_and(|own| own.is_none_or(|o| o.0 == row.principal_id))
        });
        Ok(own.map(|row| self.config().webhooks.key.reveal(&row)))
    }

    /// Take an endpoint away, with all that waits for it.
    ///
    /// # Errors
    /// [`WebhookRefusal::Unknown`] for another's.
    pub async fn delete_webhook(&self, caller: Caller<'_>, id: Uuid) -> Result<(), AppError> {
        authorize(caller.actor, Action::ChangeWebhook)?;
        let mut db = db::begin(&self.config().db).await?;
        let was = lock_own(&mut db, caller.actor, id).await?;
        endpoints::record_state(&mut db, id, "deleted").await?;
        let fact = changed(caller, ("deleted", id), decided(&was), Value::Null)?;
        journal::record(&mut db, &[fact]).await?;
        Ok(db.commit().await.map_err(DbError::from)?)
    }

    /// What an endpoint becomes, with all that is wrong with it.
    fn check_webhook(
        &self,
        actor: &Actor,
        was: EndpointTerms,
        spec: &WebhookSpec<'_>,
    ) -> Result<EndpointTerms, AppError> {
        let mut faults = Vec::new();
        let mut terms = was;
        if let Some(url) = spec.url.or(terms.url.is_empty().then_some("")) {
            if let Err(detail) = self.check_url(url) {
                faults.push(Fault::new("/url", detail));
            }
            url.clone_into(&mut terms.url);
        }
        if let Some(text) = spec.description {
            if text.chars().count() > DESCRIPTION_MAX || text.chars().any(char::is_control) {
                let detail = format!("at most {DESCRIPTION_MAX} characters, none of control");
                faults.push(Fault::new("/description", detail));
            }
            text.clone_into(&mut terms.description);
        }
        if let Some(topics) = spec.topics.or(terms.topics.is_empty().then_some(&[])) {
            terms.topics = check_topics(actor, topics, &mut faults)?;
        }
        if let Some(events) = spec.events {
            terms.kinds = list("events", events, &mut faults, |text| {
                let sound = text.parse::<Pattern>().is_ok();
                sound.then(|| text.clone()).ok_or("a-z, 0-9 and _, and * at the end if any")
            });
        }
        if let Some(ids) = spec.chain_ids {
            terms.chain_ids = list("chain_ids", ids, &mut faults, |id| {
                let known = self.chain(Some(*id)).is_ok();
                known.then(|| ChainId(*id).as_i64()).ok_or("no chain of this engine")
            });
        }
        let address = |text: &String| {
            let parsed = parse_address(text, crate::Field::Address);
            parsed.map(Addr).map_err(|_| "no address, or its checksum is wrong")
        };
        if let Some(contracts) = spec.contracts {
            terms.contracts = list("contracts", contracts, &mut faults, address);
        }
        if let Some(addresses) = spec.addresses {
            terms.addresses = list("addresses", addresses, &mut faults, address);
        }
        if faults.is_empty() { Ok(terms) } else { Err(WebhookRefusal::Invalid(faults).into()) }
    }

    fn check_url(&self, url: &str) -> Result<(), String> {
        let plain = url.bytes().all(|byte| byte.is_ascii_graphic());
        if url.is_empty() || url.len() > URL_MAX || !plain || url.contains('#') {
            return Err(format!("1 to {URL_MAX} ASCII characters, without # and spaces"));
        }
        self.config().webhooks.sender.check(url).map_err(|refused| refused.to_string())
    }
}

/// Of each topic the caller must be allowed to be told.
fn check_topics(
    actor: &Actor,
    topics: &[String],
    faults: &mut Vec<Fault>,
) -> Result<Vec<String>, AppError> {
    let mut known: Vec<String> = Vec::new();
    if topics.is_empty() {
        faults.push(Fault::new("/topics", "at least one"));
    }
    for (place, topic) in topics.iter().enumerate() {
        match TopicRule::of(topic) {
            Some(rule) if !known.contains(topic) => {
                rule.reach(actor)?;
                known.push(topic.clone());
            }
            Some(_) => faults.push(Fault::new(format!("/topics/{place}"), "named twice")),
            None => faults.push(Fault::new(format!("/topics/{place}"), "no such topic")),
        }
    }
    Ok(known)
}

fn list<T, U>(
    name: &str,
    values: &[T],
    faults: &mut Vec<Fault>,
    read: impl Fn(&T) -> Result<U, &'static str>,
) -> Vec<U> {
    if values.len() > VALUES_MAX {
        faults.push(Fault::new(format!("/{name}"), format!("at most {VALUES_MAX}")));
        return Vec::new();
    }
    let mut all = Vec::with_capacity(values.len());
    for (place, value) in values.iter().enumerate() {
        match read(value) {
            Ok(value) => all.push(value),
            Err(detail) => faults.push(Fault::new(format!("/{name}/{place}"), detail)),
        }
    }
    all
}

fn terms_of(row: &EndpointRow) -> EndpointTerms {
    EndpointTerms {
        url: row.url.clone(),
        description: row.description.clone(),
        topics: row.topics.clone(),
        kinds: row.kinds.clone(),
        chain_ids: row.chain_ids.clone(),
        contracts: row.contracts.clone(),
        addresses: row.addresses.clone(),
    }
}

/// What the audit log is told of an endpoint: of its address only the place, as the rest may be a
/// secret of its owner's.
fn decided(row: &EndpointRow) -> Value {
    let place = row.url.split_once("://").map_or("", |(_, rest)| rest);
    let place = place.split(['/', '?']).next().unwrap_or_default();
    let texts = |all: &[Addr]| all.iter().map(|one| one.0.to_string()).collect::<Vec<_>>();
    json!({
        "host": place, "state": row.state, "topics": row.topics, "events": row.kinds,
        "chain_ids": row.chain_ids, "contracts": texts(&row.contracts),
        "addresses": texts(&row.addresses), "signature": row.signature,
        "secret_version": row.secret_version,
    })
}

pub(crate) fn changed(
    caller: Caller<'_>,
    (act, id): (&'static str, Uuid),
    before: Value,
    after: Value,
) -> Result<NewFact, AppError> {
    let decision = Decision {
        by: By::Request(caller.actor.maker()?, caller),
        deed: Action::ChangeWebhook.into(),
        about: ("webhook", id.to_string()),
        act,
        chain_id: None,
        before,
        after,
    };
    Ok(decision.fact())
}

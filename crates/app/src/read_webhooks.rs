//! Looking at endpoints, and at what was sent to them; sending it again.

use crate::{App, AppError, Caller, WebhookRefusal, change_webhook::changed};
use abi::Fault;
use auth::{Action, Actor, authorize};
use db::{
    PgConnection,
    webhook_deliveries::{self as deliveries, AttemptRow, DeliveryFilter, DeliveryRow},
    webhook_endpoints::{self as endpoints, EndpointFilter, EndpointRow},
    webhook_positions as positions,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;
use webhooks::RootKey;

/// An endpoint with how it stands.
#[derive(Clone, Debug)]
pub struct WebhookView {
    pub row: EndpointRow,
    /// By topic.
    pub positions: Vec<WebhookPosition>,
    /// Deliveries that wait.
    pub pending: i64,
    /// To verify signatures by, in the standard's form (`whpk_`); none where a secret serves.
    pub public_key: Option<String>,
}

/// How far an endpoint's topic was looked through.
#[derive(Clone, Debug)]
pub struct WebhookPosition {
    pub topic: String,
    pub epoch: i64,
    pub seq: i64,
    /// Number of the topic's latest fact.
    pub head: i64,
    /// It has to catch up by itself: it had no room, was not active, or goes back.
    pub behind: bool,
}

/// A delivery with the attempts at it that are kept.
#[derive(Clone, Debug)]
pub struct DeliveryView {
    pub row: DeliveryRow,
    pub attempts: Vec<AttemptRow>,
}

/// Where a replay begins, and where its topic stands.
#[derive(Clone, Debug)]
pub struct Replay {
    pub topic: String,
    pub from_seq: i64,
    pub head: i64,
}

impl App {
    /// # Errors
    /// [`WebhookRefusal::Unknown`] for another's.
    pub async fn load_webhook(
        &self,
        caller: Caller<'_>,
        id: Uuid,
    ) -> Result<WebhookView, AppError> {
        authorize(caller.actor, Action::ReadWebhook)?;
        let mut db = self.connection().await?;
        let row = load_own(&mut db, caller.actor, id).await?;
        let view = views(&mut db, &self.config().webhooks.key, vec![row]).await?.pop();
        view.ok_or(AppError::Bug("an endpoint is not seen"))
    }

    /// One's own endpoints, newest first; an admin's list has all.
    ///
    /// # Errors
    /// [`AppError::Denied`]
    pub async fn list_webhooks(
        &self,
        caller: Caller<'_>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<WebhookView>, AppError> {
        authorize(caller.actor, Action::ReadWebhook)?;
        let filter = EndpointFilter { id: None, principal_id: caller.actor.reach()? };
        let mut db = self.connection().await?;
        let rows = endpoints::list(&mut db, filter, before, limit).await?;
        views(&mut db, &self.config().webhooks.key, rows).await
    }

    /// What was sent to an endpoint or is to be, newest first.
    ///
    /// # Errors
    /// [`WebhookRefusal::Unknown`] for another's; [`WebhookRefusal::Invalid`] for a state that
    /// there is not.
    pub async fn list_deliveries(
        &self,
        caller: Caller<'_>,
        (id, state): (Uuid, Option<&str>),
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<DeliveryView>, AppError> {
        authorize(caller.actor, Action::ReadWebhook)?;
        let known = ["ready", "held", "delivered", "failed"];
        if state.is_some_and(|state| !known.contains(&state)) {
            let fault = Fault::new("?state", "ready, held, delivered or failed");
            return Err(WebhookRefusal::Invalid(vec![fault]).into());
        }
        let mut db = self.connection().await?;
        load_own(&mut db, caller.actor, id).await?;
        let filter = DeliveryFilter { endpoint_id: id, id: None, state };
        let rows = deliveries::list(&mut db, filter, before, limit).await?;
        with_attempts(&mut db, rows).await
    }

    /// Send a delivery now, again if need be. One that waits for another of its key keeps waiting.
    ///
    /// # Errors
    /// [`WebhookRefusal::Unknown`], [`WebhookRefusal::DeliveryUnknown`];
    /// [`WebhookRefusal::State`] when the endpoint is not active.
    pub async fn retry_delivery(
        &self,
        caller: Caller<'_>,
        (id, delivery): (Uuid, Uuid),
    ) -> Result<DeliveryView, AppError> {
        authorize(caller.actor, Action::ChangeWebhook)?;
        let mut db = db::begin(&self.config().db).await?;
        let endpoint = lock_own(&mut db, caller.actor, id).await?;
        if endpoint.state != "active" {
            return Err(WebhookRefusal::State { detail: "it is not active" }.into());
        }
        if !deliveries::record_retry(&mut db, id, delivery).await? {
            return Err(WebhookRefusal::DeliveryUnknown.into());
        }
        let again = json!({ "delivery_id": delivery });
        let fact = changed(caller, ("delivery_retried", id), Value::Null, again)?;
        journal::record(&mut db, &[fact]).await?;
        let filter = DeliveryFilter { endpoint_id: id, id: Some(delivery), state: None };
        let rows = deliveries::list(&mut db, filter, None, 1).await?;
        let view = with_attempts(&mut db, rows).await?.pop();
        db.commit().await.map_err(db::DbError::from)?;
        view.ok_or(AppError::Bug("a delivery is not seen"))
    }

    /// Tell an endpoint again all that follows on `from_seq`, with what was delivered; `topic` may
    /// be left out where it has one only.
    ///
    /// # Errors
    /// [`WebhookRefusal::Unknown`] for another's; [`WebhookRefusal::Invalid`].
    pub async fn replay_webhook(
        &self,
        caller: Caller<'_>,
        id: Uuid,
        (topic, from_seq): (Option<&str>, i64),
    ) -> Result<Replay, AppError> {
        authorize(caller.actor, Action::ChangeWebhook)?;
        let invalid = |pointer: &str, detail: &str| {
            AppError::from(WebhookRefusal::Invalid(vec![Fault::new(pointer, detail)]))
        };
        if from_seq < 0 {
            return Err(invalid("/from_seq", "0 or more"));
        }
        let mut db = db::begin(&self.config().db).await?;
        let endpoint = lock_own(&mut db, caller.actor, id).await?;
        let topic = match (topic, endpoint.topics.as_slice()) {
            (Some(topic), topics) if topics.iter().any(|one| one == topic) => topic,
            (None, [only]) => only,
            (None, _) => return Err(invalid("/topic", "is needed: the endpoint has several")),
            (Some(_), _) => return Err(invalid("/topic", "is none of the endpoint's")),
        };
        let head = positions::record_replay(&mut db, id, topic, from_seq).await?;
        let head = head.ok_or_else(|| invalid("/from_seq", "is above the topic's latest"))?;
        let again = json!({ "topic": topic, "from_seq": from_seq });
        let fact = changed(caller, ("replayed", id), Value::Null, again)?;
        journal::record(&mut db, &[fact]).await?;
        db.commit().await.map_err(db::DbError::from)?;
        Ok(Replay { topic: topic.to_owned(), from_seq, head })
    }
}

fn is_own(actor: &Actor, row: &EndpointRow) -> bool {
    actor.reach().is_ok_and(|own| own.is_none_or(|own| own.0 == row.principal_id))
}

pub(crate) async fn load_own(
    db: &mut PgConnection,
    actor: &Actor,
    id: Uuid,
) -> Result<EndpointRow, AppError> {
    let row = endpoints::load(db, id).await?.filter(|row| is_own(actor, row));
    Ok(row.ok_or(WebhookRefusal::Unknown)?)
}

/// Within the caller's transaction: nobody else changes it until that ends.
pub(crate) async fn lock_own(
    db: &mut PgConnection,
    actor: &Actor,
    id: Uuid,
) -> Result<EndpointRow, AppError> {
    let row = endpoints::lock(db, id).await?.filter(|row| is_own(actor, row));
    Ok(row.ok_or(WebhookRefusal::Unknown)?)
}

pub(crate) async fn views(
    db: &mut PgConnection,
    key: &RootKey,
    rows: Vec<EndpointRow>,
) -> Result<Vec<WebhookView>, AppError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let pending: HashMap<Uuid, i64> =
        deliveries::count_pending(db, &ids).await?.into_iter().collect();
    let cursors = positions::load_cursors(db).await?;
    let heads = journal::load_heads(db).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let found = positions::load(db, Some(row.id)).await?;
        let places = found.into_iter().map(|one| {
            let of = |heads: &[journal::TopicHead]| {
                heads.iter().find(|head| head.topic == one.topic).map_or(0, |head| head.seq)
            };
            let seq = if one.live { one.after_seq.max(of(&cursors)) } else { one.after_seq };
            let head = of(&heads);
            let behind = !one.live && seq < head;
            WebhookPosition { topic: one.topic, epoch: one.epoch, seq, head, behind }
        });
        let public = row.signature == "ed25519";
        all.push(WebhookView {
            positions: places.collect(),
            pending: pending.get(&row.id).copied().unwrap_or_default(),
            public_key: public.then(|| key.reveal(&row).to_string()),
            row,
        });
    }
    Ok(all)
}

async fn with_attempts(
    db: &mut PgConnection,
    rows: Vec<DeliveryRow>,
) -> Result<Vec<DeliveryView>, AppError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut attempts: HashMap<Uuid, Vec<AttemptRow>> = HashMap::new();
    for one in deliveries::load_attempts(db, &ids).await? {
        attempts.entry(one.delivery_id).or_default().push(one);
    }
    let with = |row: DeliveryRow| {
        let attempts = attempts.remove(&row.id).unwrap_or_default();
        DeliveryView { row, attempts }
    };
    Ok(rows.into_iter().map(with).collect())
}

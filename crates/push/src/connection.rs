//! One connection: pulls from the log, sends; ends with a reason. It does not know how messages
//! travel (see [`Outlet`]).

use crate::{
    Authorize, Close, Denied, Filter, Grant, Hub, TopicGrant,
    frame::{Answer, ClientFrame, Credential, Refusal, Subscribe},
    outlet::{Outgoing, Outlet},
    places::{Place, show_places},
    ring::Ring,
    subscription::{Step, Subscription},
};
use serde_json::{Map, Value, json};
use std::{future::pending, net::IpAddr, sync::Arc};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until},
};

/// Messages made at a time for one subscription, and handed over at once.
const MESSAGES_MAX: usize = 32;
const ID_MAX: usize = 64;
const FILTER_VALUE_MAX: usize = 128;

/// Who lets clients in, and where this one comes from, if that is known.
pub(crate) type Door = (Arc<dyn Authorize>, Option<IpAddr>);

pub(crate) struct Connection<O> {
    hub: Hub,
    authorizer: Arc<dyn Authorize>,
    from: Option<IpAddr>,
    grant: Grant,
    expires: Option<Instant>,
    pub(crate) outlet: O,
    subscriptions: Vec<Subscription>,
    /// Whose turn it is to be served.
    turn: usize,
}

impl<O: Outlet> Connection<O> {
    pub(crate) fn new(hub: Hub, (authorizer, from): Door, grant: Grant, outlet: O) -> Self {
        let expires = grant.valid_for.map(|d| Instant::now() + d);
        Self { hub, authorizer, from, grant, expires, outlet, subscriptions: Vec::new(), turn: 0 }
    }

    pub(crate) async fn run(&mut self, mut inbox: mpsc::Receiver<ClientFrame>) -> Close {
        let Err(close) = self.drive(&mut inbox).await;
        close
    }

    async fn drive(
        &mut self,
        inbox: &mut mpsc::Receiver<ClientFrame>,
    ) -> Result<std::convert::Infallible, Close> {
        let closing = self.hub.closing().clone();
        let mut changes = self.hub.changes();
        let every = self.hub.options().heartbeat;
        let mut heartbeat = interval_at(Instant::now() + every, every);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Marked before we look, so that what comes while we look wakes us again.
            changes.borrow_and_update();
            let busy = self.serve_next().await?;
            let expires = self.expires;
            tokio::select! {
                biased;
                () = closing.cancelled() => return Err(Close::Shutdown),
                () = until(expires) => return Err(Close::Unauthenticated),
                _ = heartbeat.tick() => self.beat().await?,
                frame = inbox.recv() => self.answer(frame.ok_or(Close::Gone)?).await?,
                () = std::future::ready(()), if busy => {}
                changed = changes.changed() => changed.map_err(|_| Close::Shutdown)?,
            }
        }
    }

    /// Serve at most one portion, in turn; false when every subscription is up to date.
    async fn serve_next(&mut self) -> Result<bool, Close> {
        for _ in 0..self.subscriptions.len() {
            self.turn = (self.turn + 1) % self.subscriptions.len();
            let subscription = &mut self.subscriptions[self.turn];
            let step = self
                .hub
                .with_ring(subscription.topic, |ring| subscription.step(ring, MESSAGES_MAX))
                .ok_or(Close::Internal)?;
            match step {
                Step::Idle => continue,
                Step::Send(messages) => self.send_all(messages).await?,
                Step::Load { after, upto } => self.load(after, upto).await?,
                Step::Restart => self.restart().await?,
            }
            return Ok(true);
        }
        Ok(false)
    }

    async fn load(&mut self, after: i64, upto: i64) -> Result<(), Close> {
        let subscription = &mut self.subscriptions[self.turn];
        let loading = self.hub.load(subscription.topic, (after, upto), &subscription.filter);
        let (found, cut) = loading.await.map_err(|error| unavailable(&error))?;
        let messages = subscription.accept(upto, found, cut);
        self.send_all(messages).await
    }

    /// The topic of the subscription in turn began a new epoch: open it anew.
    async fn restart(&mut self) -> Result<(), Close> {
        let old = self.subscriptions.swap_remove(self.turn);
        self.refuse(Some(&old.id), Refusal::ResumeImpossible).await?;
        self.open(old.id, old.topic, old.filter).await
    }

    /// Hand over what the subscription in turn has to say.
    async fn send_all(&mut self, messages: Vec<(i64, String)>) -> Result<(), Close> {
        metrics::counter!("push_sent_total").increment(messages.len() as u64);
        let mut messages = messages.into_iter().peekable();
        while messages.peek().is_some() {
            let together = messages.by_ref().take(MESSAGES_MAX);
            let together = together.map(|(seq, text)| Outgoing {
                text,
                places: O::NAMES_PLACES.then(|| self.places(Some((self.turn, seq)))),
            });
            let together = together.collect();
            self.outlet.send(together).await?;
        }
        Ok(())
    }

    /// Where all subscriptions stand, one of them at this number.
    fn places(&self, at: Option<(usize, i64)>) -> String {
        let place = |(n, s): (usize, &Subscription)| Place {
            id: s.id.clone(),
            epoch: s.epoch(),
            seq: at.filter(|(turn, _)| *turn == n).map_or(s.position(), |(_, seq)| seq),
        };
        show_places(self.subscriptions.iter().enumerate().map(place))
    }

    /// A message of the connection itself, or the first one of a subscription.
    async fn send(&mut self, text: String) -> Result<(), Close> {
        self.outlet.send(vec![Outgoing { text, places: None }]).await
    }

    async fn say(&mut self, answer: &Answer<'_>) -> Result<(), Close> {
        let text = serde_json::to_string(answer).map_err(|_| Close::Internal)?;
        self.send(text).await
    }

    async fn refuse(&mut self, id: Option<&str>, code: Refusal) -> Result<(), Close> {
        self.say(&Answer::Error { id, code, detail: code.detail() }).await
    }

    async fn beat(&mut self) -> Result<(), Close> {
        let heads: Map<String, Value> = self
            .hub
            .heads()
            .into_iter()
            .filter(|(topic, ..)| self.grant.topics.iter().any(|g| g.topic == topic))
            .map(|(topic, epoch, seq)| (topic, json!({"epoch": epoch, "seq": seq})))
            .collect();
        let subscriptions: Vec<Value> = self.subscriptions.iter().map(describe).collect();
        let message = json!({
            "topic": null, "subscription": null, "epoch": null, "seq": null, "prev_seq": null,
            "type": "heartbeat", "block": null,
            "data": {"heads": heads, "subscriptions": subscriptions},
        });
        let places = O::NAMES_PLACES.then(|| self.places(None));
        self.outlet.beat(Outgoing { text: message.to_string(), places }).await
    }

    async fn answer(&mut self, frame: ClientFrame) -> Result<(), Close> {
        match frame {
            ClientFrame::Auth { key } => self.authenticate(key).await,
            ClientFrame::Subscribe(wanted) => self.subscribe(wanted).await,
            ClientFrame::Unsubscribe { id } => {
                let before = self.subscriptions.len();
                self.subscriptions.retain(|s| s.id != id);
                if self.subscriptions.len() == before {
                    return self.refuse(Some(&id), Refusal::UnknownId).await;
                }
                self.say(&Answer::Unsubscribed { id: &id }).await
            }
            ClientFrame::Ping { id } => self.say(&Answer::Pong { id: id.as_deref() }).await,
        }
    }

    async fn authenticate(&mut self, key: Credential) -> Result<(), Close> {
        if self.grant.principal.is_some() {
            return self.refuse(None, Refusal::AlreadyAuthenticated).await;
        }
        match self.authorizer.authenticate(&key.0, self.from).await {
            Ok(grant) => {
                self.expires = grant.valid_for.map(|d| Instant::now() + d);
                self.grant = grant;
                let principal = self.grant.principal.clone();
                self.say(&Answer::Authenticated { principal: principal.as_deref() }).await
            }
            Err(Denied::Unavailable) => self.refuse(None, Refusal::Unavailable).await,
            Err(Denied::Unauthenticated) => {
                self.refuse(None, Refusal::Unauthenticated).await?;
                Err(Close::Unauthenticated)
            }
        }
    }

    pub(crate) async fn subscribe(&mut self, wanted: Subscribe) -> Result<(), Close> {
        let (topic, filter) = match self.admit(&wanted) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                // An id beyond the cap is not said back.
                let id = (wanted.id.len() <= ID_MAX).then_some(wanted.id.as_str());
                return self.refuse(id, refusal).await;
            }
        };
        let Some(from_seq) = wanted.from_seq else {
            return self.open(wanted.id, topic, filter).await;
        };
        let Some(epoch) = self.place(topic, from_seq, wanted.epoch).await? else {
            self.refuse(Some(&wanted.id), Refusal::ResumeImpossible).await?;
            return self.open(wanted.id, topic, filter).await;
        };
        let subscription = Subscription::new(wanted.id, topic, filter, epoch, from_seq);
        self.say(&subscribed(&subscription)).await?;
        self.subscriptions.push(subscription);
        Ok(())
    }

    /// May this be subscribed to? The filter comes back with the mandatory part.
    pub(crate) fn admit(&self, wanted: &Subscribe) -> Result<(&'static str, Filter), Refusal> {
        if wanted.id.is_empty() || wanted.id.len() > ID_MAX {
            return Err(Refusal::InvalidId);
        }
        if self.subscriptions.iter().any(|s| s.id == wanted.id) {
            return Err(Refusal::DuplicateId);
        }
        if self.subscriptions.len() >= self.hub.options().subscriptions_max {
            return Err(Refusal::TooManySubscriptions);
        }
        let Some(leave) = self.grant.topics.iter().find(|g| g.topic == wanted.topic) else {
            let known = self.authorizer.knows(&wanted.topic);
            return Err(match (known, &self.grant.principal) {
                (false, _) => Refusal::UnknownTopic,
                (true, None) => Refusal::Unauthenticated,
                (true, Some(_)) => Refusal::Denied,
            });
        };
        Ok((leave.topic, narrow(leave, &wanted.filter)?))
    }

    /// The epoch in which a resume from `seq` goes on; none when it can't.
    async fn place(
        &self,
        topic: &'static str,
        seq: i64,
        epoch: Option<i64>,
    ) -> Result<Option<i64>, Close> {
        let known = self.hub.with_ring(topic, |ring| (ring.epoch(), ring.head()));
        let (here, head) = known.ok_or(Close::Internal)?;
        if seq < 0 || epoch.is_some_and(|epoch| epoch != here) {
            return Ok(None);
        }
        if seq <= head {
            return Ok(Some(here));
        }
        // The client may have heard more from another process than this one knows yet.
        let stored = self.hub.stored_head(topic).await.map_err(|error| unavailable(&error))?;
        Ok(stored.filter(|stored| stored.epoch == here && seq <= stored.seq).map(|_| here))
    }

    /// Start with a snapshot. Its number may be above what this process has heard of the log so
    /// far; the deltas then start when it gets there.
    async fn open(&mut self, id: String, topic: &'static str, filter: Filter) -> Result<(), Close> {
        let snapshot = match self.hub.snapshot(topic, &filter).await {
            Ok(snapshot) => snapshot,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, topic, "no snapshot");
                return self.refuse(Some(&id), Refusal::Unavailable).await;
            }
        };
        let here = self.hub.with_ring(topic, Ring::epoch).ok_or(Close::Internal)?;
        if here != snapshot.epoch {
            // The log has just begun a new epoch, and this process is yet to hear of it.
            return self.refuse(Some(&id), Refusal::Unavailable).await;
        }
        let subscription = Subscription::new(id, topic, filter, snapshot.epoch, snapshot.seq);
        self.say(&subscribed(&subscription)).await?;
        let text = subscription.snapshot(&snapshot.state);
        self.subscriptions.push(subscription);
        let places = O::NAMES_PLACES.then(|| self.places(None));
        self.outlet.send(vec![Outgoing { text, places }]).await
    }
}

fn subscribed(s: &Subscription) -> Answer<'_> {
    Answer::Subscribed {
        id: &s.id,
        topic: s.topic,
        epoch: s.epoch(),
        seq: s.position(),
        filter: &s.filter,
    }
}

fn describe(s: &Subscription) -> Value {
    json!({
        "id": s.id, "topic": s.topic, "epoch": s.epoch(), "seq": s.position(), "prev_seq": s.sent(),
    })
}

fn narrow(leave: &TopicGrant, wanted: &Filter) -> Result<Filter, Refusal> {
    let mut filter = wanted.clone();
    for (name, value) in &filter.0 {
        let allowed = leave.attributes.contains(&name.as_str()) && value.len() <= FILTER_VALUE_MAX;
        if !allowed {
            return Err(Refusal::FilterNotAllowed);
        }
    }
    for (name, must) in &leave.mandatory.0 {
        if filter.0.insert(name.clone(), must.clone()).is_some_and(|asked| asked != *must) {
            return Err(Refusal::Denied);
        }
    }
    Ok(filter)
}

fn unavailable(error: &db::DbError) -> Close {
    tracing::warn!(error = error as &dyn std::error::Error, "a stream could not read the log");
    Close::Internal
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

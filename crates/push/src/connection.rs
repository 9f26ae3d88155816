//! One connection: reads frames, pulls from the log, sends; ends with a reason.

use crate::{
    Authorize, Close, Denied, Filter, Grant, Hub, TopicGrant,
    frame::{Answer, ClientFrame, Credential, Refusal, Subscribe},
    ring::Ring,
    subscription::{Step, Subscription},
};
use axum::extract::ws::{Message, WebSocket};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use serde_json::{Map, Value, json};
use std::{future::pending, net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout},
};

/// Cap of a client frame in bytes.
const FRAME_MAX: usize = 4 << 10;
/// Frames read ahead of the writer; beyond it the client's own sending is held back.
const FRAMES_AHEAD: usize = 8;
/// Messages made at a time for one subscription, and handed to the socket at once.
const MESSAGES_MAX: usize = 32;
const ID_MAX: usize = 64;
const FILTER_VALUE_MAX: usize = 128;
/// How long we wait for the client's goodbye after ours.
const GOODBYE: Duration = Duration::from_secs(1);

/// How a connection came in, and who says what it may.
pub(crate) struct Door {
    pub(crate) authorizer: Arc<dyn Authorize>,
    pub(crate) from: Option<IpAddr>,
    /// What it shows: it is looked at again with each heartbeat.
    pub(crate) credential: Option<Credential>,
}

/// Serve one socket until it ends.
pub(crate) async fn serve(socket: WebSocket, hub: Hub, door: Door, grant: Grant) {
    let gauge = metrics::gauge!("push_connections");
    gauge.increment(1.0);
    let (sink, mut stream) = socket.split();
    let (frames, inbox) = mpsc::channel(FRAMES_AHEAD);
    let mut connection = Connection::new(hub, door, grant, sink);
    let options = *connection.hub.options();
    let close = tokio::select! {
        close = connection.run(inbox) => close,
        close = receive(&mut stream, &frames, options.silence_max, options.frames_per_second) => {
            close
        }
    };
    metrics::counter!("push_closed_total", "reason" => close.reason()).increment(1);
    let goodbye = connection.sink.send(Message::Close(Some(close.frame())));
    // A client that never reads never sees this; after the linger the socket is dropped.
    if let Ok(Ok(())) = timeout(options.linger, goodbye).await {
        // Closing a socket with unread input resets it, and our close frame would be lost.
        let drained = async { while stream.next().await.is_some_and(|m| m.is_ok()) {} };
        let _ = timeout(GOODBYE, drained).await;
    }
    gauge.decrement(1.0);
}

/// Read frames until the client leaves or breaks a rule.
async fn receive(
    stream: &mut SplitStream<WebSocket>,
    frames: &mpsc::Sender<ClientFrame>,
    silence_max: Duration,
    per_second: u32,
) -> Close {
    let mut bucket = Bucket::new(per_second);
    loop {
        let message = match timeout(silence_max, stream.next()).await {
            Err(_) => return Close::Idle,
            Ok(None | Some(Err(_) | Ok(Message::Close(_)))) => return Close::Gone,
            Ok(Some(Ok(message))) => message,
        };
        if !bucket.take() {
            return Close::TooMany;
        }
        let text = match message {
            Message::Text(text) => text,
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Binary(_) | Message::Close(_) => return Close::BadFrame,
        };
        if text.len() > FRAME_MAX {
            return Close::TooBig;
        }
        let Ok(frame) = serde_json::from_str(&text) else { return Close::BadFrame };
        if frames.send(frame).await.is_err() {
            return Close::Gone;
        }
    }
}

/// A token bucket: `rate` frames a second, `2 * rate` at once.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    left: f64,
    at: Instant,
}

impl Bucket {
    fn new(per_second: u32) -> Self {
        let rate = f64::from(per_second);
        Self { rate, left: 2.0 * rate, at: Instant::now() }
    }

    fn take(&mut self) -> bool {
        let now = Instant::now();
        let gained = now.duration_since(self.at).as_secs_f64() * self.rate;
        self.left = (self.left + gained).min(2.0 * self.rate);
        self.at = now;
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }
}

struct Connection {
    hub: Hub,
    door: Door,
    grant: Grant,
    expires: Option<Instant>,
    sink: SplitSink<WebSocket, Message>,
    subscriptions: Vec<Subscription>,
    /// Whose turn it is to be served.
    turn: usize,
}

impl Connection {
    fn new(hub: Hub, door: Door, grant: Grant, sink: SplitSink<WebSocket, Message>) -> Self {
        let expires = grant.valid_for.map(|d| Instant::now() + d);
        Self { hub, door, grant, expires, sink, subscriptions: Vec::new(), turn: 0 }
    }

    async fn run(&mut self, mut inbox: mpsc::Receiver<ClientFrame>) -> Close {
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
                _ = heartbeat.tick() => {
                    self.check_again().await?;
                    self.beat().await?;
                }
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

    async fn send_all(&mut self, messages: Vec<String>) -> Result<(), Close> {
        metrics::counter!("push_sent_total").increment(messages.len() as u64);
        let mut messages =
            messages.into_iter().map(|message| Message::Text(message.into())).peekable();
        while messages.peek().is_some() {
            self.send_together(messages.by_ref().take(MESSAGES_MAX)).await?;
        }
        Ok(())
    }

    async fn send(&mut self, message: Message) -> Result<(), Close> {
        self.send_together([message]).await
    }

    /// Hand at most [`MESSAGES_MAX`] messages to the socket and wait until they are out: there are
    /// never more in flight, and a client that does not take them within `stall_max` is cut.
    async fn send_together(
        &mut self,
        messages: impl IntoIterator<Item = Message>,
    ) -> Result<(), Close> {
        let sink = &mut self.sink;
        let sending = async {
            for message in messages {
                sink.feed(message).await?;
            }
            sink.flush().await
        };
        match timeout(self.hub.options().stall_max, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Close::Gone),
            Err(_) => Err(Close::SlowConsumer),
        }
    }

    async fn say(&mut self, answer: &Answer<'_>) -> Result<(), Close> {
        let text = serde_json::to_string(answer).map_err(|_| Close::Internal)?;
        self.send(Message::Text(text.into())).await
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
        self.send(Message::Text(message.to_string().into())).await?;
        self.send(Message::Ping(Vec::new().into())).await
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

    /// Does what opened this connection still hold, and let it follow what it follows? Who can't be
    /// asked just now says nothing against it.
    async fn check_again(&mut self) -> Result<(), Close> {
        let Some(Credential(shown)) = &self.door.credential else { return Ok(()) };
        let grant = match self.door.authorizer.authenticate(shown, self.door.from).await {
            Ok(grant) => grant,
            Err(Denied::Unavailable) => return Ok(()),
            Err(Denied::Unauthenticated) => return Err(Close::Unauthenticated),
        };
        let allows = |grant: &Grant, topic: &str| {
            let found = grant.topics.iter().find(|one| one.topic == topic);
            found.map(|one| one.mandatory.clone())
        };
        let same = self.subscriptions.iter().all(|subscription| {
            let now = allows(&grant, subscription.topic);
            now.is_some() && now == allows(&self.grant, subscription.topic)
        });
        if !same {
            return Err(Close::Unauthenticated);
        }
        self.grant = grant;
        Ok(())
    }

    async fn authenticate(&mut self, key: Credential) -> Result<(), Close> {
        if self.grant.principal.is_some() {
            return self.refuse(None, Refusal::AlreadyAuthenticated).await;
        }
        match self.door.authorizer.authenticate(&key.0, self.door.from).await {
            Ok(grant) => {
                self.door.credential = Some(key);
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

    async fn subscribe(&mut self, wanted: Subscribe) -> Result<(), Close> {
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
    fn admit(&self, wanted: &Subscribe) -> Result<(&'static str, Filter), Refusal> {
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
            let known = self.door.authorizer.knows(&wanted.topic);
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
        self.send(Message::Text(subscription.snapshot(&snapshot.state).into())).await?;
        self.subscriptions.push(subscription);
        Ok(())
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

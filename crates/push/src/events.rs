//! The stream by server-sent events (WHATWG HTML §9.2), for whoever only listens: the same messages
//! in the same envelope, a subscription for each topic that is asked for, which bears its name.
//!
//! The answer's body drives the connection: nothing is made before the client has taken what came
//! before, and all ends with the body.

use crate::{
    Close, Filter, Grant, Hub,
    connection::{Connection, Door},
    frame::{ClientFrame, Refusal, Subscribe},
    outlet::{Outgoing, Outlet},
    places::parse_places,
};
use axum::body::{Body, Bytes};
use futures_util::{Stream, future::BoxFuture};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    fmt::Write,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// How soon a client comes back that was cut, in milliseconds.
const RETRY_MS: u32 = 1_000;

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    topics: Vec<String>,
    filter: Filter,
    from_seq: Option<i64>,
    epoch: Option<i64>,
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadEvents {
    /// No topic is named, or one twice, or `from_seq` with several.
    Topics,
    /// `from_seq`, `epoch` or `Last-Event-ID` is no place.
    Place,
    UnknownTopic,
    /// A name that no topic's facts have, or one twice.
    Filter,
}

impl Wanted {
    pub fn parse(pairs: Vec<(String, String)>) -> Result<Self, BadEvents> {
        let mut wanted = Self::default();
        let number = |text: &str| {
            text.parse().ok().filter(|number| *number >= 0).ok_or(BadEvents::Place).map(Some)
        };
        for (name, value) in pairs {
            match name.as_str() {
                "topic" => wanted.topics.extend(value.split(',').map(str::to_owned)),
                "from_seq" => wanted.from_seq = number(&value)?,
                "epoch" => wanted.epoch = number(&value)?,
                _ => {
                    if wanted.filter.0.insert(name, value).is_some() {
                        return Err(BadEvents::Filter);
                    }
                }
            }
        }
        let count = wanted.topics.len();
        let twice = wanted.topics.iter().collect::<BTreeSet<_>>().len() < count;
        if count == 0 || twice || (count > 1 && wanted.from_seq.is_some()) {
            return Err(BadEvents::Topics);
        }
        Ok(wanted)
    }

    /// A subscription for each topic, from where `last` (the `id` of the last event) says.
    pub fn subscriptions(self, last: Option<&str>) -> Result<Vec<Subscribe>, BadEvents> {
        let last = last.map(|text| parse_places(text).ok_or(BadEvents::Place)).transpose()?;
        let places: BTreeMap<String, (i64, i64)> =
            last.into_iter().flatten().map(|place| (place.id, (place.epoch, place.seq))).collect();
        let wanted = self.topics.into_iter().map(|topic| {
            let place = places.get(&topic);
            Subscribe {
                id: topic.clone(),
                filter: self.filter.clone(),
                from_seq: place.map(|(_, seq)| *seq).or(self.from_seq),
                epoch: place.map(|(epoch, _)| *epoch).or(self.epoch),
                topic,
            }
        });
        Ok(wanted.collect())
    }
}

/// The body of an answer that tells what is `wanted`.
///
/// # Errors
/// What can't be followed.
pub(crate) fn open(
    hub: Hub,
    door: Door,
    grant: Grant,
    place: OwnedSemaphorePermit,
    wanted: Vec<Subscribe>,
) -> Result<Body, Refusal> {
    // One is enough: what follows is made when it has been taken.
    let (events, written) = mpsc::channel(1);
    let (frames, inbox) = mpsc::channel::<ClientFrame>(1);
    let mut connection = Connection::new(hub, door, grant, EventOutlet(events));
    for one in &wanted {
        connection.admit(one)?;
    }
    let driver = Box::pin(async move {
        for one in wanted {
            if let Err(close) = connection.subscribe(one).await {
                return close;
            }
        }
        connection.run(inbox).await
    });
    metrics::gauge!("push_connections").increment(1.0);
    let first = Bytes::from(format!("retry: {RETRY_MS}\n\n"));
    Ok(Body::from_stream(Events {
        first: Some(first),
        driver: Some(driver),
        written,
        _frames: frames,
        _place: place,
    }))
}

/// Drives a connection, and gives what it writes.
struct Events {
    first: Option<Bytes>,
    /// None when it has ended.
    driver: Option<BoxFuture<'static, Close>>,
    written: mpsc::Receiver<Bytes>,
    /// No frames come by this way; were it closed, the client would be gone.
    _frames: mpsc::Sender<ClientFrame>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Events {
    fn drop(&mut self) {
        metrics::gauge!("push_connections").decrement(1.0);
        if self.driver.is_some() {
            metrics::counter!("push_closed_total", "reason" => Close::Gone.reason()).increment(1);
        }
    }
}

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        if let Poll::Ready(Some(chunk)) = self.written.poll_recv(context) {
            return Poll::Ready(Some(Ok(chunk)));
        }
        let Some(driver) = self.driver.as_mut() else { return Poll::Ready(None) };
        if let Poll::Ready(close) = driver.as_mut().poll(context) {
            self.driver = None;
            metrics::counter!("push_closed_total", "reason" => close.reason()).increment(1);
            // What it wrote last, and why it ends.
            let mut rest = match self.written.try_recv() {
                Ok(chunk) => String::from_utf8_lossy(&chunk).into_owned(),
                Err(_) => String::new(),
            };
            rest.push_str(&goodbye(close));
            return Poll::Ready(Some(Ok(rest.into())));
        }
        let chunk = ready!(self.written.poll_recv(context));
        Poll::Ready(chunk.map(Ok))
    }
}

fn goodbye(close: Close) -> String {
    let text = json!({ "op": "closed", "code": close.code(), "reason": close.reason() });
    format!("data: {text}\n\n")
}

/// Writes events for [`Events`] to give.
struct EventOutlet(mpsc::Sender<Bytes>);

impl Outlet for EventOutlet {
    const NAMES_PLACES: bool = true;

    async fn send(&mut self, messages: Vec<Outgoing>) -> Result<(), Close> {
        let mut chunk = String::new();
        for Outgoing { text, places } in messages {
            if let Some(places) = places {
                // Writing to a string can't fail.
                let _ = writeln!(chunk, "id: {places}");
            }
            let _ = write!(chunk, "data: {text}\n\n");
        }
        self.0.send(chunk.into()).await.map_err(|_| Close::Gone)
    }

    async fn beat(&mut self, message: Outgoing) -> Result<(), Close> {
        self.send(vec![message]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(pairs: &[(&str, &str)]) -> Result<Wanted, BadEvents> {
        Wanted::parse(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn what_is_wanted_is_read() {
        let one = wanted(&[("topic", "items"), ("owner", "0x1"), ("from_seq", "5")]).unwrap();
        let subscriptions = one.subscriptions(None).unwrap();
        assert_eq!(
            (subscriptions[0].topic.as_str(), subscriptions[0].from_seq),
            ("items", Some(5))
        );
        assert_eq!(subscriptions[0].filter.0["owner"], "0x1");
        let two = wanted(&[("topic", "items,chain"), ("chain_id", "1")]).unwrap();
        let subscriptions = two.subscriptions(Some("items=2.7")).unwrap();
        let place = |n: usize| (subscriptions[n].epoch, subscriptions[n].from_seq);
        assert_eq!((place(0), place(1)), ((Some(2), Some(7)), (None, None)));
        let bad: [(&[(&str, &str)], BadEvents); 6] = [
            (&[], BadEvents::Topics),
            (&[("owner", "0x1")], BadEvents::Topics),
            (&[("topic", "items,chain"), ("from_seq", "1")], BadEvents::Topics),
            (&[("topic", "items"), ("from_seq", "-1")], BadEvents::Place),
            (&[("topic", "items"), ("epoch", "x")], BadEvents::Place),
            (&[("topic", "items"), ("owner", "a"), ("owner", "b")], BadEvents::Filter),
        ];
        for (pairs, expect) in bad {
            assert_eq!(wanted(pairs), Err(expect), "{pairs:?}");
        }
        let sound = || wanted(&[("topic", "items")]).unwrap();
        assert_eq!(sound().subscriptions(Some("items=x")).unwrap_err(), BadEvents::Place);
    }
}

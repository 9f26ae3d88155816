//! When a request has come as a whole. Only from then on it is worked on: a body that drips in
//! takes nobody's place, and its time is its sender's.

use super::{limit::RouteLimit, lock};
use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, OnceLock},
    task::{Context, Poll},
    time::Instant,
};

/// Known to a request's place and to its body.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    limit: Arc<Mutex<RouteLimit>>,
    at: Arc<OnceLock<Instant>>,
}

impl Arrival {
    pub(super) fn new(limit: Arc<Mutex<RouteLimit>>) -> Self {
        Self { limit, at: Arc::default() }
    }

    /// It is here. Only the first time counts.
    pub(super) fn note(&self) {
        self.at.get_or_init(|| {
            lock(&self.limit).enter();
            Instant::now()
        });
    }

    pub(super) fn at(&self) -> Option<Instant> {
        self.at.get().copied()
    }
}

/// A body that notes its end.
#[derive(Debug)]
pub(super) struct Arriving {
    body: Body,
    arrival: Arrival,
}

impl Arriving {
    pub(super) fn new(body: Body, arrival: Arrival) -> Self {
        Self { body, arrival }
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.arrival.note();
        }
        polled.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use std::time::Duration;

    #[tokio::test]
    async fn a_body_takes_a_place_when_it_is_whole() {
        let limit = RouteLimit::new(100, Duration::from_millis(200), Instant::now());
        let arrival = Arrival::new(Arc::new(Mutex::new(limit)));
        let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
        let chunks = futures_util::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        });
        let mut body = Arriving::new(Body::from_stream(chunks), arrival.clone());
        sender.send(Ok(Bytes::from_static(b"{"))).await.unwrap();
        body.frame().await.unwrap().unwrap();
        assert!(arrival.at().is_none() && lock(&arrival.limit).under_way() == 0);
        drop(sender);
        assert!(body.frame().await.is_none());
        arrival.note();
        assert!(arrival.at().is_some());
        assert_eq!(lock(&arrival.limit).under_way(), 1, "it is counted once");
    }
}

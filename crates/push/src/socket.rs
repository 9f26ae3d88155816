//! A connection by WebSocket.

use crate::{
    Close, Grant, Hub,
    connection::{Connection, Door},
    frame::ClientFrame,
    outlet::{Outgoing, Outlet},
};
use axum::extract::ws::{Message, WebSocket};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use std::time::Duration;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

/// Cap of a client frame in bytes.
const FRAME_MAX: usize = 4 << 10;
/// Frames read ahead of the writer; beyond it the client's own sending is held back.
const FRAMES_AHEAD: usize = 8;
/// How long we wait for the client's goodbye after ours.
const GOODBYE: Duration = Duration::from_secs(1);

/// The writing half of a socket.
struct SocketOutlet {
    sink: SplitSink<WebSocket, Message>,
    stall_max: Duration,
}

impl SocketOutlet {
    async fn feed(&mut self, messages: impl IntoIterator<Item = Message>) -> Result<(), Close> {
        let sink = &mut self.sink;
        let sending = async {
            for message in messages {
                sink.feed(message).await?;
            }
            sink.flush().await
        };
        match timeout(self.stall_max, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Close::Gone),
            Err(_) => Err(Close::SlowConsumer),
        }
    }
}

impl Outlet for SocketOutlet {
    async fn send(&mut self, messages: Vec<Outgoing>) -> Result<(), Close> {
        self.feed(messages.into_iter().map(|message| Message::Text(message.text.into()))).await
    }

    async fn beat(&mut self, message: Outgoing) -> Result<(), Close> {
        let ping = Message::Ping(Vec::new().into());
        self.feed([Message::Text(message.text.into()), ping]).await
    }
}

/// Serve one socket until it ends.
pub(crate) async fn serve(socket: WebSocket, hub: Hub, door: Door, grant: Grant) {
    let gauge = metrics::gauge!("push_connections");
    gauge.increment(1.0);
    let (sink, mut stream) = socket.split();
    let (frames, inbox) = mpsc::channel(FRAMES_AHEAD);
    let options = *hub.options();
    let outlet = SocketOutlet { sink, stall_max: options.stall_max };
    let mut connection = Connection::new(hub, door, grant, outlet);
    let close = tokio::select! {
        close = connection.run(inbox) => close,
        close = receive(&mut stream, &frames, options.silence_max, options.frames_per_second) => {
            close
        }
    };
    metrics::counter!("push_closed_total", "reason" => close.reason()).increment(1);
    let goodbye = connection.outlet.sink.send(Message::Close(Some(close.frame())));
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

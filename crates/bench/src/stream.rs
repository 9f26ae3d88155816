//! What the stream tells, and when.

use crate::server::DevFile;
use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// The stream is given up when no mint of ours arrives for so long.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// When each mint was first told to be in a state.
#[derive(Debug, Default)]
pub struct Told {
    pub submitted: HashMap<String, Instant>,
    pub tentative: HashMap<String, Instant>,
    pub messages: usize,
    /// Messages after which a number was missing.
    pub gaps: usize,
}

/// What is read of a frame: no more, because reading is load too.
#[derive(Debug, Deserialize)]
pub struct Frame {
    op: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    seq: Option<i64>,
    prev_seq: Option<i64>,
    pub block: Option<Block>,
    data: Option<Data>,
}

/// Where the chain shows it.
#[derive(Debug, Deserialize)]
pub struct Block {
    pub number: u64,
}

#[derive(Debug, Default, Deserialize)]
pub struct Data {
    mint_id: Option<String>,
    status: Option<String>,
}

pub struct Stream(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Stream {
    /// Subscribed to all of these topics from now on.
    pub async fn open(dev: &DevFile, topics: &[&str]) -> Result<Self> {
        let (socket, _) = connect_async(&dev.stream).await.context("no stream")?;
        let mut stream = Self(socket);
        let key = json!({ "op": "auth", "key": dev.operator_api_key });
        stream.0.send(Message::text(key.to_string())).await?;
        for topic in topics {
            let wish = json!({ "op": "subscribe", "id": topic, "topic": topic });
            stream.0.send(Message::text(wish.to_string())).await?;
            while stream.frame().await?.op.as_deref() != Some("subscribed") {}
        }
        Ok(stream)
    }

    /// Read until `count` mints are tentative.
    pub async fn collect(mut self, count: usize) -> Result<Told> {
        let (mut told, mut last) = (Told::default(), None);
        let mut progress = Instant::now();
        while told.tentative.len() < count {
            let (before, frame) = (told.tentative.len(), self.frame().await?);
            let now = Instant::now();
            if frame.kind.as_deref() == Some("delta") {
                if last.is_some() && frame.prev_seq != last {
                    told.gaps += 1;
                }
                last = frame.seq;
                told.note(frame.data.unwrap_or_default(), now);
            }
            if told.tentative.len() > before {
                progress = now;
            }
            ensure!(progress.elapsed() < SILENCE_MAX, "only {before} of {count} mints arrived");
        }
        Ok(told)
    }

    /// The next one, whatever it is.
    pub async fn frame(&mut self) -> Result<Frame> {
        loop {
            let next = timeout(SILENCE_MAX, self.0.next()).await.context("the stream is silent")?;
            match next.context("the stream ended")?? {
                Message::Text(text) => {
                    let frame: Frame = serde_json::from_str(&text)?;
                    if frame.op.as_deref() == Some("error") {
                        bail!("the stream refused: {text}");
                    }
                    return Ok(frame);
                }
                Message::Close(frame) => bail!("the stream was closed: {frame:?}"),
                _ => {}
            }
        }
    }
}

impl Told {
    fn note(&mut self, data: Data, now: Instant) {
        self.messages += 1;
        let Some(id) = data.mint_id else { return };
        let seen = match data.status.as_deref() {
            Some("submitted") => &mut self.submitted,
            Some("tentative") => &mut self.tentative,
            _ => return,
        };
        seen.entry(id).or_insert(now);
    }
}

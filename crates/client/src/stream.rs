//! The stream, by server-sent events, over as many connections as it takes.

use crate::{Error, Problem, Retries, Stoa};
use reqwest::{Method, Response, Url, header::ACCEPT};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{sleep, timeout};

/// Heartbeats come each 15 s.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// A message is never longer.
const LINE_MAX: usize = 16 << 20;
/// Statuses that will be the same next time.
const FINAL: [u16; 5] = [400, 401, 403, 404, 405];

/// What can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Items,
    Transfers,
    Collections,
    Chain,
    Mints,
    Transactions,
}

impl Topic {
    const fn name(self) -> &'static str {
        match self {
            Self::Items => "items",
            Self::Transfers => "transfers",
            Self::Collections => "collections",
            Self::Chain => "chain",
            Self::Mints => "mints",
            Self::Transactions => "transactions",
        }
    }
}

/// A place in a topic: all facts up to it are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub epoch: i64,
    pub seq: i64,
}

/// What a message does to what was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It is the state now: forget what was known before.
    Snapshot,
    /// It adds.
    Delta,
    /// It takes back what an earlier one told.
    Reorg,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Message {
    pub epoch: i64,
    pub seq: i64,
    /// The `seq` that was told before it.
    pub prev_seq: i64,
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Where the chain shows it.
    pub block: Option<Value>,
    /// Of a fact: `kind`, `at`, `attributes`, and what it tells. Of a snapshot: `items`.
    pub data: Value,
}

impl Message {
    /// To go on behind it, another day.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place { epoch: self.epoch, seq: self.seq }
    }
}

/// One topic that is followed. No fact is missed, none told twice.
#[derive(Debug)]
pub struct Following {
    stoa: Stoa,
    topic: Topic,
    filter: BTreeMap<String, String>,
    place: Option<(Option<i64>, i64)>,
    connection: Option<Connection>,
    /// In a row.
    failures: u32,
}

#[derive(Debug)]
struct Connection {
    response: Response,
    /// What came of a line that has not ended.
    part: Vec<u8>,
    lines: std::collections::VecDeque<String>,
}

/// What else comes.
#[derive(Debug, Deserialize)]
struct Beat {
    data: BeatData,
}

#[derive(Debug, Deserialize)]
struct BeatData {
    subscriptions: Vec<BeatPlace>,
}

#[derive(Debug, Deserialize)]
struct BeatPlace {
    epoch: i64,
    seq: i64,
}

impl Stoa {
    /// Follow a topic from now on: a snapshot comes first.
    #[must_use]
    pub fn follow(&self, topic: Topic) -> Following {
        Following {
            stoa: self.clone(),
            topic,
            filter: BTreeMap::new(),
            place: None,
            connection: None,
            failures: 0,
        }
    }
}

impl Following {
    /// Only facts that have this attribute.
    #[must_use]
    pub fn filter(mut self, attribute: &str, value: &str) -> Self {
        self.filter.insert(attribute.to_owned(), value.to_owned());
        self
    }

    /// From behind the message that was handled last.
    #[must_use]
    pub fn after(mut self, place: Place) -> Self {
        self.place = Some((Some(place.epoch), place.seq));
        self
    }

    /// From the beginning of the log.
    #[must_use]
    pub fn from_start(mut self) -> Self {
        self.place = Some((None, 0));
        self
    }

    /// The next message. A [`Kind::Snapshot`] comes first where no place was given, and where a
    /// place is no longer in the log. Waits for as long as it takes; may be cancelled at any time.
    ///
    /// # Errors
    /// [`Error::Problem`] when the topic may not be followed, or no longer.
    pub async fn next(&mut self) -> Result<Message, Error> {
        loop {
            let Some(connection) = &mut self.connection else {
                self.connect().await?;
                continue;
            };
            let Some(line) = connection.line().await else {
                self.drop_connection();
                continue;
            };
            if let Some(message) = self.take(&line) {
                return Ok(message);
            }
        }
    }

    async fn connect(&mut self) -> Result<(), Error> {
        if self.failures > 0 {
            let retries = Retries { longest: Duration::from_secs(10), ..self.stoa.retries };
            sleep(retries.pause(self.failures)).await;
        }
        // Until something is heard.
        self.failures = self.failures.saturating_add(1);
        let request = self.stoa.request(Method::GET, self.address()?).await?;
        let request = request.header(ACCEPT, "text/event-stream").send();
        let Ok(Ok(response)) = timeout(self.stoa.retries.timeout, request).await else {
            return Ok(());
        };
        if response.status().is_success() {
            let (part, lines) = Default::default();
            self.connection = Some(Connection { response, part, lines });
            return Ok(());
        }
        let problem = Problem::of(response).await;
        if FINAL.contains(&problem.status) {
            return Err(Error::Problem(problem));
        }
        sleep(problem.retry_after.unwrap_or_default()).await;
        Ok(())
    }

    fn drop_connection(&mut self) {
        self.connection = None;
        self.failures = self.failures.max(1);
    }

    fn address(&self) -> Result<Url, Error> {
        let path = self.stoa.address("/api/v1/events", &[]);
        let mut url = path.ok_or(Error::Input("not the address of a server"))?;
        let mut query = url.query_pairs_mut();
        query.extend_pairs(&self.filter).append_pair("topic", self.topic.name());
        if let Some((epoch, seq)) = self.place {
            query.append_pair("from_seq", &seq.to_string());
            if let Some(epoch) = epoch {
                query.append_pair("epoch", &epoch.to_string());
            }
        }
        drop(query);
        Ok(url)
    }

    /// What a line tells that was not told before.
    fn take(&mut self, line: &str) -> Option<Message> {
        let text = line.strip_prefix("data: ")?;
        self.failures = 0;
        if let Ok(message) = serde_json::from_str::<Message>(text) {
            return self.take_message(message);
        }
        // How far it has looked, even when nothing fitted.
        if let Ok(beat) = serde_json::from_str::<Beat>(text) {
            let at = beat.data.subscriptions.first()?;
            if self.place.is_some_and(|(epoch, _)| epoch == Some(at.epoch)) {
                self.place = Some((Some(at.epoch), at.seq));
            }
            return None;
        }
        // Its last word; or a refusal, behind which a snapshot comes.
        if text.contains(r#""op":"closed""#) {
            self.drop_connection();
        }
        None
    }

    fn take_message(&mut self, message: Message) -> Option<Message> {
        if let (Some((epoch, seq)), true) = (self.place, message.kind != Kind::Snapshot) {
            if epoch == Some(message.epoch) && message.seq <= seq {
                return None;
            }
            if message.prev_seq > seq {
                // Something between was lost: have it told again.
                self.drop_connection();
                return None;
            }
        }
        self.place = Some((Some(message.epoch), message.seq));
        Some(message)
    }
}

impl Connection {
    /// The next line; none when the connection has ended, or nothing is heard. Cancel-safe.
    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(line);
            }
            let chunk = timeout(SILENCE_MAX, self.response.chunk()).await.ok()?.ok()??;
            self.part.extend_from_slice(&chunk);
            if self.part.len() > LINE_MAX {
                return None;
            }
            while let Some(end) = self.part.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.part.drain(..=end).collect();
                self.lines.push_back(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
        }
    }
}

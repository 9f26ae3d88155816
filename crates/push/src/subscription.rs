//! One subscription as a state machine without input or output: where it stands, and what it sends
//! next. The connection drives it.

use crate::{entry::Entry, filter::Filter, ring::Ring};
use std::sync::Arc;

/// How many numbers one database read covers: bounds the scan of a rare filter.
const WINDOW: i64 = 20_000;

#[derive(Debug)]
pub(crate) struct Subscription {
    pub id: String,
    pub topic: &'static str,
    pub filter: Filter,
    epoch: i64,
    /// Everything up to here was looked at.
    position: i64,
    /// Number of the last message sent.
    sent: i64,
    /// `topic` and `id` as JSON strings.
    topic_json: String,
    id_json: String,
}

/// What the driver does next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Up to date: wait for news.
    Idle,
    /// Send these, each with its number, then ask again (none: the filter let nothing through so
    /// far).
    Send(Vec<(i64, String)>),
    /// Behind the ring: read the facts in `(after, upto]` and hand them to `accept`.
    Load { after: i64, upto: i64 },
    /// The topic began a new epoch: say so and start over with a snapshot.
    Restart,
}

impl Subscription {
    /// Stands right after `seq` of `epoch`; `seq` is also the first `prev_seq`.
    pub fn new(id: String, topic: &'static str, filter: Filter, epoch: i64, seq: i64) -> Self {
        let topic_json = serde_json::Value::from(topic).to_string();
        let id_json = serde_json::Value::from(id.as_str()).to_string();
        Self { id, topic, filter, epoch, position: seq, sent: seq, topic_json, id_json }
    }

    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Number of the last message sent.
    pub fn sent(&self) -> i64 {
        self.sent
    }

    /// A valid `from_seq`: all facts up to here were looked at and the matching ones sent.
    pub fn position(&self) -> i64 {
        self.position
    }

    pub fn step(&mut self, ring: &Ring, max: usize) -> Step {
        if ring.epoch() != self.epoch {
            return Step::Restart;
        }
        if self.position >= ring.head() {
            return Step::Idle;
        }
        match ring.read(self.position, &self.filter, max) {
            Some(found) => {
                let messages = self.encode(&found.entries);
                self.position = found.looked_to;
                Step::Send(messages)
            }
            None => {
                let upto = ring.head().min(self.position + WINDOW);
                Step::Load { after: self.position, upto }
            }
        }
    }

    /// The answer to [`Step::Load`]: matching facts in `(after, upto]`, in order; `cut` when there
    /// may be more of them.
    pub fn accept(&mut self, upto: i64, found: Vec<Entry>, cut: bool) -> Vec<(i64, String)> {
        let found: Vec<Arc<Entry>> = found.into_iter().map(Arc::new).collect();
        let messages = self.encode(&found);
        self.position = if cut { self.sent } else { upto };
        messages
    }

    /// The state at this moment, as the first message.
    pub fn snapshot(&self, data: &serde_json::Value) -> String {
        format!(
            concat!(
                r#"{{"topic":{},"subscription":{},"epoch":{},"seq":{},"prev_seq":0,"#,
                r#""type":"snapshot","block":null,"data":{}}}"#,
            ),
            self.topic_json, self.id_json, self.epoch, self.sent, data
        )
    }

    fn encode(&mut self, entries: &[Arc<Entry>]) -> Vec<(i64, String)> {
        let mut messages = Vec::with_capacity(entries.len());
        for entry in entries {
            assert!(entry.seq > self.sent, "invariant: a subscription only moves forward");
            let text = entry.message(&self.topic_json, &self.id_json, self.epoch, self.sent);
            messages.push((entry.seq, text));
            self.sent = entry.seq;
        }
        messages
    }
}

#[cfg(test)]
mod tests;

//! A fact in the shape in which it is sent, made once however many clients get it.

use journal::Fact;
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

#[derive(Debug)]
pub(crate) struct Entry {
    pub seq: i64,
    pub attributes: Value,
    pub reverting: bool,
    /// `"block":…,"data":…}`: the end of the envelope, the same for everyone.
    rest: String,
}

impl Entry {
    pub fn new(fact: Fact) -> Self {
        let block = match (fact.chain_id, fact.block_number, fact.block_hash) {
            (Some(chain_id), Some(number), Some(hash)) => {
                json!({"chain_id": chain_id, "number": number, "hash": hash.0})
            }
            _ => Value::Null,
        };
        let mut data = match fact.data {
            Value::Object(map) => map,
            Value::Null => Map::new(),
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        data.insert("kind".to_owned(), fact.kind.into());
        data.insert("at".to_owned(), timestamp(fact.created_at).into());
        data.insert("attributes".to_owned(), fact.attributes.clone());
        let rest = format!(r#""block":{block},"data":{}}}"#, Value::Object(data));
        Self { seq: fact.seq, attributes: fact.attributes, reverting: fact.reverting, rest }
    }

    /// Roughly what it occupies.
    pub fn size(&self) -> usize {
        self.rest.len() + 256
    }

    /// The whole message for one subscription. `topic` and `subscription` are JSON strings already.
    pub fn message(&self, topic: &str, subscription: &str, epoch: i64, prev_seq: i64) -> String {
        format!(
            concat!(
                r#"{{"topic":{topic},"subscription":{subscription},"epoch":{epoch},"#,
                r#""seq":{seq},"prev_seq":{prev_seq},"type":"{kind}",{rest}"#,
            ),
            topic = topic,
            subscription = subscription,
            epoch = epoch,
            seq = self.seq,
            prev_seq = prev_seq,
            kind = if self.reverting { "reorg" } else { "delta" },
            rest = self.rest,
        )
    }
}

/// RFC 3339, UTC, milliseconds.
fn timestamp(at: OffsetDateTime) -> String {
    let millis = at.replace_millisecond(at.millisecond()).unwrap_or(at);
    millis.format(&Rfc3339).unwrap_or_default()
}

//! What stands in the stream.

use db::Hash;
use journal::{Fact, Tail, TopicHead};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};
use time::OffsetDateTime;
use vocab::B256;

/// An entry is full when it has so many bytes.
const ENTRY_MAX: usize = 64 << 10;

/// One entry.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    Facts(Vec<Sent<'static>>),
    /// Epoch and number of each topic's newest fact.
    Heads(BTreeMap<String, (i64, i64)>),
    /// Who led leads no longer.
    Gone,
}

/// A fact with the epoch of its number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sent<'a> {
    topic: Cow<'a, str>,
    epoch: i64,
    seq: i64,
    kind: Cow<'a, str>,
    reverting: bool,
    attributes: Cow<'a, Value>,
    chain_id: Option<i64>,
    block_number: Option<i64>,
    block_hash: Option<B256>,
    data: Cow<'a, Value>,
    /// Microseconds, as the database has it.
    created_at: i64,
}

/// Facts that were read in one go, as entries, in order.
pub(crate) fn encode<'a>(
    facts: &[Fact],
    places: impl Iterator<Item = &'a TopicHead>,
) -> Vec<String> {
    let epochs: BTreeMap<&str, i64> =
        places.map(|place| (place.topic.as_str(), place.epoch)).collect();
    let mut entries: Vec<String> = Vec::new();
    let mut entry = String::new();
    for fact in facts {
        let epoch = epochs.get(fact.topic.as_str()).copied().unwrap_or_default();
        // A fact that can't be written is missing for whoever reads, who looks for it.
        let Ok(text) = serde_json::to_string(&Sent::of(fact, epoch)) else { continue };
        if !entry.is_empty() && entry.len() + text.len() > ENTRY_MAX {
            entries.push(whole(&entry));
            entry.clear();
        }
        if !entry.is_empty() {
            entry.push(',');
        }
        entry.push_str(&text);
    }
    if !entry.is_empty() {
        entries.push(whole(&entry));
    }
    entries
}

fn whole(facts: &str) -> String {
    format!(r#"{{"facts":[{facts}]}}"#)
}

/// Where the log stands, as an entry.
pub(super) fn heads<'a>(places: impl Iterator<Item = &'a TopicHead>) -> String {
    let heads = places.map(|place| (place.topic.clone(), (place.epoch, place.seq)));
    serde_json::to_string(&Told::Heads(heads.collect())).unwrap_or_default()
}

pub(super) fn gone() -> String {
    serde_json::to_string(&Told::Gone).unwrap_or_default()
}

/// None when it is not of ours.
pub(super) fn parse(text: Option<&[u8]>) -> Option<Told> {
    serde_json::from_slice(text?).ok()
}

impl Told {
    /// The facts that come next after what was read, now counted as read; and whether that is all
    /// there is.
    pub fn following(self, tail: &mut Tail) -> (Vec<Fact>, bool) {
        match self {
            Self::Gone => (Vec::new(), true),
            Self::Heads(heads) => {
                let stands = |(topic, (epoch, seq)): (&String, &(i64, i64))| {
                    let place = tail.place(topic);
                    place.is_some_and(|place| (place.epoch, place.seq) == (*epoch, *seq))
                };
                (Vec::new(), heads.iter().all(stands))
            }
            Self::Facts(sent) => {
                let (mut facts, mut whole) = (Vec::new(), true);
                for (epoch, fact) in sent.into_iter().map(Sent::read) {
                    if tail.accept(epoch, &fact) {
                        facts.push(fact);
                    } else {
                        let place = tail.place(&fact.topic);
                        whole &= place.is_some_and(|at| at.epoch == epoch && at.seq >= fact.seq);
                    }
                }
                (facts, whole)
            }
        }
    }
}

impl<'a> Sent<'a> {
    fn of(fact: &'a Fact, epoch: i64) -> Self {
        let created_at = fact.created_at.unix_timestamp_nanos() / 1_000;
        Self {
            topic: fact.topic.as_str().into(),
            epoch,
            seq: fact.seq,
            kind: fact.kind.as_str().into(),
            reverting: fact.reverting,
            attributes: Cow::Borrowed(&fact.attributes),
            chain_id: fact.chain_id,
            block_number: fact.block_number,
            block_hash: fact.block_hash.map(|hash| hash.0),
            data: Cow::Borrowed(&fact.data),
            created_at: i64::try_from(created_at).unwrap_or_default(),
        }
    }

    fn read(self) -> (i64, Fact) {
        let nanos = i128::from(self.created_at) * 1_000;
        let created_at = OffsetDateTime::from_unix_timestamp_nanos(nanos);
        let fact = Fact {
            topic: self.topic.into_owned(),
            seq: self.seq,
            kind: self.kind.into_owned(),
            reverting: self.reverting,
            attributes: self.attributes.into_owned(),
            chain_id: self.chain_id,
            block_number: self.block_number,
            block_hash: self.block_hash.map(Hash),
            data: self.data.into_owned(),
            created_at: created_at.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        };
        (self.epoch, fact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fact(seq: i64, long: usize) -> Fact {
        Fact {
            topic: "items".to_owned(),
            seq,
            kind: "item_minted".to_owned(),
            reverting: seq % 2 == 0,
            attributes: json!({ "token_id": seq.to_string() }),
            chain_id: Some(31337),
            block_number: Some(seq),
            block_hash: Some(Hash(B256::repeat_byte(7))),
            data: json!({ "n": seq, "text": "x".repeat(long) }),
            created_at: OffsetDateTime::from_unix_timestamp_nanos(1_763_000_000_123_456_000)
                .unwrap(),
        }
    }

    #[test]
    fn facts_arrive_as_they_were_sent() {
        let places = [TopicHead { topic: "items".to_owned(), epoch: 3, seq: 9 }];
        let facts: Vec<Fact> = (1..=9).map(|seq| fact(seq, 20_000)).collect();
        let entries = encode(&facts, places.iter());
        assert_eq!(entries.len(), 3, "three in each");
        let mut read = Vec::new();
        for entry in &entries {
            assert!(entry.len() < ENTRY_MAX + 100);
            let Some(Told::Facts(sent)) = parse(Some(entry.as_bytes())) else { panic!("{entry}") };
            read.extend(sent.into_iter().map(Sent::read));
        }
        assert_eq!(read.len(), facts.len());
        for ((epoch, read), sent) in read.iter().zip(&facts) {
            assert_eq!((*epoch, format!("{read:?}")), (3, format!("{sent:?}")));
        }
        assert!(encode(&[fact(1, 200_000)], places.iter()).len() == 1, "however large it is");
    }

    #[test]
    fn what_is_not_of_ours_is_told_apart() {
        for text in ["", "{", "{}", r#"{"facts":[{}]}"#, r#"{"heads":{"items":1}}"#] {
            assert!(parse(Some(text.as_bytes())).is_none(), "{text}");
        }
        assert!(parse(None).is_none());
        assert!(matches!(parse(Some(gone().as_bytes())), Some(Told::Gone)));
    }
}

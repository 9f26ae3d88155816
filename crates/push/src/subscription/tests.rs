//! For any interleaving of facts, eviction, reconnects and filters, a client gets exactly the facts
//! that match, once, in order, on an unbroken chain.

use super::*;
use db::facts::Fact;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// What happens next in a run.
#[derive(Clone, Debug)]
enum Turn {
    /// Facts of these colours are numbered.
    Facts(Vec<u8>),
    /// The client's subscription is served once, with so many messages at most.
    Serve(usize),
    /// The connection is cut; the client resumes from the last seq it got.
    Cut,
    /// As `Cut`, but it resumes from the position that a heartbeat told.
    CutAfterHeartbeat,
    /// Another process serves it now: its ring begins at the head.
    Move,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        4 => proptest::collection::vec(0u8..3, 0..12).prop_map(Turn::Facts),
        6 => (1usize..5).prop_map(Turn::Serve),
        1 => Just(Turn::Cut),
        1 => Just(Turn::CutAfterHeartbeat),
        1 => Just(Turn::Move),
    ]
}

fn fact(seq: i64, colour: u8, reverting: bool) -> Fact {
    Fact {
        topic: "items".into(),
        seq,
        kind: "painted".into(),
        reverting,
        attributes: json!({"colour": colour.to_string()}),
        chain_id: None,
        block_number: None,
        block_hash: None,
        data: json!({"n": seq}),
        created_at: OffsetDateTime::UNIX_EPOCH,
    }
}

/// The database's part: matching facts of the window, at most `limit`.
fn load(log: &[u8], after: i64, upto: i64, filter: &Filter, limit: usize) -> (Vec<Entry>, bool) {
    let found: Vec<Entry> = (after + 1..=upto)
        .map(|seq| Entry::new(fact(seq, log[seq as usize - 1], false)))
        .filter(|entry| filter.matches(&entry.attributes, entry.reverting))
        .take(limit)
        .collect();
    let cut = found.len() == limit;
    (found, cut)
}

struct Run {
    log: Vec<u8>,
    ring: Ring,
    subscription: Subscription,
    filter: Filter,
    got: Vec<i64>,
    last_seen: i64,
    ring_facts: usize,
}

impl Run {
    fn new(filter: Filter, ring_facts: usize) -> Self {
        Self {
            log: Vec::new(),
            ring: Ring::new(1, 0, ring_facts, usize::MAX),
            subscription: Subscription::new("s".into(), "items", filter.clone(), 1, 0),
            filter,
            got: Vec::new(),
            last_seen: 0,
            ring_facts,
        }
    }

    fn resume(&mut self, from: i64) {
        self.last_seen = from;
        let filter = self.filter.clone();
        self.subscription = Subscription::new("s".into(), "items", filter, 1, from);
    }

    /// True when there was something to do.
    fn serve(&mut self, max: usize) -> bool {
        let messages = match self.subscription.step(&self.ring, max) {
            Step::Idle => return false,
            Step::Send(messages) => messages,
            Step::Load { after, upto } => {
                let (found, cut) = load(&self.log, after, upto, &self.filter, max);
                self.subscription.accept(upto, found, cut)
            }
            Step::Restart => panic!("no epoch changed"),
        };
        for (seq, message) in messages {
            let message: Value = serde_json::from_str(&message).expect("a message is JSON");
            assert_eq!(message["prev_seq"], self.last_seen, "the chain is broken");
            assert_eq!(message["seq"], seq);
            self.last_seen = message["seq"].as_i64().expect("seq");
            assert_eq!(message["data"]["n"], self.last_seen);
            self.got.push(self.last_seen);
        }
        true
    }

    fn play(&mut self, turn: Turn) {
        match turn {
            Turn::Facts(colours) => {
                for colour in colours {
                    self.log.push(colour);
                    let seq = self.log.len() as i64;
                    self.ring.push(Arc::new(Entry::new(fact(seq, colour, false))));
                }
            }
            Turn::Serve(max) => {
                self.serve(max);
            }
            Turn::Cut => self.resume(self.last_seen),
            Turn::CutAfterHeartbeat => self.resume(self.subscription.position()),
            Turn::Move => {
                self.ring = Ring::new(1, self.log.len() as i64, self.ring_facts, usize::MAX);
                self.resume(self.last_seen);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn each_matching_fact_arrives_once_in_order(
        turns in proptest::collection::vec(turn(), 0..60),
        colour in proptest::option::of(0u8..3),
        ring_facts in 0usize..20,
    ) {
        let filter = Filter(colour.map(|c| ("colour".to_owned(), c.to_string())).into_iter().collect());
        let mut run = Run::new(filter, ring_facts);
        for turn in turns {
            run.play(turn);
        }
        while run.serve(3) {}
        let wanted: Vec<i64> = (1..=run.log.len() as i64)
            .filter(|seq| colour.is_none_or(|c| run.log[*seq as usize - 1] == c))
            .collect();
        prop_assert_eq!(run.got, wanted);
        prop_assert_eq!(run.subscription.position(), run.log.len() as i64);
    }
}

#[test]
fn a_full_ring_by_bytes_evicts_too() {
    let size = Entry::new(fact(1, 0, false)).size();
    let mut ring = Ring::new(1, 0, usize::MAX, 3 * size + size / 2);
    for seq in 1..=10 {
        ring.push(Arc::new(Entry::new(fact(seq, 0, false))));
    }
    assert!(ring.read(6, &Filter::default(), 10).is_none(), "fact 7 left the ring");
    let found = ring.read(7, &Filter::default(), 10).expect("in the ring");
    assert_eq!(found.entries.iter().map(|e| e.seq).collect::<Vec<_>>(), [8, 9, 10]);
}

#[test]
fn a_jump_of_the_log_sends_readers_to_the_database() {
    let mut ring = Ring::new(1, 5, 100, usize::MAX);
    ring.push(Arc::new(Entry::new(fact(9, 0, false))));
    let mut subscription = Subscription::new("s".into(), "items", Filter::default(), 1, 5);
    assert!(matches!(subscription.step(&ring, 9), Step::Load { after: 5, upto: 9 }));
}

#[test]
fn a_new_epoch_restarts() {
    let mut ring = Ring::new(1, 5, 100, usize::MAX);
    let mut subscription = Subscription::new("s".into(), "items", Filter::default(), 1, 5);
    assert!(matches!(subscription.step(&ring, 9), Step::Idle));
    ring.reset(2, 0);
    assert!(matches!(subscription.step(&ring, 9), Step::Restart));
}

#[test]
fn the_envelope_is_as_documented() {
    let filter = Filter(BTreeMap::from([("colour".to_owned(), "1".to_owned())]));
    let mut ring = Ring::new(4, 0, 100, usize::MAX);
    let block = db::Hash(vocab_hash());
    let told = Fact {
        chain_id: Some(31337),
        block_number: Some(7),
        block_hash: Some(block),
        ..fact(1, 1, true)
    };
    ring.push(Arc::new(Entry::new(told)));
    let mut subscription = Subscription::new("my \"id\"".into(), "items", filter, 4, 0);
    let snapshot: Value =
        serde_json::from_str(&subscription.snapshot(&json!({"a": 1}))).expect("JSON");
    let Step::Send(messages) = subscription.step(&ring, 9) else { panic!("a message waits") };
    let message: Value = serde_json::from_str(&messages[0].1).expect("JSON");
    let keys = json!({"topic": "items", "subscription": "my \"id\"", "epoch": 4});
    for (name, value) in keys.as_object().expect("object") {
        assert_eq!((&message[name], &snapshot[name]), (value, value));
    }
    assert_eq!(snapshot["type"], "snapshot");
    assert_eq!((&snapshot["seq"], &snapshot["prev_seq"]), (&json!(0), &json!(0)));
    assert_eq!(snapshot["data"], json!({"a": 1}));
    assert_eq!(message["type"], "reorg");
    assert_eq!((&message["seq"], &message["prev_seq"]), (&json!(1), &json!(0)));
    assert_eq!(message["block"], json!({"chain_id": 31337, "number": 7, "hash": block.0}));
    assert_eq!(
        message["data"],
        json!({"kind": "painted", "at": "1970-01-01T00:00:00Z", "attributes": {"colour": "1"}, "n": 1})
    );
}

fn vocab_hash() -> vocab::B256 {
    vocab::B256::repeat_byte(0xab)
}

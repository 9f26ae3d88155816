//! Facts read once for all who are behind at about the same place, and what each is told of them.

use super::select::Rows;
use crate::wanted::Wanted;
use db::{
    Db, DbError,
    facts::{self, Fact, TopicHead},
    webhook_deliveries::NewDelivery,
    webhook_positions::PositionRow,
};

/// Facts of a topic, without a gap: a thousand who read the log each for themselves would never
/// come to its end.
pub(super) struct Batch {
    topic: String,
    after_seq: i64,
    /// To here all of them are there.
    upto: i64,
    facts: Vec<Fact>,
}

impl Batch {
    pub async fn load(
        db: &Db,
        was: &PositionRow,
        cursor: &TopicHead,
        most: i64,
    ) -> Result<Self, DbError> {
        let mut connection = db.acquire().await?;
        let range = (was.after_seq, cursor.seq);
        let facts = facts::load_between(&mut connection, &was.topic, range, None, most).await?;
        let whole = (facts.len() as i64) < most;
        Ok(Self::of(was, cursor, (facts, whole)))
    }

    fn of(was: &PositionRow, cursor: &TopicHead, (facts, whole): (Vec<Fact>, bool)) -> Self {
        let upto = if whole { cursor.seq } else { facts.last().map_or(0, |fact| fact.seq) };
        Self { topic: was.topic.clone(), after_seq: was.after_seq, upto, facts }
    }

    /// Has somebody to read on before this one can be told anything?
    pub fn is_missing(batch: Option<&Self>, was: &PositionRow, cursor: &TopicHead) -> bool {
        was.epoch == cursor.epoch
            && was.after_seq < cursor.seq
            && !batch.is_some_and(|batch| batch.follows(was))
    }

    /// Does it have what comes next there?
    fn follows(&self, place: &PositionRow) -> bool {
        self.topic == place.topic && (self.after_seq..self.upto).contains(&place.after_seq)
    }
}

/// What an endpoint is told next, and how far it has been looked through then.
pub(super) struct Step {
    pub rows: Vec<NewDelivery>,
    pub after_seq: i64,
}

pub(super) fn next(
    batch: Option<&Batch>,
    was: &PositionRow,
    cursor: &TopicHead,
    wanted: &Wanted,
    room: i64,
) -> Step {
    // In another numbering nothing can be said of what it missed; and one that is ahead waits.
    let Some(batch) = batch.filter(|batch| was.epoch == cursor.epoch && batch.follows(was)) else {
        let ahead = if was.epoch == cursor.epoch { was.after_seq } else { cursor.seq };
        return Step { rows: Vec::new(), after_seq: ahead };
    };
    let mut after_seq = batch.upto;
    let mut rows = Rows::default();
    let room = usize::try_from(room).unwrap_or(0);
    let mut before = was.after_seq;
    for fact in batch.facts.iter().filter(|fact| fact.seq > was.after_seq) {
        if wanted.fits(fact) {
            if rows.rows.len() >= room {
                after_seq = before;
                break;
            }
            let again = was.replay_at.filter(|_| was.replay_upto.is_some_and(|u| fact.seq <= u));
            rows.add(was.endpoint_id, fact, cursor.epoch, again);
        }
        before = fact.seq;
    }
    Step { rows: rows.rows, after_seq }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use time::OffsetDateTime;
    use uuid::Uuid;
    use vocab::topic;

    const EPOCH: i64 = 3;

    fn fact(seq: i64, kind: usize) -> Fact {
        Fact {
            topic: topic::ITEMS.to_owned(),
            seq,
            kind: format!("kind_{}", ["a", "b", "c"][kind]),
            reverting: false,
            attributes: json!({}),
            chain_id: None,
            block_number: None,
            block_hash: None,
            data: json!({}),
            created_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn place(endpoint: u128, after_seq: i64) -> PositionRow {
        PositionRow {
            endpoint_id: Uuid::from_u128(endpoint),
            topic: topic::ITEMS.to_owned(),
            epoch: EPOCH,
            after_seq,
            live: false,
            replay_upto: None,
            replay_at: None,
        }
    }

    /// The log, read by batches as the database gives them.
    struct Log {
        facts: Vec<Fact>,
        cursor: TopicHead,
        most: usize,
        reads: usize,
    }

    impl Log {
        fn new(facts: Vec<Fact>, head: i64, most: usize) -> Self {
            let cursor = TopicHead { topic: topic::ITEMS.to_owned(), epoch: EPOCH, seq: head };
            Self { facts, cursor, most, reads: 0 }
        }

        fn read(&mut self, was: &PositionRow) -> Batch {
            self.reads += 1;
            let after = self.facts.iter().filter(|fact| fact.seq > was.after_seq);
            let facts: Vec<Fact> = after.take(self.most).cloned().collect();
            let whole = facts.len() < self.most;
            Batch::of(was, &self.cursor, (facts, whole))
        }

        /// In turns, until all are at the end; the numbers that each was told of.
        fn catch_up(&mut self, places: &mut [(PositionRow, Wanted)], room: i64) -> Vec<Vec<i64>> {
            let mut told = vec![Vec::new(); places.len()];
            while places.iter().any(|(place, _)| place.after_seq < self.cursor.seq) {
                let mut batch = None;
                for ((place, wanted), told) in places.iter_mut().zip(&mut told) {
                    if Batch::is_missing(batch.as_ref(), place, &self.cursor) {
                        batch = Some(self.read(place));
                    }
                    let step = next(batch.as_ref(), place, &self.cursor, wanted, room);
                    assert!(step.rows.len() as i64 <= room && step.after_seq >= place.after_seq);
                    told.extend(step.rows.iter().map(|row| row.seq));
                    place.after_seq = step.after_seq;
                }
            }
            told
        }
    }

    #[test]
    fn those_at_one_place_read_once() {
        let mut log = Log::new((1..=1_000).map(|seq| fact(seq, 0)).collect(), 1_000, 100);
        let mut places: Vec<_> =
            (0..500).map(|endpoint| (place(endpoint, 0), Wanted::all_of("kind_a"))).collect();
        let told = log.catch_up(&mut places, 1_000);
        assert!(told.iter().all(|told| told.len() == 1_000));
        assert!(log.reads <= 11, "{} reads of ten batches", log.reads);
    }

    proptest! {
        /// However they share what is read, each is told what it wants once, in order.
        #[test]
        fn each_is_told_what_it_wants(
            kinds in prop::collection::vec(prop::option::of(0usize..3), 0..120),
            begins in prop::collection::vec((0i64..120, 0usize..3), 1..8),
            most in 1usize..40,
            room in 1i64..30,
        ) {
            let numbered = (1..).zip(kinds.iter());
            let facts: Vec<Fact> =
                numbered.filter_map(|(seq, kind)| Some(fact(seq, (*kind)?))).collect();
            let head = kinds.len() as i64;
            let mut log = Log::new(facts.clone(), head, most);
            let names = ["kind_a", "kind_b", "kind_*"];
            let mut places: Vec<_> = begins
                .iter()
                .zip(0..)
                .map(|((begin, wants), id)| {
                    (place(id, (*begin).min(head)), Wanted::all_of(names[*wants]))
                })
                .collect();
            let told = log.catch_up(&mut places, room);
            for (told, (begin, wants)) in told.iter().zip(&begins) {
                let wanted = Wanted::all_of(names[*wants]);
                let fit = facts.iter().filter(|fact| fact.seq > *begin && wanted.fits(fact));
                prop_assert_eq!(told, &fit.map(|fact| fact.seq).collect::<Vec<_>>());
            }
        }
    }
}

//! Following the numbered log.

use db::{
    Db, DbError,
    facts::{self, Fact, Listener, TopicHead},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::timeout;

/// How long a lost notice can delay a fact.
const POLL: Duration = Duration::from_millis(250);

/// A reader of all topics from given places on.
#[derive(Debug)]
pub struct Tail {
    db: Db,
    /// None while nobody waits for notices.
    listener: Option<Listener>,
    /// How far each topic was read, and in which epoch.
    read: BTreeMap<String, TopicHead>,
    batch_max: i64,
}

impl Tail {
    /// Follow from the present heads of all topics.
    pub async fn from_now(db: Db, batch_max: i64) -> Result<Self, DbError> {
        let listener = Some(facts::listen(&db).await?);
        let heads = facts::load_heads(&mut *db.acquire().await?).await?;
        let read = heads.into_iter().map(|head| (head.topic.clone(), head)).collect();
        Ok(Self { db, listener, read, batch_max })
    }

    /// How far each topic was read.
    pub fn places(&self) -> impl Iterator<Item = &TopicHead> {
        self.read.values()
    }

    /// The next facts, at most `batch_max` of each topic; in order within a topic. Empty only when
    /// a topic began a new epoch or went back (a restored database): then [`Tail::places`] stands
    /// at its new head. Cancel-safe: facts are counted as read only when they are returned.
    pub async fn next(&mut self) -> Result<Vec<Fact>, DbError> {
        loop {
            if let Some(found) = self.look().await? {
                return Ok(found);
            }
            self.wait().await?;
        }
    }

    /// As [`Tail::next`], but none when there is nothing new just now.
    pub async fn look(&mut self) -> Result<Option<Vec<Fact>>, DbError> {
        let (found, jumped) = self.read_new().await?;
        if found.is_empty() && jumped.is_empty() {
            return Ok(None);
        }
        for head in jumped {
            self.read.insert(head.topic.clone(), head);
        }
        for fact in &found {
            if let Some(place) = self.read.get_mut(&fact.topic) {
                place.seq = fact.seq;
            }
        }
        Ok(Some(found))
    }

    /// Until it is worth another look: at a notice, or when one may have been lost.
    pub async fn wait(&mut self) -> Result<(), DbError> {
        let Some(listener) = &mut self.listener else {
            // What came before it listened is found by the next look.
            self.listener = Some(facts::listen(&self.db).await?);
            return Ok(());
        };
        if let Ok(notice) = timeout(POLL, listener.notified()).await {
            notice?;
        }
        Ok(())
    }

    /// Nobody waits for a while: notices that nobody reads would pile up in the database.
    pub fn rest(&mut self) {
        self.listener = None;
    }

    /// Count a fact as read that came another way. False when it does not follow what was read, so
    /// that it was read before, or something is missing between.
    pub fn accept(&mut self, epoch: i64, fact: &Fact) -> bool {
        let Some(place) = self.read.get_mut(&fact.topic) else { return false };
        let follows = place.epoch == epoch && place.seq + 1 == fact.seq;
        if follows {
            place.seq = fact.seq;
        }
        follows
    }

    /// Where this topic was read to.
    #[must_use]
    pub fn place(&self, topic: &str) -> Option<&TopicHead> {
        self.read.get(topic)
    }

    async fn read_new(&self) -> Result<(Vec<Fact>, Vec<TopicHead>), DbError> {
        let mut connection = self.db.acquire().await?;
        let (mut found, mut jumped) = (Vec::new(), Vec::new());
        for head in facts::load_heads(&mut connection).await? {
            match self.read.get(&head.topic) {
                Some(place) if place.epoch == head.epoch && place.seq == head.seq => {}
                Some(place) if place.epoch == head.epoch && place.seq < head.seq => {
                    let batch = facts::load_after(
                        &mut connection,
                        &head.topic,
                        place.seq,
                        None,
                        self.batch_max,
                    );
                    found.extend(batch.await?);
                }
                _ => jumped.push(head),
            }
        }
        Ok((found, jumped))
    }
}

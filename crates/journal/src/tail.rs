//! Following the numbered log.

use db::{
    Db, DbError,
    facts::{self, Fact, Listener},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::timeout;

/// How long a lost notice can delay a fact.
const POLL: Duration = Duration::from_millis(250);

/// A reader of all topics from given places on.
#[derive(Debug)]
pub struct Tail {
    db: Db,
    listener: Listener,
    /// Last number read of each topic.
    read: BTreeMap<String, i64>,
    batch_max: i64,
}

impl Tail {
    /// Follow from the present heads of all topics.
    pub async fn from_now(db: Db, batch_max: i64) -> Result<Self, DbError> {
        let listener = facts::listen(&db).await?;
        let heads = facts::load_heads(&mut *db.acquire().await?).await?;
        let read = heads.into_iter().map(|head| (head.topic, head.seq)).collect();
        Ok(Self { db, listener, read, batch_max })
    }

    /// The next facts, at least one, at most `batch_max` of each topic; in order within a topic.
    /// Cancel-safe: facts are counted as read only when they are returned.
    pub async fn next(&mut self) -> Result<Vec<Fact>, DbError> {
        loop {
            let found = self.read_new().await?;
            if !found.is_empty() {
                for fact in &found {
                    self.read.insert(fact.topic.clone(), fact.seq);
                }
                return Ok(found);
            }
            // A time-out is the poll that makes up for a lost notice.
            if let Ok(notice) = timeout(POLL, self.listener.notified()).await {
                notice?;
            }
        }
    }

    async fn read_new(&self) -> Result<Vec<Fact>, DbError> {
        let mut connection = self.db.acquire().await?;
        let mut found = Vec::new();
        for head in facts::load_heads(&mut connection).await? {
            let read = self.read.get(&head.topic).copied().unwrap_or(0);
            if head.seq > read {
                let batch =
                    facts::load_after(&mut connection, &head.topic, read, None, self.batch_max);
                found.extend(batch.await?);
            }
        }
        Ok(found)
    }
}

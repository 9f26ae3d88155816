//! What all connections share: the rings, the wake-up, and the bounds.

use crate::{
    Feed,
    entry::Entry,
    filter::Filter,
    policy::{Snapshot, SnapshotError, Snapshots},
    ring::Ring,
};
use db::{Db, DbError};
use journal::{Fact, Tail, TopicHead};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

/// Bounds of the stream.
#[derive(Clone, Copy, Debug)]
pub struct HubOptions {
    /// Facts kept in memory per topic.
    pub ring_facts: usize,
    /// Bytes kept in memory per topic.
    pub ring_bytes: usize,
    /// Connections of this process; one more is answered 503.
    pub connections_max: usize,
    /// Subscriptions of one connection.
    pub subscriptions_max: usize,
    /// Client frames per second, after a burst of twice as many.
    pub frames_per_second: u32,
    pub heartbeat: Duration,
    /// Cut a client that reads nothing for so long while a message waits.
    pub stall_max: Duration,
    /// Cut a client of which nothing is heard for so long, not even a pong.
    pub silence_max: Duration,
    /// How long a close frame may wait for a client that does not read.
    pub linger: Duration,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            ring_facts: 10_000,
            ring_bytes: 16 << 20,
            connections_max: 20_000,
            subscriptions_max: 32,
            frames_per_second: 20,
            heartbeat: Duration::from_secs(15),
            stall_max: Duration::from_secs(10),
            silence_max: Duration::from_secs(45),
            linger: Duration::from_secs(5),
        }
    }
}

/// Facts read from the database at a time, per connection.
const LOAD_MAX: i64 = 200;
/// Connections that read the database at once: a storm of resumes must not take the pool.
const LOADS_MAX: usize = 4;
/// Time for one snapshot, its turn included.
const SNAPSHOT_MAX: Duration = Duration::from_secs(10);

/// The stream's shared part. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Shared>);

struct Shared {
    db: Db,
    options: HubOptions,
    snapshots: Box<dyn Snapshots>,
    rings: BTreeMap<String, RwLock<Ring>>,
    /// Raised after each change of a ring.
    changes: watch::Sender<u64>,
    closing: CancellationToken,
    connections: Arc<Semaphore>,
    loads: Semaphore,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("connections", &self.connections()).finish_non_exhaustive()
    }
}

impl Hub {
    /// Stand at the present end of the log. Nothing moves until the [`Feed`] runs.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn start(
        db: Db,
        snapshots: impl Snapshots,
        options: HubOptions,
    ) -> Result<(Self, Feed), DbError> {
        let tail = Tail::from_now(db.clone(), 1_000).await?;
        let ring = |place: &TopicHead| {
            Ring::new(place.epoch, place.seq, options.ring_facts, options.ring_bytes)
        };
        let hub = Self(Arc::new(Shared {
            db,
            options,
            snapshots: Box::new(snapshots),
            rings: tail.places().map(|p| (p.topic.clone(), RwLock::new(ring(p)))).collect(),
            changes: watch::Sender::new(0),
            closing: CancellationToken::new(),
            connections: Arc::new(Semaphore::new(options.connections_max)),
            loads: Semaphore::new(LOADS_MAX),
        }));
        Ok((hub.clone(), Feed::new(hub, tail)))
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.options.connections_max - self.0.connections.available_permits()
    }

    /// Tell every connection to end with 1001, refuse new ones, and wait until all are gone or
    /// `patience` has passed. True when all are gone.
    pub async fn close(&self, patience: Duration) -> bool {
        self.0.closing.cancel();
        let all = u32::try_from(self.0.options.connections_max).unwrap_or(u32::MAX);
        timeout_at(Instant::now() + patience, self.0.connections.acquire_many(all)).await.is_ok()
    }

    pub(crate) fn options(&self) -> &HubOptions {
        &self.0.options
    }

    /// The state that a subscription starts with.
    pub(crate) async fn snapshot(
        &self,
        topic: &str,
        filter: &Filter,
    ) -> Result<Snapshot, SnapshotError> {
        let read = async {
            let _turn = self.0.loads.acquire().await;
            self.0.snapshots.snapshot(topic, filter).await
        };
        timeout(SNAPSHOT_MAX, read).await.map_err(|late| SnapshotError(Box::new(late)))?
    }

    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    /// A place for one connection, if there is one.
    pub(crate) fn enter(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        if self.0.closing.is_cancelled() {
            return None;
        }
        self.0.connections.clone().try_acquire_owned().ok()
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Look at a topic's ring. None for an unknown topic.
    pub(crate) fn with_ring<T>(&self, topic: &str, look: impl FnOnce(&Ring) -> T) -> Option<T> {
        let ring = self.0.rings.get(topic)?;
        Some(look(&ring.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// (topic, epoch, head) of all topics, as this process knows them.
    pub(crate) fn heads(&self) -> Vec<(String, i64, i64)> {
        let heads = self.0.rings.iter().map(|(topic, ring)| {
            let ring = ring.read().unwrap_or_else(PoisonError::into_inner);
            (topic.clone(), ring.epoch(), ring.head())
        });
        heads.collect()
    }

    /// The head of a topic in the database: another process may be further than this one.
    pub(crate) async fn stored_head(&self, topic: &str) -> Result<Option<TopicHead>, DbError> {
        let heads = journal::load_heads(&mut *self.0.db.acquire().await?).await?;
        Ok(heads.into_iter().find(|head| head.topic == topic))
    }

    /// Matching facts in `(after, upto]` from the database, and whether there may be more.
    pub(crate) async fn load(
        &self,
        topic: &str,
        range: (i64, i64),
        filter: &Filter,
    ) -> Result<(Vec<Entry>, bool), DbError> {
        let _turn = self.0.loads.acquire().await;
        metrics::counter!("push_database_reads_total").increment(1);
        let wanted = filter.as_attributes();
        let mut connection = self.0.db.acquire().await?;
        let found =
            journal::load_between(&mut connection, topic, range, wanted.as_ref(), LOAD_MAX).await?;
        let cut = found.len() >= usize::try_from(LOAD_MAX).unwrap_or(usize::MAX);
        Ok((found.into_iter().map(Entry::new).collect(), cut))
    }

    /// Tell everybody of new facts, and of where the log stands now.
    pub(crate) fn tell<'a>(&self, facts: Vec<Fact>, places: impl Iterator<Item = &'a TopicHead>) {
        // Whoever keeps answers forgets them before anybody can ask because of a message.
        self.0.snapshots.heard(&facts);
        self.append(facts);
        places.for_each(|place| self.jump(place));
        self.0.changes.send_modify(|n| *n += 1);
    }

    fn append(&self, facts: Vec<Fact>) {
        let mut entries = BTreeMap::<String, Vec<Arc<Entry>>>::new();
        for fact in facts {
            let of_topic = entries.entry(fact.topic.clone()).or_default();
            of_topic.push(Arc::new(Entry::new(fact)));
        }
        for (topic, entries) in entries {
            let Some(ring) = self.0.rings.get(&topic) else { continue };
            let mut ring = ring.write().unwrap_or_else(PoisonError::into_inner);
            entries.into_iter().for_each(|entry| ring.push(entry));
        }
    }

    /// Follow a topic that jumped (new epoch, or a database that went back).
    fn jump(&self, place: &TopicHead) {
        let Some(ring) = self.0.rings.get(&place.topic) else { return };
        let mut ring = ring.write().unwrap_or_else(PoisonError::into_inner);
        if ring.epoch() != place.epoch || ring.head() != place.seq {
            ring.reset(place.epoch, place.seq);
        }
    }
}

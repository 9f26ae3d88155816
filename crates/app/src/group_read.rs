//! Group reads: what is asked for while all readers are busy is read together by the next one, in
//! one view of the database. A lone request finds a reader free and waits for nobody; under load a
//! row costs its part of a statement, and not a conversation of its own.
//!
//! A group is read by a task of its own, so a request that is cancelled leaves the others in peace.

use crate::AppError;
use db::{Db, DbError};
use std::{
    collections::VecDeque,
    fmt::Debug,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::oneshot, task::JoinSet, time::timeout};

/// Keys in one group.
const GROUP_MAX: usize = 64;
/// Groups read at once. Few: two that could be one cost the database more.
const READERS_MAX: usize = 3;
/// A group that takes longer is given up. The database cuts statements later than this.
const READ_MAX: Duration = Duration::from_secs(10);

/// What can be read in groups.
pub(crate) trait Wanted: Copy + Eq + Hash + Debug + Send + Sync + 'static {
    type Found: Clone + Debug + Send + 'static;
    /// For logs and metrics.
    const NAME: &'static str;

    /// Of keys that differ here, none are read together.
    fn shelf(&self) -> u64;

    /// One answer per key, in their order, all as of one state of the database. The keys are
    /// distinct.
    fn read(
        db: &Db,
        keys: &[Self],
    ) -> impl Future<Output = Result<Vec<Self::Found>, DbError>> + Send;
}

/// Where reads are asked for.
#[derive(Debug)]
pub(crate) struct ReadDesk<K: Wanted> {
    shared: Arc<Shared<K>>,
    /// Ends with the desk.
    readers: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Shared<K: Wanted> {
    db: Db,
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K: Wanted> {
    /// As long as there are requests that wait for an answer: the edge bounds those.
    waiting: VecDeque<Asked<K>>,
    readers: usize,
}

#[derive(Debug)]
struct Asked<K: Wanted> {
    key: K,
    answer: oneshot::Sender<Result<K::Found, Arc<DbError>>>,
}

impl<K: Wanted> ReadDesk<K> {
    pub(crate) fn new(db: Db) -> Self {
        let state = Mutex::new(State { waiting: VecDeque::new(), readers: 0 });
        Self { shared: Arc::new(Shared { db, state }), readers: Mutex::default() }
    }

    /// What is there now: nothing is read that was read before this was asked.
    ///
    /// # Errors
    /// [`AppError::Group`] when the database fails; [`AppError::OutcomeUnknown`] when its answer
    /// did not come in time.
    pub(crate) async fn read(&self, key: K) -> Result<K::Found, AppError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Asked { key, answer });
        match answered.await {
            Ok(found) => found.map_err(AppError::Group),
            Err(_) => Err(AppError::OutcomeUnknown),
        }
    }

    fn ask(&self, asked: Asked<K>) {
        let mut state = self.shared.state();
        state.waiting.push_back(asked);
        if state.readers >= READERS_MAX {
            return;
        }
        state.readers += 1;
        drop(state);
        let reader = Reader { shared: self.shared.clone(), done: false };
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        while readers.try_join_next().is_some() {}
        readers.spawn(reader.run());
    }
}

impl<K: Wanted> Shared<K> {
    fn state(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads groups until nothing waits.
struct Reader<K: Wanted> {
    shared: Arc<Shared<K>>,
    done: bool,
}

impl<K: Wanted> Reader<K> {
    async fn run(mut self) {
        while let Some(group) = self.next_group() {
            metrics::histogram!("read_group_size", "what" => K::NAME).record(group.len() as f64);
            // Given up, the group's senders are dropped, which tells its requests.
            if timeout(READ_MAX, answer(&self.shared.db, group)).await.is_err() {
                tracing::error!(what = K::NAME, "a group of reads took too long");
            }
        }
    }

    /// Of one shelf, those that came first. None when nothing waits: then this reader is no longer
    /// counted.
    fn next_group(&mut self) -> Option<Vec<Asked<K>>> {
        let mut state = self.shared.state();
        state.waiting.retain(|asked| !asked.answer.is_closed());
        let Some(first) = state.waiting.front() else {
            state.readers -= 1;
            self.done = true;
            return None;
        };
        let shelf = first.key.shelf();
        let mut group = Vec::new();
        let mut others = VecDeque::new();
        while let Some(asked) = state.waiting.pop_front() {
            if group.len() < GROUP_MAX && asked.key.shelf() == shelf {
                group.push(asked);
            } else {
                others.push_back(asked);
            }
        }
        state.waiting = others;
        Some(group)
    }
}

impl<K: Wanted> Drop for Reader<K> {
    /// Died in a panic: whoever waits must not wait for the next request to start another reader.
    fn drop(&mut self) {
        if !self.done {
            let mut state = self.shared.state();
            state.readers -= 1;
            state.waiting.clear();
        }
    }
}

/// Read a group and answer each. Those who ask for the same get the same.
async fn answer<K: Wanted>(db: &Db, group: Vec<Asked<K>>) {
    let mut keys: Vec<K> = Vec::with_capacity(group.len());
    let places: Vec<usize> = group
        .iter()
        .map(|asked| {
            keys.iter().position(|key| *key == asked.key).unwrap_or_else(|| {
                keys.push(asked.key);
                keys.len() - 1
            })
        })
        .collect();
    match K::read(db, &keys).await {
        Ok(found) => {
            for (asked, place) in group.into_iter().zip(places) {
                // Without an answer of its own it is told that reading failed.
                if let Some(found) = found.get(place) {
                    let _ = asked.answer.send(Ok(found.clone()));
                }
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for asked in group {
                let _ = asked.answer.send(Err(error.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANICS: u64 = 13;
    const FAILS: u64 = 14;

    impl Wanted for u64 {
        type Found = (u64, usize);
        const NAME: &'static str = "number";

        fn shelf(&self) -> u64 {
            self % 2
        }

        async fn read(_: &Db, keys: &[u64]) -> Result<Vec<(u64, usize)>, DbError> {
            tokio::task::yield_now().await;
            assert!(!keys.contains(&PANICS), "on purpose");
            assert!(keys.iter().all(|key| key % 2 == keys[0] % 2), "one shelf");
            let distinct: std::collections::HashSet<_> = keys.iter().collect();
            assert!(distinct.len() == keys.len() && keys.len() <= GROUP_MAX);
            if keys.contains(&FAILS) {
                return Err(sqlx::Error::PoolTimedOut.into());
            }
            Ok(keys.iter().map(|key| (key * 2, keys.len())).collect())
        }
    }

    fn desk() -> Arc<ReadDesk<u64>> {
        // Nothing is asked of it.
        Arc::new(ReadDesk::new(Db::connect_lazy("postgres://nobody@localhost/nothing").unwrap()))
    }

    #[tokio::test]
    async fn everyone_gets_their_own_and_many_are_read_together() {
        let desk = desk();
        let mut asked = JoinSet::new();
        for n in 0..1_000_u64 {
            let (desk, key) = (desk.clone(), 100 + n % 300);
            asked.spawn(async move { (key, desk.read(key).await.unwrap()) });
        }
        let mut largest = 0;
        while let Some(answer) = asked.join_next().await {
            let (key, (found, together)) = answer.unwrap();
            assert_eq!(found, 2 * key);
            largest = largest.max(together);
        }
        assert!(largest > 20, "{largest}");
        assert_eq!(desk.read(100).await.unwrap(), (200, 1), "a lone one waits for nobody");
        assert_eq!(desk.shared.state().readers, 0);
    }

    #[tokio::test]
    async fn trouble_is_told_to_those_whom_it_concerns() {
        let desk = desk();
        assert!(matches!(desk.read(PANICS).await, Err(AppError::OutcomeUnknown)));
        assert_eq!(desk.read(4).await.unwrap().0, 8, "it goes on after a panic");
        assert!(matches!(desk.read(FAILS).await, Err(AppError::Group(_))));
        assert_eq!(desk.read(6).await.unwrap().0, 12);
        let given_up = desk.read(8);
        drop(given_up);
        assert_eq!(desk.read(10).await.unwrap().0, 20);
    }
}

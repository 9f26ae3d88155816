//! Group commit of requests: those that come in while a commit is on its way to the disk share the
//! next one. Each is answered only after the commit that holds it.
//!
//! The group is written by a task of its own, not by one of the requests: a request that is
//! cancelled leaves the others in peace. Nothing waits for company, so a lone request is as quick
//! as without groups, and under load the groups grow by themselves.

use crate::AppError;
use db::{Db, DbError, PgConnection, PooledConnection};
use std::{
    collections::{HashSet, VecDeque},
    fmt::Debug,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::oneshot, task::JoinSet, time::timeout};

/// Requests in one commit.
const GROUP_MAX: usize = 256;
/// Commits on their way at once. The second begins only when the first takes long: one that hangs
/// must not hold up all, but two that are quick make groups of half the size.
const WRITERS_MAX: u32 = 2;
/// So long is long.
const SLOW: Duration = Duration::from_millis(250);
/// A commit that takes longer is given up; whether it happened is then not known. The database cuts
/// statements later than this, and requests end later too.
const WRITE_MAX: Duration = Duration::from_secs(20);

/// What can be recorded in groups.
pub(crate) trait Grouped: Debug + Send + Sync + Sized + 'static {
    /// What became of one.
    type Recorded: Debug + Send;
    /// For logs and metrics.
    const NAME: &'static str;
    /// Of one that has the same key as another in the group.
    const LOCKED: Self::Recorded;

    /// Number of the advisory lock of its key.
    fn lock(&self) -> i64;

    /// Record a group, in which no two have the same key, in one statement.
    fn record(
        db: &mut PgConnection,
        group: &[&Self],
    ) -> impl Future<Output = Result<Vec<Self::Recorded>, DbError>> + Send;
}

/// Where requests are handed in.
#[derive(Debug)]
pub(crate) struct Desk<T: Grouped> {
    shared: Arc<Shared<T>>,
    /// Ends with the desk.
    writers: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Shared<T: Grouped> {
    db: Db,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T: Grouped> {
    /// As long as there are requests that wait for an answer: the edge bounds those.
    waiting: VecDeque<Asked<T>>,
    writers: u32,
}

#[derive(Debug)]
struct Asked<T: Grouped> {
    new: T,
    answer: oneshot::Sender<Result<T::Recorded, Arc<DbError>>>,
}

impl<T: Grouped> Desk<T> {
    /// Its writers have connections of their own, on which its one statement is planned once.
    pub(crate) fn new(db: &Db) -> Self {
        let state = Mutex::new(State { waiting: VecDeque::new(), writers: 0 });
        let shared = Shared { db: db::apart(db, WRITERS_MAX), state };
        Self { shared: Arc::new(shared), writers: Mutex::default() }
    }

    /// Record a request, in one commit with whatever else is asked for at this time. Dropped before
    /// its answer, it may be recorded or not, as with any commit.
    ///
    /// # Errors
    /// [`AppError::Group`] when the database fails, [`AppError::OutcomeUnknown`] when its answer
    /// did not come in time.
    pub(crate) async fn record(&self, new: T) -> Result<T::Recorded, AppError> {
        let (answer, mut answered) = oneshot::channel();
        self.shared.state().waiting.push_back(Asked { new, answer });
        self.write_with(1);
        let answer = match timeout(SLOW, &mut answered).await {
            Ok(answer) => answer,
            Err(_) => {
                self.write_with(WRITERS_MAX);
                answered.await
            }
        };
        match answer {
            Ok(recorded) => recorded.map_err(AppError::Group),
            Err(_) => Err(AppError::OutcomeUnknown),
        }
    }

    /// See to it that what waits is written, by at most so many writers.
    fn write_with(&self, writers_max: u32) {
        let mut state = self.shared.state();
        if state.writers >= writers_max || state.waiting.is_empty() {
            return;
        }
        state.writers += 1;
        drop(state);
        let writer = Writer { shared: self.shared.clone(), done: false };
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        while writers.try_join_next().is_some() {}
        writers.spawn(writer.run());
    }
}

impl<T: Grouped> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes groups until nothing waits.
struct Writer<T: Grouped> {
    shared: Arc<Shared<T>>,
    done: bool,
}

impl<T: Grouped> Writer<T> {
    async fn run(mut self) {
        let mut connection = None;
        while let Some(group) = self.next_group() {
            metrics::histogram!("accept_group_size", "what" => T::NAME).record(group.len() as f64);
            // Given up, the group's senders are dropped, which tells its requests.
            if timeout(WRITE_MAX, write(&self.shared.db, &mut connection, group)).await.is_err() {
                tracing::error!(
                    what = T::NAME,
                    "a commit of requests took too long; its outcome is unknown"
                );
            }
        }
    }

    /// None when nothing waits: then this writer is no longer counted.
    fn next_group(&mut self) -> Option<Vec<Asked<T>>> {
        let mut state = self.shared.state();
        let mut group = Vec::new();
        let mut keys = HashSet::new();
        while group.len() < GROUP_MAX
            && let Some(asked) = state.waiting.pop_front()
        {
            if asked.answer.is_closed() {
                continue;
            }
            // The advisory lock is the session's, so it would not stop a rival in the same group.
            if keys.insert(asked.new.lock()) {
                group.push(asked);
            } else {
                let _ = asked.answer.send(Ok(T::LOCKED));
            }
        }
        if group.is_empty() {
            state.writers -= 1;
            self.done = true;
            return None;
        }
        Some(group)
    }
}

impl<T: Grouped> Drop for Writer<T> {
    /// Died in a panic: whoever waits must not wait for the next request to start another writer.
    fn drop(&mut self) {
        if !self.done {
            let mut state = self.shared.state();
            state.writers -= 1;
            state.waiting.clear();
        }
    }
}

/// Write a group and answer each. A request that the database refuses (a byte that text can't
/// hold, an account that is gone) fails the statement of all: the group is halved until it is
/// alone.
///
/// All on one connection: the locks of a statement that failed are gone for whoever comes next on
/// it, while another connection may be told of the failure before that.
async fn write<T: Grouped>(db: &Db, kept: &mut Option<PooledConnection>, group: Vec<Asked<T>>) {
    // Kept for the next group only when nothing went wrong with it.
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => match db.acquire().await {
            Ok(connection) => connection,
            Err(error) => return refuse(group, error.into()),
        },
    };
    let mut failed = false;
    let mut parts = vec![group];
    while let Some(mut part) = parts.pop() {
        let new: Vec<&T> = part.iter().map(|asked| &asked.new).collect();
        match T::record(&mut connection, &new).await {
            Ok(recorded) => {
                for (asked, recorded) in part.into_iter().zip(recorded) {
                    let _ = asked.answer.send(Ok(recorded));
                }
            }
            Err(error) if part.len() > 1 && !error.is_transient() => {
                failed = true;
                let rest = part.split_off(part.len() / 2);
                parts.extend([rest, part]);
            }
            Err(error) => {
                failed = true;
                refuse(part, error);
            }
        }
    }
    if !failed {
        *kept = Some(connection);
    }
}

fn refuse<T: Grouped>(group: Vec<Asked<T>>, error: DbError) {
    let error = Arc::new(error);
    for asked in group {
        let _ = asked.answer.send(Err(error.clone()));
    }
}

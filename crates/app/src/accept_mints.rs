//! Group commit of mint requests: those that come in while a commit is on its way to the disk share
//! the next one. Each is answered only after the commit that holds it.
//!
//! The group is written by a task of its own, not by one of the requests: a request that is
//! cancelled leaves the others in peace. Nothing waits for company, so a lone request is as quick
//! as without groups, and under load the groups grow by themselves.

use crate::AppError;
use db::{
    Db, DbError,
    mint_jobs::requests::{self, NewMint, Recorded},
};
use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::oneshot, task::JoinSet, time::timeout};
use vocab::topic;

/// Requests in one commit.
const GROUP_MAX: usize = 256;
/// Commits on their way at once: one that hangs must not hold up all.
const WRITERS_MAX: usize = 2;
/// A commit that takes longer is given up; whether it happened is then not known. The database cuts
/// statements later than this, and requests end later too.
const WRITE_MAX: Duration = Duration::from_secs(20);

/// Topic and kind of what is told of each.
pub(crate) const FACT: (&str, &str) = (topic::MINTS, "mint_requested");

/// Where mint requests are handed in.
#[derive(Debug)]
pub(crate) struct MintDesk {
    shared: Arc<Shared>,
    /// Ends with the desk.
    writers: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Shared {
    db: Db,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// As long as there are requests that wait for an answer: the edge bounds those.
    waiting: VecDeque<Asked>,
    writers: usize,
}

#[derive(Debug)]
struct Asked {
    mint: NewMint,
    answer: oneshot::Sender<Result<Recorded, Arc<DbError>>>,
}

impl MintDesk {
    pub(crate) fn new(db: Db) -> Self {
        let shared = Shared { db, state: Mutex::default() };
        Self { shared: Arc::new(shared), writers: Mutex::default() }
    }

    /// Record a mint, in one commit with whatever else is asked for at this time. Dropped before
    /// its answer, the mint may be recorded or not, as with any commit.
    ///
    /// # Errors
    /// [`AppError::Group`] when the database fails, [`AppError::OutcomeUnknown`] when its answer
    /// did not come in time.
    pub(crate) async fn record(&self, mint: NewMint) -> Result<Recorded, AppError> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Asked { mint, answer });
        match answered.await {
            Ok(recorded) => recorded.map_err(AppError::Group),
            Err(_) => Err(AppError::OutcomeUnknown),
        }
    }

    fn enqueue(&self, asked: Asked) {
        let mut state = self.shared.state();
        state.waiting.push_back(asked);
        if state.writers == WRITERS_MAX {
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

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes groups until nothing waits.
struct Writer {
    shared: Arc<Shared>,
    done: bool,
}

impl Writer {
    async fn run(mut self) {
        while let Some(group) = self.next_group() {
            metrics::histogram!("mint_accept_group_size").record(group.len() as f64);
            // Given up, the group's senders are dropped, which tells its requests.
            if timeout(WRITE_MAX, write(&self.shared.db, group)).await.is_err() {
                tracing::error!("a commit of mint requests took too long; its outcome is unknown");
            }
        }
    }

    /// None when nothing waits: then this writer is no longer counted.
    fn next_group(&mut self) -> Option<Vec<Asked>> {
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
            if keys.insert(asked.mint.lock) {
                group.push(asked);
            } else {
                let _ = asked.answer.send(Ok(Recorded::Locked));
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

impl Drop for Writer {
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
async fn write(db: &Db, group: Vec<Asked>) {
    let mut connection = match db.acquire().await {
        Ok(connection) => connection,
        Err(error) => return refuse(group, error.into()),
    };
    let mut parts = vec![group];
    while let Some(mut part) = parts.pop() {
        let mints: Vec<&NewMint> = part.iter().map(|asked| &asked.mint).collect();
        match requests::record(&mut connection, FACT, &mints).await {
            Ok(recorded) => {
                for (asked, recorded) in part.into_iter().zip(recorded) {
                    let _ = asked.answer.send(Ok(recorded));
                }
            }
            Err(error) if part.len() > 1 && !error.is_transient() => {
                let rest = part.split_off(part.len() / 2);
                parts.extend([rest, part]);
            }
            Err(error) => refuse(part, error),
        }
    }
}

fn refuse(group: Vec<Asked>, error: DbError) {
    let error = Arc::new(error);
    for asked in group {
        let _ = asked.answer.send(Err(error.clone()));
    }
}

//! Named tasks that live and die together.
//!
//! ```text
//! spawn… ─► run ─┬─ asked to stop ──────────► token cancelled ─► drain until the deadline ─► Ended
//!                └─ a critical task ended ──► the same, and Ended says which and why
//! ```
//! A task that is not critical may end; when it fails, that is logged and counted, and the others
//! go on.

use std::{collections::BTreeMap, error::Error, future::Future, time::Duration};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// What a task may fail with.
pub type TaskError = Box<dyn Error + Send + Sync>;

/// What the end of a task means for the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// The process ends with it.
    Critical,
    /// The process goes on without it.
    Optional,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// The critical task that ended unasked, and its error if it had one.
    pub cause: Option<(&'static str, Option<TaskError>)>,
    /// Tasks that were cut because they were not done by the deadline.
    pub cut: Vec<&'static str>,
}

impl Ended {
    /// Asked for, and everybody came to an end in time.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.cause.is_none() && self.cut.is_empty()
    }
}

struct Task {
    name: &'static str,
    importance: Importance,
    abort: AbortHandle,
}

/// Spawns tasks and watches them. Dropped, it aborts them all.
pub struct Supervisor {
    tasks: JoinSet<Result<(), TaskError>>,
    known: BTreeMap<Id, Task>,
    token: CancellationToken,
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.known.values().map(|task| task.name)).finish()
    }
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::new(CancellationToken::new())
    }
}

impl Supervisor {
    /// A supervisor whose tasks are told to stop by `token`.
    #[must_use]
    pub fn new(token: CancellationToken) -> Self {
        Self { tasks: JoinSet::new(), known: BTreeMap::new(), token }
    }

    /// Cancelled when the tasks shall stop taking new work, finish what they hold, and return.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Start a task. `name` is for logs and metrics.
    pub fn spawn<F>(&mut self, name: &'static str, importance: Importance, task: F)
    where
        F: Future<Output = Result<(), TaskError>> + Send + 'static,
    {
        let abort = self.tasks.spawn(task);
        self.known.insert(abort.id(), Task { name, importance, abort });
    }

    /// Run until `stop` completes, the token is cancelled or a critical task ends; then cancel the
    /// token, give the tasks `drain` to return, and cut the rest.
    pub async fn run(mut self, stop: impl Future<Output = ()>, drain: Duration) -> Ended {
        tokio::pin!(stop);
        let token = self.token.clone();
        let cause = loop {
            tokio::select! {
                () = &mut stop => break None,
                () = token.cancelled() => break None,
                ended = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => {
                    if let Some(cause) = ended.and_then(|ended| self.note(ended, true)) {
                        break Some(cause);
                    }
                }
            }
        };
        self.token.cancel();
        let cut = self.drain(drain).await;
        Ended { cause, cut }
    }

    async fn drain(&mut self, drain: Duration) -> Vec<&'static str> {
        let all = async {
            while let Some(ended) = self.tasks.join_next_with_id().await {
                self.note(ended, false);
            }
        };
        if tokio::time::timeout(drain, all).await.is_ok() {
            return Vec::new();
        }
        let cut: Vec<_> = self.known.values().map(|task| task.name).collect();
        tracing::warn!(tasks = ?cut, "tasks did not stop in time and are cut");
        for task in self.known.values() {
            task.abort.abort();
        }
        while self.tasks.join_next().await.is_some() {}
        cut
    }

    /// Says what ended. Gives the cause of the process's end if it is one.
    fn note(
        &mut self,
        ended: Result<(Id, Result<(), TaskError>), JoinError>,
        running: bool,
    ) -> Option<(&'static str, Option<TaskError>)> {
        let (id, error) = match ended {
            Ok((id, outcome)) => (id, outcome.err()),
            Err(panicked) => (panicked.id(), Some(TaskError::from(panicked))),
        };
        let Task { name, importance, .. } = self.known.remove(&id)?;
        if let Some(error) = &error {
            metrics::counter!("task_failures_total", "task" => name).increment(1);
            tracing::error!(task = name, error = error.as_ref() as &dyn Error, "a task failed");
        } else {
            tracing::debug!(task = name, "a task ended");
        }
        (running && importance == Importance::Critical).then_some((name, error))
    }
}

#[cfg(test)]
mod tests;

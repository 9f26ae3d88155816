//! Pages of the index from a copy of the database, so that those who only look leave the primary to
//! those who act.
//!
//! A copy is behind by a little, and nobody can tell from it by how much. So it is asked only when
//! it has the very state of the index that the primary was last seen in, and nothing has been told
//! since that somebody could hold against it: after each change that this process hears of, tells
//! of or makes ([`Changes`]), the primary is asked first. Decisions of value never come here.

use db::{Db, DbError, PgTransaction, checkpoints, checkpoints::Checkpoint};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, timeout};
use vocab::ChainId;

/// A copy that takes longer is no help.
const PATIENCE: Duration = Duration::from_millis(250);
/// After it did not answer.
const AWAY: Duration = Duration::from_secs(1);
/// After it was found behind.
const BEHIND: Duration = Duration::from_millis(20);

/// How often something has changed that public reads show, as far as this process knows. Cheap to
/// clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Changes(Arc<AtomicU64>);

impl Changes {
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// What was read before is out of date. Gives the new count.
    pub fn note(&self) -> u64 {
        self.0.fetch_add(1, Ordering::AcqRel) + 1
    }
}

/// A copy of the database, and what is known of the primary.
#[derive(Debug)]
pub struct Replica {
    db: Db,
    changes: Changes,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Of the primary, after so many changes.
    seen: HashMap<ChainId, (u64, Option<Checkpoint>)>,
    rests_until: Option<Instant>,
}

impl Replica {
    /// # Errors
    /// [`DbError`] when `url` is none. Whether anything answers there is seen later.
    pub fn new(url: &str, connections_max: u32, changes: Changes) -> Result<Self, DbError> {
        let db = db::connect_copy(url, connections_max, PATIENCE)?;
        Ok(Self { db, changes, state: Mutex::default() })
    }

    /// What the primary said, asked after so many changes.
    pub(crate) fn saw(&self, chain: ChainId, changes: u64, found: Option<Checkpoint>) {
        let mut state = self.state();
        let seen = state.seen.entry(chain).or_default();
        if seen.0 <= changes {
            *seen = (changes, found);
        }
    }

    /// A view of the copy, if it shows what the primary would.
    pub(crate) async fn view(
        &self,
        chain: ChainId,
    ) -> Option<(PgTransaction<'static>, Option<Checkpoint>)> {
        let wanted = self.wanted(chain)?;
        let look = async {
            let mut view = db::begin_view(&self.db).await?;
            let found = checkpoints::load(&mut view, chain).await?;
            Ok::<_, DbError>((view, found))
        };
        let rest = match timeout(PATIENCE, look).await {
            Ok(Ok((view, found))) if found == wanted => {
                count("copy");
                return Some((view, found));
            }
            Ok(Ok(_)) => {
                count("behind");
                BEHIND
            }
            Ok(Err(error)) => {
                count("away");
                tracing::warn!(error = &error as &dyn std::error::Error, "the replica is away");
                AWAY
            }
            Err(_) => {
                count("away");
                tracing::warn!("the replica does not answer in time");
                AWAY
            }
        };
        self.state().rests_until = Some(Instant::now() + rest);
        None
    }

    /// What it must show to be asked; none when it is not to be asked now.
    fn wanted(&self, chain: ChainId) -> Option<Option<Checkpoint>> {
        let state = self.state();
        if state.rests_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let (changes, found) = state.seen.get(&chain)?;
        (*changes == self.changes.count()).then(|| found.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(how: &'static str) {
    metrics::counter!("db_replica_views_total", "how" => how).increment(1);
}

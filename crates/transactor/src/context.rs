//! What lanes share.

use crate::{
    Config,
    breaker::Breakers,
    moves::{Move, MoveError, Told, record_moves},
    pulse::Pulse,
    share::{Loads, Looks},
};
use db::{Db, PgConnection};
use journal::NewFact;
use std::{
    collections::HashSet,
    num::NonZero,
    sync::{Mutex, PoisonError},
    thread::available_parallelism,
};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use uuid::Uuid;
use vocab::ChainId;

/// Alerts that wait.
const ALERTS_MAX: usize = 100;

/// Fewest and most database connections of all lanes of a chain; between them one for two
/// processors. So few, because what lanes do there is bounded by processors: many at once wait for
/// each other's locks and end together and late, instead of one after the other, and requests that
/// wait for an answer find all processors taken. No lane holds two.
const CONNECTIONS_MIN: usize = 2;
const CONNECTIONS_MAX: usize = 8;

/// How many lanes take jobs at the same time, from the claim until their nonces are theirs. The
/// others wait, so that the first ones' transactions leave for the next block instead of all for
/// the one after it. More than one, because the node that simulates may be far away.
const TAKING_MAX: u32 = 4;

pub(crate) struct Context {
    pub config: Config,
    /// The database for lanes.
    pub lanes: Db,
    taking: Semaphore,
    pub pulse: watch::Receiver<Option<Pulse>>,
    pub loads: Loads,
    pub looks: Looks,
    pub breakers: Breakers,
    /// Facts that wait for a lane's next commit.
    alerts: Mutex<Vec<NewFact>>,
}

impl Context {
    pub fn new(config: Config, pulse: watch::Receiver<Option<Pulse>>) -> Self {
        let breakers = Breakers::new(config.options.kind_failures_max, config.options.kind_pause);
        let lanes = db::apart(&config.db, connections());
        Self {
            config,
            lanes,
            taking: Semaphore::new(TAKING_MAX as usize),
            pulse,
            loads: Loads::default(),
            looks: Looks::default(),
            breakers,
            alerts: Mutex::default(),
        }
    }

    /// A lane's turn to take jobs; held until their nonces are its own. While jobs still come in
    /// fast, one lane takes some at a time, since accepting goes first. None: never, as it is never
    /// closed.
    pub async fn may_take(&self, rush: bool) -> Option<SemaphorePermit<'_>> {
        self.taking.acquire_many(if rush { TAKING_MAX } else { 1 }).await.ok()
    }

    pub fn chain_id(&self) -> ChainId {
        self.config.chain.id
    }

    /// Tell it with a lane's next look at its nonces. Alerts are few; of a flood some are dropped.
    pub fn alert(&self, fact: NewFact) {
        let mut alerts = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        if alerts.len() < ALERTS_MAX {
            alerts.push(fact);
        }
    }

    pub fn take_alerts(&self) -> Vec<NewFact> {
        std::mem::take(&mut *self.alerts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn told(&self) -> Told<'_> {
        Told { chain: self.chain_id(), outcomes: &*self.config.outcomes }
    }

    /// See [`record_moves`].
    pub async fn record_moves(
        &self,
        db: &mut PgConnection,
        moves: &[Move],
    ) -> Result<HashSet<Uuid>, MoveError> {
        record_moves(self.told(), db, moves).await
    }
}

/// How many connections all lanes of a chain share.
fn connections() -> u32 {
    let processors = available_parallelism().map_or(CONNECTIONS_MIN, NonZero::get);
    u32::try_from((processors / 2).clamp(CONNECTIONS_MIN, CONNECTIONS_MAX)).unwrap_or(2)
}

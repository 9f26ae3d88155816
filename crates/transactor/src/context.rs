//! What lanes share.

use crate::{
    Config,
    breaker::Breakers,
    gate::Gate,
    moves::{Move, MoveError, Told, record_moves},
    pulse::Pulse,
    share::{Loads, Looks},
};
use db::{Db, PgConnection};
use journal::NewFact;
use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};
use tokio::sync::watch;
use uuid::Uuid;
use vocab::ChainId;

/// Alerts that wait.
const ALERTS_MAX: usize = 100;

pub(crate) struct Context {
    pub config: Config,
    /// The database for lanes.
    pub lanes: Db,
    /// A lane's turn to take jobs.
    pub gate: Gate,
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
        let lanes = db::apart(&config.db, config.options.lane_connections());
        Self {
            config,
            lanes,
            gate: Gate::default(),
            pulse,
            loads: Loads::default(),
            looks: Looks::default(),
            breakers,
            alerts: Mutex::default(),
        }
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

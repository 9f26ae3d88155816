//! What lanes share.

use crate::{
    Config,
    breaker::Breakers,
    moves::{Move, MoveError, Told, record_moves},
    pulse::Pulse,
    share::Loads,
};
use db::PgConnection;
use std::collections::HashSet;
use tokio::sync::watch;
use uuid::Uuid;
use vocab::ChainId;

pub(crate) struct Context {
    pub config: Config,
    pub pulse: watch::Receiver<Option<Pulse>>,
    pub loads: Loads,
    pub breakers: Breakers,
}

impl Context {
    pub fn new(config: Config, pulse: watch::Receiver<Option<Pulse>>) -> Self {
        let breakers = Breakers::new(config.options.kind_failures_max);
        Self { config, pulse, loads: Loads::default(), breakers }
    }

    pub fn chain_id(&self) -> ChainId {
        self.config.chain.id
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

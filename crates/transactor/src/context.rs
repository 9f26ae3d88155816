//! What lanes share.

use crate::{
    Config,
    moves::{Move, MoveError, Told, record_moves},
    pulse::Pulse,
};
use db::PgConnection;
use std::collections::HashSet;
use tokio::sync::watch;
use uuid::Uuid;
use vocab::ChainId;

pub(crate) struct Context {
    pub config: Config,
    pub pulse: watch::Receiver<Option<Pulse>>,
}

impl Context {
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

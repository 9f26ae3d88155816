//! May this process take requests?

use crate::{App, AppError};
use db::collections_reads;
use std::time::Duration;
use tokio::time::timeout;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How far the index of one chain is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReadiness {
    pub chain_id: u64,
    /// None before the first block was indexed.
    pub height: Option<i64>,
    pub head: Option<i64>,
    pub live: bool,
    pub ready: bool,
}

/// What a probe finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    pub database: bool,
    pub chains: Vec<ChainReadiness>,
}

impl Readiness {
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.database && self.chains.iter().all(|chain| chain.ready)
    }
}

impl App {
    /// Look at the database and the index. Never fails: what can't be reached is not ready.
    pub async fn check_readiness(&self) -> Readiness {
        match timeout(PATIENCE, self.chains_readiness()).await {
            Ok(Ok(chains)) => Readiness { database: true, chains },
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
                Readiness { database: false, chains: Vec::new() }
            }
            Err(_) => {
                tracing::warn!("not ready: the database does not answer");
                Readiness { database: false, chains: Vec::new() }
            }
        }
    }

    async fn chains_readiness(&self) -> Result<Vec<ChainReadiness>, AppError> {
        let mut db = self.connection().await?;
        let mut found = Vec::new();
        for chain in &self.config().chains {
            let state = collections_reads::load_index_state(&mut db, chain.chain_id).await?;
            let ready = state.as_ref().is_some_and(|index| {
                let lag = index.head.saturating_sub(index.height);
                index.live && lag <= chain.index_lag_max.cast_signed()
            });
            found.push(ChainReadiness {
                chain_id: chain.chain_id.0,
                height: state.as_ref().map(|index| index.height),
                head: state.as_ref().map(|index| index.head),
                live: state.as_ref().is_some_and(|index| index.live),
                ready,
            });
        }
        Ok(found)
    }
}

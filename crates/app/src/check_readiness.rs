//! May this process take requests?

use crate::{App, AppError};
use db::collections_reads::{self, IndexState};
use futures_util::future::join_all;
use std::time::Duration;
use tokio::time::timeout;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How far the index of one chain is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReadiness {
    pub chain_id: u64,
    /// None before the first block was indexed.
    pub height: Option<u64>,
    /// Head of the chain as its nodes tell it, not as the index knows it: a stalled index knows no
    /// new head. None when no node has answered for 10 s.
    pub head: Option<u64>,
    /// Blocks that the index may be behind.
    pub lag_max: u64,
    /// False when the indexer has stopped and waits for an operator.
    pub live: bool,
    /// Nothing is sent to it: what is wrong with it keeps nobody from the other chains.
    pub read_only: bool,
}

impl ChainReadiness {
    /// Blocks that the index is behind; none while either end is not known.
    #[must_use]
    pub fn lag(&self) -> Option<u64> {
        Some(self.head?.saturating_sub(self.height?))
    }

    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.live && self.lag().is_some_and(|lag| lag <= self.lag_max)
    }
}

/// What a probe finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    pub database: bool,
    /// Empty when the database does not answer.
    pub chains: Vec<ChainReadiness>,
}

impl Readiness {
    /// A further chain that is only read does not count: its nodes may be away for hours, and the
    /// server has answers for the others all the while.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let mut needed = self.chains.iter().filter(|chain| !chain.read_only);
        self.database && needed.all(ChainReadiness::is_ready)
    }
}

impl App {
    /// Look at the database, the index and the nodes, within two seconds. Never fails: what can't
    /// be reached is not ready.
    pub async fn check_readiness(&self) -> Readiness {
        let chains = &self.config().chains;
        let nodes = self.0.heads.iter().zip(chains).map(|(head, chain)| head.load(&chain.nodes));
        let (states, heads) = tokio::join!(timeout(PATIENCE, self.index_states()), join_all(nodes));
        let states = match states {
            Ok(Ok(states)) => states,
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
                return Readiness { database: false, chains: Vec::new() };
            }
            Err(_) => {
                tracing::warn!("not ready: the database does not answer");
                return Readiness { database: false, chains: Vec::new() };
            }
        };
        let found =
            chains.iter().zip(states).zip(heads).map(|((chain, state), head)| ChainReadiness {
                chain_id: chain.chain_id.0,
                height: state.as_ref().map(|index| index.height.unsigned_abs()),
                head,
                lag_max: chain.index_lag_max,
                live: state.as_ref().is_none_or(|index| index.live),
                read_only: chain.writes.is_none(),
            });
        Readiness { database: true, chains: found.collect() }
    }

    async fn index_states(&self) -> Result<Vec<Option<IndexState>>, AppError> {
        let mut db = self.connection().await?;
        let mut found = Vec::new();
        for chain in &self.config().chains {
            found.push(collections_reads::load_index_state(&mut db, chain.chain_id).await?);
        }
        Ok(found)
    }
}

//! One chain of the file: its nodes, how they are read, and when its blocks count as settled.

use super::SourceSettings;
use chain::{EndpointConfiguration, PoolConfiguration, PoolOptions};
use projections::Source;
use std::time::Duration;
use vocab::{ChainId, Finality};

/// The engine's own chain (`[chain]` and the tables beside it), or a further one (`[[chains]]`).
#[derive(Clone, Debug)]
pub(crate) struct ChainConfiguration {
    /// Of a further chain always there; none: whatever the endpoints say.
    pub id: Option<u64>,
    /// For people.
    pub name: Option<String>,
    pub block_time: Duration,
    pub finality: Finality,
    /// Blocks that the index may be behind while the server counts as ready.
    pub index_lag_max: u64,
    /// None: the node that the development server starts, or those of `--rpc`.
    pub endpoints: Vec<EndpointConfiguration>,
    pub pool: PoolOptions,
    pub indexer: indexer::IndexerOptions,
    /// Contracts of others whose logs are recorded.
    pub sources: Vec<SourceSettings>,
}

impl Default for ChainConfiguration {
    /// Of a development server.
    fn default() -> Self {
        Self {
            id: None,
            name: None,
            block_time: Duration::from_secs(1),
            finality: Finality::default(),
            index_lag_max: 10,
            endpoints: Vec::new(),
            pool: PoolOptions::default(),
            indexer: indexer::IndexerOptions::default(),
            sources: Vec::new(),
        }
    }
}

impl ChainConfiguration {
    /// What another chain is as long as nothing is said of it: all but who it is, where its nodes
    /// are, and what is followed on it.
    pub(super) fn heir(&self) -> Self {
        Self {
            block_time: self.block_time,
            finality: self.finality,
            index_lag_max: self.index_lag_max,
            pool: self.pool.clone(),
            indexer: self.indexer,
            ..Self::default()
        }
    }

    pub(crate) fn chain_id(&self) -> Option<ChainId> {
        self.id.map(ChainId)
    }

    /// What people call it.
    pub(crate) fn title(&self) -> String {
        match (&self.name, self.id) {
            (Some(name), Some(id)) => format!("chain {id} ({name})"),
            (None, Some(id)) => format!("chain {id}"),
            (Some(name), None) => format!("chain {name}"),
            (None, None) => "the chain of [[endpoints]]".to_owned(),
        }
    }

    /// The endpoints, if any are named.
    pub(crate) fn pool_configuration(&self) -> Option<PoolConfiguration> {
        let endpoints = self.endpoints.clone();
        (!endpoints.is_empty()).then_some(PoolConfiguration { endpoints, relay: None })
    }

    /// The contracts of others, as the index takes them.
    pub(crate) fn index_sources(&self) -> Vec<Source> {
        self.sources.iter().filter_map(|source| source.read().ok()).flatten().collect()
    }

    /// The first block that the index has to read, when what is ours begins with `first`.
    pub(crate) fn start_block(&self, first: u64) -> u64 {
        self.sources.iter().map(|source| source.start_block).fold(first, u64::min).max(1)
    }
}

//! One EVM chain as we see it: its endpoints, how far each can be trusted, and what they answer.
//! The transactor and the indexer share it. Which headers are canonical is not decided here but by
//! the indexer's commits (`db::blocks`).

mod ask;
mod endpoint;
mod error;
mod health;
mod methods;
mod pool;
mod types;

pub use ask::{Asked, Question};
pub use endpoint::{Endpoint, EndpointOptions, Large, install_tls};
pub use error::RpcError;
pub use health::Rate;
pub use methods::{CallRequest, LogFilter};
pub use pool::{
    Agreement, ConfigurationError, EndpointConfiguration, Pool, PoolConfiguration, PoolOptions,
    Reads, Relay, RelayConfiguration, Said, State,
};
pub use types::{BlockReceipt, FeeHistory, Header, Log, Receipt};

use vocab::{ChainId, Finality};

/// What configuration says about a chain.
#[derive(Clone)]
pub struct Chain {
    pub id: ChainId,
    /// In order of preference. Clones of a chain share what is known of them.
    pub endpoints: Pool,
    /// WebSocket addresses that tell of new heads; secret past their hosts.
    pub ws_urls: Vec<String>,
    pub finality: Finality,
    /// Expected time between blocks: sets how often heads are polled.
    pub block_time: std::time::Duration,
}

impl std::fmt::Debug for Chain {
    /// Without the addresses.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Chain {
    /// The endpoint that is best now, for a caller that needs several answers of one node. It has
    /// no failover: see [`Self::read`].
    ///
    /// # Panics
    /// Never for a chain made by configuration, which refuses an empty list.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        self.endpoints.best().expect("invariant: a chain has an endpoint")
    }

    /// Reads that are answered by whichever endpoint can.
    #[must_use]
    pub fn read(&self) -> Reads<'_> {
        Reads(self)
    }

    /// The head that the endpoints agree on, as last heard by the watcher or a reader; none when
    /// nobody has told one in the last half minute. Asks nobody.
    #[must_use]
    pub fn best_head(&self) -> Option<u64> {
        self.endpoints.best_head()
    }
}

//! One EVM chain as we see it: its endpoints and what they answer. The transactor and the indexer
//! share it. Which headers are canonical is not decided here but by the indexer's commits
//! (`db::blocks`).

mod endpoint;
mod error;
mod methods;
mod types;

pub use endpoint::{Endpoint, EndpointOptions, install_tls};
pub use error::RpcError;
pub use methods::{CallRequest, LogFilter};
pub use types::{FeeHistory, Header, Log, Receipt};

use std::sync::Arc;
use vocab::{ChainId, Finality};

/// What configuration says about a chain.
#[derive(Clone, Debug)]
pub struct Chain {
    pub id: ChainId,
    /// The first is asked; all are sent to.
    pub endpoints: Arc<[Endpoint]>,
    /// WebSocket address for new heads, if the chain has one.
    pub ws_url: Option<String>,
    pub finality: Finality,
    /// Expected time between blocks: sets how often heads are polled.
    pub block_time: std::time::Duration,
}

impl Chain {
    /// The endpoint that answers reads.
    ///
    /// # Panics
    /// Never for a chain made by configuration, which refuses an empty list.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        self.endpoints.first().expect("invariant: a chain has an endpoint")
    }
}

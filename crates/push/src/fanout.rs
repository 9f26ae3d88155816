//! One node reads the numbered log for all: it passes facts on in a Redis Stream, and the others
//! read them there.
//!
//! Redis is believed in nothing that matters: what stands there is sealed ([`seal`]), and each node
//! knows by itself which number of a topic comes next ([`journal::Tail`]): what it has is dropped,
//! and where something is missing, or heads differ in any way, it looks into the database. So Redis
//! may lose what it likes, or come back empty or old. The node that leads says several times a
//! second where the log stands; when that stops, all read the database themselves until it is heard
//! again.
//!
//! Who leads is decided in Redis, by the same script that publishes: whoever can't reach Redis, or
//! has not reached the database for a while, does not.

mod desk;
mod lead;
mod listen;
mod seal;
mod wire;

pub(crate) use desk::{Desk, Role};
pub(crate) use wire::{Told, encode};

use db::{Db, DbError};
use redis::{AsyncConnectionConfig, Client, RedisError, aio::MultiplexedConnection};
use seal::Seal;
use std::{fmt, time::Duration};
use uuid::Uuid;

/// Between two words of the node that leads.
const BEAT: Duration = Duration::from_millis(150);
/// When nothing was heard for so long, nobody leads.
pub(crate) const SILENCE_MAX: Duration = Duration::from_millis(750);
/// How long a node that died keeps others from leading.
const HOLD: Duration = Duration::from_millis(1_000);
/// Who has not read the database for so long does not lead.
const STALE: Duration = Duration::from_millis(1_000);
/// For connecting, and for each answer.
const ANSWER: Duration = Duration::from_millis(500);
/// After trouble with Redis.
const PAUSE: Duration = Duration::from_millis(500);

/// The address of a Redis that can't be, or a database that does not say its name.
#[derive(Debug, thiserror::Error)]
pub enum FanoutError {
    #[error(
        "not the address of a Redis: redis://[:PASSWORD@]HOST[:PORT][/DB] or redis+unix:///PATH"
    )]
    BadUrl,
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A Redis through which the nodes of one log tell each other of facts.
pub struct Fanout {
    client: Client,
    /// Of this node.
    node: Uuid,
    /// Who leads.
    leader: String,
    stream: String,
    seal: Seal,
}

impl fmt::Debug for Fanout {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fanout").field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl Fanout {
    /// Nothing is connected before it is needed. Nodes meet there when they have the same database,
    /// and understand each other when they have the same key.
    ///
    /// # Errors
    /// [`FanoutError`]
    pub async fn open(url: &str, db: &Db, key: &[u8; 32]) -> Result<Self, FanoutError> {
        let client = Client::open(url).map_err(|_| FanoutError::BadUrl)?;
        let mut connection = db.acquire().await.map_err(DbError::from)?;
        let log = journal::load_log_name(&mut connection).await?;
        // In braces: both keys are on one node of a cluster. The number is that of the format.
        let place = |name: &str| format!("stoa:facts:1:{{{log}}}:{name}");
        let (leader, stream) = (place("leader"), place("stream"));
        Ok(Self { client, node: Uuid::now_v7(), leader, stream, seal: Seal::new(key, &log) })
    }

    /// `patience`: for each answer; none where answers are waited for on purpose.
    async fn connect(
        &self,
        patience: Option<Duration>,
    ) -> Result<MultiplexedConnection, RedisError> {
        let configuration = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER))
            .set_response_timeout(patience);
        self.client.get_multiplexed_async_connection_with_config(&configuration).await
    }
}

//! Reading what another node publishes.

use super::{
    ANSWER, BEAT, Fanout, PAUSE,
    desk::{Desk, Role},
    wire,
};
use redis::{RedisError, aio::MultiplexedConnection};
use std::{convert::Infallible, io, time::Duration};
use tokio::time::{sleep, timeout};

/// How long Redis may wait for an entry: longer than a word of the leader takes.
const BLOCK: Duration = BEAT.saturating_mul(3);
/// Entries read at a time.
const AT_ONCE: usize = 32;

/// Ids and fields with their values, of one stream or of each of several.
type Entries = Vec<(String, Vec<Vec<u8>>)>;
type Streams = Option<Vec<(String, Entries)>>;

impl Fanout {
    /// Hand over what others publish, while this node follows.
    pub(crate) async fn listen(&self, desk: &Desk) {
        let mut role = desk.role();
        loop {
            if role.wait_for(|role| *role == Role::Following).await.is_err() {
                return;
            }
            let over = async { role.wait_for(|role| *role != Role::Following).await.is_ok() };
            let is_over = tokio::select! {
                is_over = over => is_over,
                // What is wrong is said where this node tries to lead.
                Err(_) = self.hear(desk) => false,
            };
            if !is_over {
                sleep(PAUSE).await;
            }
        }
    }

    async fn hear(&self, desk: &Desk) -> Result<Infallible, RedisError> {
        // A connection of its own: nothing else can be asked while it waits.
        let mut connection = self.connect(None).await?;
        let mut last = self.last(&mut connection).await?;
        loop {
            let mut read = redis::cmd("XREAD");
            read.arg("COUNT").arg(AT_ONCE).arg("BLOCK").arg(BLOCK.as_millis().to_string());
            read.arg("STREAMS").arg(&self.stream).arg(&last);
            let answer = timeout(BLOCK + ANSWER, read.query_async::<Streams>(&mut connection));
            let streams = answer.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            let Some(streams) = streams else {
                // Silence. Or another stream stands there, whose ids begin below.
                last = self.last(&mut connection).await?;
                continue;
            };
            for (id, fields) in streams.into_iter().flat_map(|(_, entries)| entries) {
                last = id;
                // Full: it waits. Gone: so is this loop.
                let text = fields.last().and_then(|field| self.seal.open(field));
                let _ = desk.told.send(wire::parse(text)).await;
            }
        }
    }

    /// The id of the newest entry.
    async fn last(&self, connection: &mut MultiplexedConnection) -> Result<String, RedisError> {
        let mut newest = redis::cmd("XREVRANGE");
        newest.arg(&self.stream).arg("+").arg("-").arg("COUNT").arg(1);
        let entries = timeout(ANSWER, newest.query_async::<Entries>(connection)).await;
        let entries = entries.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        Ok(entries.into_iter().next().map_or_else(|| "0-0".to_owned(), |(id, _)| id))
    }
}

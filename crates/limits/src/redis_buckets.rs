//! Buckets that all processes share, in Redis.

use crate::bucket::{Charged, Quota};
use redis::{
    Client, RedisError, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use std::{
    fmt,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// A charge waits no longer for its answer, usually; then this process's buckets count.
const ANSWER: Duration = Duration::from_millis(50);
const CONNECT: Duration = Duration::from_millis(250);
/// After trouble, nobody asks for so long.
const PAUSE: Duration = Duration::from_secs(1);
/// Keys begin with it.
const PREFIX: &str = "stoa:limit:";

static CHARGE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("charge.lua")));

/// The address of a Redis that can't be.
#[derive(Debug, thiserror::Error)]
#[error("not the address of a Redis: redis://[:PASSWORD@]HOST[:PORT][/DB] or redis+unix:///PATH")]
pub struct BadUrl;

/// A Redis that may vanish at any moment.
pub struct RedisBuckets {
    connection: ConnectionManager,
    /// How long a charge waits.
    answer: Duration,
    start: Instant,
    /// Not asked before this many milliseconds after the start; 0 while all is well.
    down_until: AtomicU64,
}

impl fmt::Debug for RedisBuckets {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuckets").field("down_until", &self.down_until).finish_non_exhaustive()
    }
}

impl RedisBuckets {
    /// Can this be the address of a Redis?
    #[must_use]
    pub fn is_address(url: &str) -> bool {
        Client::open(url).is_ok()
    }

    /// Nothing is connected before it is needed. To be called in a runtime.
    ///
    /// # Errors
    /// [`BadUrl`]
    pub fn new(url: &str) -> Result<Self, BadUrl> {
        Self::waiting(url, ANSWER)
    }

    /// The same, with another patience than usual.
    ///
    /// # Errors
    /// [`BadUrl`]
    pub fn waiting(url: &str, answer: Duration) -> Result<Self, BadUrl> {
        let client = Client::open(url).map_err(|_| BadUrl)?;
        let configuration = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT.max(answer)))
            .set_response_timeout(Some(answer))
            // The next charge after the pause tries again.
            .set_number_of_retries(0);
        let connection =
            ConnectionManager::new_lazy_with_config(client, configuration).map_err(|_| BadUrl)?;
        let (start, down_until) = (Instant::now(), AtomicU64::new(0));
        Ok(Self { connection, answer, start, down_until })
    }

    /// None while Redis does not answer.
    pub(crate) async fn charge(&self, subject: &str, quota: Quota, cost: u32) -> Option<Charged> {
        let until = self.down_until.load(Ordering::Relaxed);
        if until > 0 && !self.is_my_turn(until) {
            return None;
        }
        // The first answer of a connection takes the time to connect, too.
        match timeout(CONNECT.max(self.answer) + self.answer, self.ask(subject, quota, cost)).await
        {
            Ok(Ok(charged)) => {
                if self.down_until.swap(0, Ordering::Relaxed) > 0 {
                    tracing::info!("limits are shared through Redis again");
                }
                metrics::gauge!("limits_redis_up").set(1.0);
                Some(charged)
            }
            Ok(Err(error)) => self.give_up(until, error.category().to_owned()),
            Err(_) => self.give_up(until, "no answer in time".to_owned()),
        }
    }

    async fn ask(&self, subject: &str, quota: Quota, cost: u32) -> Result<Charged, RedisError> {
        let (allowed, full_in): (bool, u64) = CHARGE
            .key(format!("{PREFIX}{subject}"))
            .arg(quota.interval())
            .arg(quota.depth())
            .arg(quota.fitting(cost))
            .invoke_async(&mut self.connection.clone())
            .await?;
        Ok(Charged { allowed, full_in })
    }

    /// After trouble one caller a second tries, and the others go on without.
    fn is_my_turn(&self, until: u64) -> bool {
        let now = self.millis();
        let next = now + millis(PAUSE);
        now >= until
            && self
                .down_until
                .compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    fn give_up(&self, before: u64, why: String) -> Option<Charged> {
        self.down_until.store(self.millis() + millis(PAUSE), Ordering::Relaxed);
        if before == 0 {
            tracing::warn!(why, "Redis does not answer: limits are those of this process alone");
        }
        metrics::gauge!("limits_redis_up").set(0.0);
        metrics::counter!("limits_redis_failures_total").increment(1);
        None
    }

    fn millis(&self) -> u64 {
        // 0 is for "all is well".
        millis(self.start.elapsed()).max(1)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 2)
}

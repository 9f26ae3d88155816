//! What a Redis says of itself, for whoever looks after it.

use crate::redis_buckets::BadUrl;
use redis::Client;
use std::time::{Duration, Instant};

/// How a Redis stands.
#[derive(Clone, Debug)]
pub struct RedisReport {
    pub version: String,
    /// What it forgets when its memory is full.
    pub eviction: String,
    /// Bytes that it may hold; 0: no bound.
    pub memory_max: u64,
    /// The slowest of a few answers.
    pub latency: Duration,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// By the kind of trouble only: what a server answers may quote what it was sent.
    #[error("{0}")]
    Trouble(String),
}

/// Answers that are timed.
const PINGS: usize = 5;

/// Ask a Redis how it stands. Takes as long as that takes: the caller sets the limit.
///
/// # Errors
/// [`ReportError`]
pub async fn inspect_redis(url: &str) -> Result<RedisReport, ReportError> {
    let trouble = |error: redis::RedisError| ReportError::Trouble(error.category().to_owned());
    let client = Client::open(url).map_err(|_| BadUrl)?;
    let mut connection = client.get_multiplexed_async_connection().await.map_err(trouble)?;
    let mut latency = Duration::ZERO;
    for _ in 0..PINGS {
        let asked = Instant::now();
        let () = redis::cmd("PING").query_async(&mut connection).await.map_err(trouble)?;
        latency = latency.max(asked.elapsed());
    }
    let info: String = redis::cmd("INFO").query_async(&mut connection).await.map_err(trouble)?;
    let field = |name: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| value.trim().to_owned()).unwrap_or_default()
    };
    Ok(RedisReport {
        version: field("redis_version"),
        eviction: field("maxmemory_policy"),
        memory_max: field("maxmemory").parse().unwrap_or_default(),
        latency,
    })
}

//! How much one caller may ask for: token buckets by address, wallet and key.
//!
//! ```text
//! charge(kind, subject, cost) ─► Redis, if there is one: one script, one clock for all processes
//!                                  │ no answer within 50 ms: not asked for a second
//!                                  ▼
//!                                buckets of this process
//! ```
//! Both keep the same bucket by the same rule ([GCRA]): one number per subject, the moment at which
//! the bucket is full again. What is lost with Redis is at worst one bucketful per process.
//! Nothing here knows HTTP, nor what anything costs.
//!
//! [GCRA]: https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm

mod bucket;
mod limiter;
mod memory_buckets;
mod redis_buckets;
mod redis_report;

pub use bucket::Quota;
pub use limiter::{Kind, Limiter, Options, Standing};
pub use redis_buckets::{BadUrl, RedisBuckets};
pub use redis_report::{RedisReport, ReportError, inspect_redis};

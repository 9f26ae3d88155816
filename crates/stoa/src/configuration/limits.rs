//! `[limits]` and `[redis]`: how much one caller may ask for, and where that is counted.

use super::{
    Settings,
    option::{
        Kind::{Millis, Redis, Whole},
        Opt, option,
    },
};
use ::limits::{Limiter, RedisBuckets};
use anyhow::Result;

const DAY: u64 = 86_400_000;
const UNITS: u64 = 1_000_000_000;

pub(super) fn limits() -> Vec<Opt<Settings>> {
    vec![
        option!("ip_units", Whole(0, UNITS),
            "units of one address at once, of requests without key or token; of IPv6, of its /64 \
             network; 0: no limit",
            s => s.limits.ip.units),
        option!("ip_ms", Millis(1_000, DAY), "time in which they come back",
            s => s.limits.ip.window),
        option!("wallet_units", Whole(0, UNITS),
            "units of one wallet that is signed in; 0: no limit",
            s => s.limits.wallet.units),
        option!("wallet_ms", Millis(1_000, DAY), "time in which they come back",
            s => s.limits.wallet.window),
        option!("key_units", Whole(0, UNITS), "units of one API key; 0: no limit",
            s => s.limits.key.units),
        option!("key_ms", Millis(1_000, DAY), "time in which they come back",
            s => s.limits.key.window),
        option!("subjects_max", Whole(1_000, 100_000_000),
            "callers that are counted in memory; beyond, whoever was not seen for the longest is \
             forgotten",
            s => s.limits.subjects_max),
    ]
}

pub(super) fn redis() -> Vec<Opt<Settings>> {
    vec![option!("url", Redis,
        "where limits are counted for all processes together, and facts pass from one node to the \
         others; secret past its host",
        s => s.redis_url)]
}

impl Settings {
    /// Counts in Redis if there is one, else in memory.
    ///
    /// # Errors
    /// When the address of Redis is none, which reading the file rules out.
    pub(crate) fn limiter(&self) -> Result<Limiter> {
        let redis = self.redis_url.expose().map(RedisBuckets::new).transpose()?;
        Ok(Limiter::new(self.limits, redis))
    }
}

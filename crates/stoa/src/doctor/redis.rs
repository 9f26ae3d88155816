//! Redis, where there is one. It may vanish at any moment, so nothing here fails for good.

use super::{
    Patient,
    report::{Finding, chain, within},
};
use std::time::Duration;

/// A charge waits 50 ms at most.
const LATENCY_MAX: Duration = Duration::from_millis(20);

pub(super) async fn examine(of: &Patient) -> Vec<Finding> {
    let Some(url) = of.loaded.settings.redis_url.expose() else {
        return vec![Finding::skip("redis", "not configured: limits are those of each process")];
    };
    let report =
        within(of.time, async { limits::inspect_redis(url).await.map_err(|error| chain(&error)) });
    let report = match report.await {
        Ok(report) => report,
        Err(why) => {
            let todo = "start Redis, or mend redis.url and its password; until then each process \
                        limits callers by itself";
            return vec![Finding::fail("redis", why, todo)];
        }
    };
    let millis = report.latency.as_millis();
    let why = format!("Redis {} answers within {millis} ms", report.version);
    let mut findings = vec![if report.latency > LATENCY_MAX {
        Finding::warn("redis", why, "bring it nearer: after 50 ms it is not waited for")
    } else {
        Finding::ok("redis", why)
    }];
    let policy = report.eviction;
    let bounded = report.memory_max > 0;
    findings.push(if bounded && policy.starts_with("allkeys") {
        let why = format!("maxmemory-policy {policy}: buckets may be forgotten under load");
        Finding::warn("redis.eviction", why, "set maxmemory-policy volatile-ttl or noeviction")
    } else {
        Finding::ok("redis.eviction", format!("maxmemory-policy {policy}"))
    });
    findings
}

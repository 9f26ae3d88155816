//! `[webhooks]`: how endpoints of others are told of facts.

use super::{
    Settings,
    option::{
        Kind::{Flag, Millis, Number, Texts, Whole},
        Opt, option,
    },
};
use ::webhooks::OptionsError;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

pub(super) fn options() -> Vec<Opt<Settings>> {
    vec![
        option!("enabled", Flag, "without, nothing is sent by this process",
            s => s.webhooks.enabled),
        option!("allowed_networks", Texts,
            "networks (`10.0.0.0/8`), addresses, `HOST` or `HOST:PORT` that endpoints may be at \
             although they are not public, by plain HTTP too",
            s => s.webhooks.allowed_networks),
        option!("http", Flag, "plain HTTP to public addresses, too", s => s.webhooks.http),
        option!("connect_ms", Millis(100, MINUTE), "time for one connection",
            s => s.webhooks.connect_time),
        option!("attempt_ms", Millis(100, MINUTE), "time for one attempt",
            s => s.webhooks.attempt_time),
        option!("in_flight_max", Whole(1, 10_000), "attempts under way at once",
            s => s.webhooks.in_flight_max),
        option!("endpoint_in_flight_max", Whole(1, 1_000),
            "of those at one endpoint that answers well", s => s.webhooks.endpoint_in_flight_max),
        option!("troubled_max", Whole(1, 10_000),
            "of those at endpoints that failed last or are slow now, of which each has one",
            s => s.webhooks.troubled_max),
        option!("slow_ms", Millis(10, MINUTE),
            "an attempt that takes longer makes its endpoint one of those",
            s => s.webhooks.slow),
        option!("pending_max", Whole(1, 1_000_000),
            "deliveries of one endpoint that wait in the database; beyond, it goes on from its \
             place in the log when there is room again",
            s => s.webhooks.pending_max),
        option!("batch_max", Whole(1, 10_000), "facts of a topic looked at in one commit",
            s => s.webhooks.batch_max),
        option!("endpoints_max", Whole(1, 100_000), "endpoints of one principal",
            s => s.webhooks.endpoints_max),
        option!("patience_ms", Millis(MINUTE, 366 * DAY),
            "an endpoint at which all attempts failed for so long is disabled",
            s => s.webhooks.patience),
        option!("time_scale", Number(0.000_001, 1.0),
            "the pauses of the schedule, and patience_ms, are multiplied by it: below 1 for tests",
            s => s.webhooks.time_scale),
        option!("log_ms", Millis(MINUTE, 3_660 * DAY), "how long what has ended is kept",
            s => s.webhooks.log_time),
        option!("log_max", Whole(1, 10_000_000), "and how many deliveries of one endpoint",
            s => s.webhooks.log_max),
        option!("tick_ms", Millis(10, MINUTE), "pause between two looks for what has fallen due",
            s => s.webhooks.tick),
        option!("lease_ms", Millis(1_000, 600_000),
            "how long a dead process blocks its successor", s => s.webhooks.lease),
    ]
}

/// The option, whether it is broken, and what it must be.
pub(super) fn rules(settings: &Settings) -> [(&'static str, bool, &'static str); 3] {
    let found = settings.webhooks.check();
    [
        (
            "webhooks.allowed_networks",
            matches!(found, Err(OptionsError::AllowedNetworks(_))),
            "must be networks such as 10.0.0.0/8, addresses, HOST or HOST:PORT",
        ),
        (
            "webhooks.connect_ms",
            found == Err(OptionsError::ConnectTime),
            "must not be above webhooks.attempt_ms",
        ),
        (
            "webhooks.troubled_max",
            found == Err(OptionsError::TroubledMax),
            "must not be above webhooks.in_flight_max",
        ),
    ]
}

//! `[telemetry]`: what the server tells of itself.

use super::{
    Listen, Secret, Settings,
    option::{
        Kind::{Address, Filter, Number, Secret as Hidden, Socket},
        Opt, option,
    },
};
use runtime::TraceOptions;

/// What is told, and to whom.
#[derive(Clone, Debug)]
pub(crate) struct TelemetrySettings {
    /// Which log lines are written.
    pub log: String,
    /// Where traces go, if anywhere.
    pub otlp_endpoint: Secret,
    pub otlp_authorization: Secret,
    /// Of traces, how many are sent: 0 to 1.
    pub traced_share: f64,
    /// Where profiles are taken, if anywhere.
    pub profile_listen: Listen,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            otlp_endpoint: Secret::default(),
            otlp_authorization: Secret::default(),
            traced_share: 1.0,
            profile_listen: Listen::default(),
        }
    }
}

impl TelemetrySettings {
    /// None: no traces are sent.
    pub(crate) fn traces(&self) -> Option<TraceOptions> {
        Some(TraceOptions {
            endpoint: self.otlp_endpoint.expose()?.to_owned(),
            authorization: self.otlp_authorization.expose().map(str::to_owned),
            share: self.traced_share,
            version: env!("CARGO_PKG_VERSION"),
        })
    }
}

pub(super) fn options() -> Vec<Opt<Settings>> {
    vec![
        option!("log", Filter,
            "which log lines are written; `--log` and `STOA_LOG` stand above it. Reloaded",
            s => s.telemetry.log),
        option!("otlp_endpoint", Address,
            "a collector of traces (OTLP by HTTP, protobuf), as `http://127.0.0.1:4318`; without a \
             path `/v1/traces` is meant",
            s => s.telemetry.otlp_endpoint),
        option!("otlp_authorization", Hidden,
            "the header `Authorization` that it wants",
            s => s.telemetry.otlp_authorization),
        option!("traced_share", Number(0.0, 1.0),
            "the share of traces that is sent; callers do not decide it",
            s => s.telemetry.traced_share),
        option!("profile_listen", Socket,
            "where this machine, and nobody else, may look at [where time and memory \
             go](../operate/watching.md#profiles); a loopback address. Without it nowhere",
            s => s.telemetry.profile_listen),
    ]
}

/// The option, whether it is broken, and what it must be.
pub(super) fn rules(settings: &Settings) -> [(&'static str, bool, &'static str); 3] {
    let telemetry = &settings.telemetry;
    let is_address = |text: &str| {
        reqwest::Url::parse(text)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
    };
    let is_header = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    [
        (
            "telemetry.otlp_endpoint",
            telemetry.otlp_endpoint.expose().is_some_and(|text| !is_address(text)),
            "must be an address that starts with http and names a host",
        ),
        (
            "telemetry.otlp_authorization",
            telemetry.otlp_authorization.expose().is_some_and(|text| !is_header(text)),
            "must be printable ASCII",
        ),
        (
            "telemetry.profile_listen",
            telemetry.profile_listen.0.is_some_and(|at| !at.ip().is_loopback()),
            "must be a loopback address: whoever reaches it is asked nothing",
        ),
    ]
}

//! Logs on standard error and metrics in memory.
//!
//! Every log line carries the fields of the spans around it, so a request id set once on the span
//! `request` is in all lines of that request.

use crate::{
    reading::Reading,
    traces::{Exporting, TraceError, TraceOptions},
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{
    io::IsTerminal,
    sync::atomic::{AtomicBool, Ordering},
};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::filter_fn, layer::SubscriberExt, reload,
    util::SubscriberInitExt,
};

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people at a terminal.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("the log filter is not valid")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("logs are installed already")]
    Logs(#[from] tracing_subscriber::util::TryInitError),
    #[error(transparent)]
    Traces(#[from] TraceError),
    #[error("the log writer is gone")]
    Gone(#[from] reload::Error),
    #[error("metrics are installed already")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

/// What the database server remarks on statements. Where the future of a BEGIN is dropped, sqlx
/// rolls back what may not have begun, and the server remarks each time that there is no
/// transaction: true, harmless, and no matter for whoever reads our log. The server's own log has
/// all of it, and errors come back as errors. A filter that names this target has its way.
const REMARKS: &str = "sqlx::postgres::notice";

/// Which lines the log has; can be changed while it is written.
#[derive(Clone, Debug)]
pub struct LogFilter(reload::Handle<EnvFilter, Registry>);

impl LogFilter {
    /// From now on `filter` decides.
    ///
    /// # Errors
    /// [`TelemetryError::Filter`] for a bad filter: then nothing changes.
    pub fn replace(&self, filter: &str) -> Result<(), TelemetryError> {
        Ok(self.0.reload(env_filter(filter)?)?)
    }
}

/// Whether a text is a filter of log lines.
#[must_use]
pub fn is_log_filter(text: &str) -> bool {
    !text.trim().is_empty() && env_filter(text).is_ok()
}

/// What a process tells of itself while it runs.
#[derive(Clone, Debug)]
pub struct Telemetry {
    pub filter: LogFilter,
    traces: Option<Exporting>,
}

impl Telemetry {
    /// Send the traces that wait. To be called last, and outside of a runtime; takes a few seconds
    /// at most.
    pub fn end(&self) {
        if let Some(traces) = &self.traces {
            traces.end();
        }
    }
}

static TRACED: AtomicBool = AtomicBool::new(false);

/// Are spans sent to a collector?
#[must_use]
pub fn sends_traces() -> bool {
    TRACED.load(Ordering::Relaxed)
}

/// Install the process-wide log writer, and send traces where they are wanted. `filter` is in the
/// syntax of `tracing` directives, for example `info,sqlx=warn`; it is about traces, too.
///
/// # Errors
/// [`TelemetryError::Filter`] for a bad filter; [`TelemetryError::Logs`] when called twice;
/// [`TelemetryError::Traces`] for an address that is none.
pub fn install_telemetry(
    format: LogFormat,
    filter: &str,
    traces: Option<&TraceOptions>,
) -> Result<Telemetry, TelemetryError> {
    let (filter, handle) = reload::Layer::new(env_filter(filter)?);
    let traces = traces.map(Exporting::start).transpose()?;
    TRACED.store(traces.is_some(), Ordering::Relaxed);
    let exporting = traces.as_ref().map(|traces| {
        // What is logged inside spans stays here.
        let spans = filter_fn(|of| of.is_span() && is_ours(of.target()));
        tracing_opentelemetry::layer()
            .with_tracer(traces.tracer())
            .with_location(false)
            .with_threads(false)
            .with_filter(spans)
    });
    let registry = tracing_subscriber::registry().with(filter).with(exporting);
    match format {
        LogFormat::Text => {
            // Colours are for people: in a file they would stand between a name and its value.
            let coloured = std::io::stderr().is_terminal();
            let layer =
                tracing_subscriber::fmt::layer().with_ansi(coloured).with_writer(std::io::stderr);
            registry.with(layer).try_init()?;
        }
        LogFormat::Json => {
            let layer = tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_span_list(true)
                .with_current_span(false)
                .with_writer(std::io::stderr);
            registry.with(layer).try_init()?;
        }
    }
    Ok(Telemetry { filter: LogFilter(handle), traces })
}

/// Spans of libraries may hold anything.
fn is_ours(target: &str) -> bool {
    const OURS: [&str; 4] = ["api", "push", "stoa", "transactor"];
    OURS.contains(&target.split("::").next().unwrap_or_default())
}

fn env_filter(text: &str) -> Result<EnvFilter, TelemetryError> {
    // Of two directives for one target the later counts.
    Ok(EnvFilter::try_new(format!("{REMARKS}=error,{text}"))?)
}

/// The metrics of this process, in memory until somebody asks.
#[derive(Clone, Debug)]
pub struct Metrics(PrometheusHandle);

/// Seconds; from a cached read to a slow upload.
const SECONDS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Install the process-wide metrics recorder. It listens nowhere.
///
/// # Errors
/// [`TelemetryError::Metrics`] when a recorder is there already.
pub fn install_metrics() -> Result<Metrics, TelemetryError> {
    Ok(Metrics(builder()?.install_recorder()?))
}

fn builder() -> Result<PrometheusBuilder, TelemetryError> {
    Ok(PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?)
}

impl Metrics {
    /// A set of metrics that no global recorder feeds: for a process that wants none.
    ///
    /// # Errors
    /// [`TelemetryError::Metrics`] never happens with the built-in buckets.
    pub fn detached() -> Result<Self, TelemetryError> {
        Ok(Self(builder()?.build_recorder().handle()))
    }

    /// All metrics in the Prometheus text format.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// All metrics as they stand now, to be read by name.
    #[must_use]
    pub fn read(&self) -> Reading {
        Reading::of(self.render())
    }

    /// Fold recent histogram samples into their buckets, which bounds their memory. To be called
    /// every few seconds.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn durations_are_histograms_with_buckets() {
        let recorder = builder().expect("fixed buckets").build_recorder();
        let metrics = Metrics(recorder.handle());
        metrics::with_local_recorder(&recorder, || {
            metrics::histogram!("http_request_duration_seconds", "route" => "/x").record(0.002);
            metrics::counter!("http_requests_total", "status" => "200").increment(1);
        });
        metrics.upkeep();
        let text = metrics.render();
        assert!(
            text.contains("http_request_duration_seconds_bucket{route=\"/x\",le=\"0.0025\"} 1")
        );
        assert!(text.contains("http_requests_total{status=\"200\"} 1"), "{text}");
    }

    /// Lines written under `filter` when the database and one of us warn.
    fn lines(filter: &str) -> Vec<&'static str> {
        #[derive(Clone, Default)]
        struct Page(Arc<Mutex<Vec<u8>>>);
        impl std::io::Write for Page {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().expect("one writer").extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let (page, filter) = (Page::default(), env_filter(filter).expect("a filter"));
        let writer = page.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(filter).with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: REMARKS, "there is no transaction in progress");
            tracing::warn!(target: "sqlx::query", "slow statement");
        });
        let text = String::from_utf8(page.0.lock().expect("one writer").clone()).expect("text");
        let known = ["no transaction", "slow statement"];
        known.into_iter().filter(|part| text.contains(part)).collect()
    }

    #[test]
    fn remarks_of_the_database_are_not_for_our_log_unless_asked_for() {
        assert_eq!(lines("info"), ["slow statement"]);
        assert_eq!(lines("debug,sqlx=warn"), ["slow statement"]);
        assert_eq!(lines("info,sqlx::postgres::notice=warn"), ["no transaction", "slow statement"]);
    }

    #[test]
    fn a_bad_filter_is_said() {
        let refused = install_telemetry(LogFormat::Json, "info,=,=", None);
        assert!(matches!(refused, Err(TelemetryError::Filter(_))), "{refused:?}");
    }
}

//! Traces to a collector, by OTLP over HTTP; and which trace a piece of work belongs to.
//!
//! ```text
//! traceparent, or request id ─► Trace ─► span ─► a bounded queue ─► one thread ─► the collector
//! ```
//! Only spans of ours are sent, without what is logged inside them. When the queue is full, spans
//! are dropped; nobody ever waits for the collector.

use async_trait::async_trait;
use opentelemetry::{
    Context, KeyValue,
    trace::{
        SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider,
    },
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use std::{fmt, time::Duration};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// A collector that takes longer is left alone until the next batch.
const EXPORT: Duration = Duration::from_secs(5);

/// Where traces go. Not shown by `Debug`: address and header may hold a key.
#[derive(Clone)]
pub struct TraceOptions {
    /// The collector, `http://127.0.0.1:4318`; without a path `/v1/traces` is meant.
    pub endpoint: String,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// The share of traces that is sent, 0 to 1. Callers do not decide it.
    pub share: f64,
    /// Of this program.
    pub version: &'static str,
}

impl fmt::Debug for TraceOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceOptions").field("share", &self.share).finish_non_exhaustive()
    }
}

impl TraceOptions {
    fn url(&self) -> Result<reqwest::Url, TraceError> {
        let mut url: reqwest::Url = self.endpoint.parse().map_err(|_| TraceError::Options)?;
        if matches!(url.path(), "" | "/") {
            url.set_path("/v1/traces");
        }
        Ok(url)
    }

    fn client(&self) -> Result<reqwest::Client, TraceError> {
        let mut headers = HeaderMap::new();
        if let Some(text) = &self.authorization {
            let mut value = HeaderValue::from_str(text).map_err(|_| TraceError::Options)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        reqwest::Client::builder()
            .timeout(EXPORT)
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(headers)
            .build()
            .map_err(|_| TraceError::Options)
    }
}

/// Send the collector a batch without a trace; the HTTP status of its answer.
///
/// # Errors
/// [`TraceError`]
pub async fn probe_collector(options: &TraceOptions) -> Result<u16, TraceError> {
    let asked = options.client()?.post(options.url()?);
    // The length of an empty body is not told by itself.
    let asked =
        asked.header("content-type", "application/x-protobuf").header("content-length", "0");
    let answer = asked.send().await.map_err(|error| TraceError::Silent(error.without_url()))?;
    Ok(answer.status().as_u16())
}

/// Why traces can't be sent.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// Without the address, which may hold a key.
    #[error("the address of the collector, or its header, can't be used")]
    Options,
    #[error("the collector does not answer")]
    Silent(#[source] reqwest::Error),
    #[error("a thread for the collector could not be made")]
    Thread(#[source] std::io::Error),
}

/// Where traces of this process go.
#[derive(Clone, Debug)]
pub(crate) struct Exporting(SdkTracerProvider);

impl Exporting {
    pub(crate) fn start(options: &TraceOptions) -> Result<Self, TraceError> {
        let url = options.url()?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(options)?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url.as_str())
            .with_timeout(EXPORT)
            .build()
            .map_err(|_| TraceError::Options)?;
        let version = KeyValue::new("service.version", options.version);
        let resource = Resource::builder().with_service_name("stoa").with_attribute(version);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::TraceIdRatioBased(options.share))
            .with_resource(resource.build())
            .build();
        Ok(Self(provider))
    }

    pub(crate) fn tracer(&self) -> opentelemetry_sdk::trace::SdkTracer {
        self.0.tracer("stoa")
    }

    /// Send what waits. Blocks for a few seconds at most.
    pub(crate) fn end(&self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(error = &error as &dyn std::error::Error, "the last traces are lost");
        }
    }
}

/// The collector, asked from the exporter's own thread, which has no runtime.
struct Collector {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collector")
    }
}

impl Collector {
    fn new(options: &TraceOptions) -> Result<Self, TraceError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self { runtime: runtime.map_err(TraceError::Thread)?, http: options.client()? })
    }

    async fn ask(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        let asked = self.http.request(parts.method, url).headers(parts.headers).body(body);
        // Without the address, which may hold a key.
        let response = asked.send().await.map_err(reqwest::Error::without_url)?;
        // What it says is not read: only whether it took them.
        Ok(Response::builder().status(response.status()).body(Bytes::new())?)
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.runtime.block_on(self.ask(request));
        let outcome = match &answer {
            Ok(response) if response.status().is_success() => "sent",
            Ok(_) => "refused",
            Err(_) => "failed",
        };
        metrics::counter!("trace_exports_total", "outcome" => outcome).increment(1);
        answer
    }
}

/// Which trace a piece of work belongs to, by what a caller said or by the id of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    id: TraceId,
    /// What caused it. Where nobody said, one that nobody sent.
    parent: SpanId,
}

impl Trace {
    /// A header `traceparent` ([W3C](https://www.w3.org/TR/trace-context/#traceparent-header)).
    #[must_use]
    pub fn of_header(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, id, parent) = (parts.next()?, parts.next()?, parts.next()?);
        let flags = parts.next()?;
        let well = version.len() == 2 && version != "ff" && flags.len() == 2;
        // Later versions may say more.
        let whole = version != "00" || parts.next().is_none();
        let hex =
            |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let hex = [version, id, parent, flags].into_iter().all(hex);
        (well && whole && hex && id.len() == 32 && parent.len() == 16).then_some(())?;
        Self::of(id, parent)
    }

    /// The trace of a request, by its id: those of 32 hexadecimal digits, as we make them, with or
    /// without hyphens.
    #[must_use]
    pub fn of_request(id: &str) -> Option<Self> {
        let digits: String = id.chars().filter(|c| *c != '-').collect();
        let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (digits.len() == 32 && digits.bytes().all(lower)).then_some(())?;
        Self::of(&digits, &digits[16..])
    }

    fn of(id: &str, parent: &str) -> Option<Self> {
        let (id, parent) = (TraceId::from_hex(id).ok()?, SpanId::from_hex(parent).ok()?);
        let known = id != TraceId::INVALID && parent != SpanId::INVALID;
        known.then_some(Self { id, parent })
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        self.id.to_string()
    }

    /// Let a span belong to it. To be called before the span is entered; without a collector it
    /// does nothing.
    pub fn adopt(self, span: &tracing::Span) {
        let (flags, state) = (TraceFlags::SAMPLED, TraceState::default());
        let parent = SpanContext::new(self.id, self.parent, flags, true, state);
        // An error says that nobody listens.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_what_the_header_says() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(Trace::of_header(good).unwrap().id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
        assert!(Trace::of_header(later).is_some());
        let bad = [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-011",
            "00-4bf92f3577b34da6a3ce929d0e0e473ü-00f067aa0ba902b-01",
        ];
        for text in bad {
            assert_eq!(Trace::of_header(text), None, "{text}");
        }
    }

    #[test]
    fn a_request_of_ours_has_the_trace_of_its_id() {
        let id = "01a2036c-1564-740d-a74a-f5c8173d2612";
        assert_eq!(Trace::of_request(id).unwrap().id(), "01a2036c1564740da74af5c8173d2612");
        for text in ["start", "", "01a2036c-1564-740d-a74a-f5c8173d261", &"0".repeat(32)] {
            assert_eq!(Trace::of_request(text), None, "{text}");
        }
    }
}

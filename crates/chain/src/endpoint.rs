//! A JSON-RPC endpoint over HTTP: single and batched calls with a time limit and a size limit.

use crate::RpcError;
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};
use std::{
    fmt,
    sync::{
        Arc, Once,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Limits of one endpoint.
#[derive(Clone, Copy, Debug)]
pub struct EndpointOptions {
    pub timeout: Duration,
    /// Longer answers are cut off as malformed.
    pub answer_bytes_max: usize,
}

impl Default for EndpointOptions {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), answer_bytes_max: 64 << 20 }
    }
}

/// One node's JSON-RPC address. Cheap to clone.
#[derive(Clone)]
pub struct Endpoint(Arc<Inner>);

struct Inner {
    url: reqwest::Url,
    http: reqwest::Client,
    options: EndpointOptions,
    next_id: AtomicU64,
}

impl fmt::Debug for Endpoint {
    /// Host only: paths and queries of endpoints carry API keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.host())
    }
}

#[derive(Serialize)]
struct Request<'a> {
    jsonrpc: &'static str,
    id: u64,
    method: &'a str,
    params: &'a Value,
}

#[derive(Deserialize)]
struct Answer<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    message: String,
    data: Option<Value>,
}

impl Endpoint {
    /// # Errors
    /// [`RpcError::Malformed`] when `url` is no HTTP address.
    pub fn new(url: &str, options: EndpointOptions) -> Result<Self, RpcError> {
        install_tls();
        let url: reqwest::Url =
            url.parse().map_err(|_| RpcError::Malformed("not an endpoint address".into()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(RpcError::Malformed("an endpoint address starts with http".into()));
        }
        let http = reqwest::Client::builder()
            .timeout(options.timeout)
            .connect_timeout(options.timeout.min(Duration::from_secs(5)))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| RpcError::Unreachable(describe(&e)))?;
        Ok(Self(Arc::new(Inner { url, http, options, next_id: AtomicU64::new(1) })))
    }

    /// Host and port, safe to log.
    #[must_use]
    pub fn host(&self) -> String {
        let url = &self.0.url;
        match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        }
    }

    /// One call.
    ///
    /// # Errors
    /// See [`RpcError`].
    pub async fn call<R: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<R, RpcError> {
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        let request = Request { jsonrpc: "2.0", id, method, params: &params };
        let body = self.post(method, &request).await?;
        let answer: Answer<'_> = parse(&body)?;
        result(answer)
    }

    /// Many calls in one request, answered in the order asked. The outer error means that nothing
    /// is known of any; an inner one is that call's own.
    ///
    /// # Errors
    /// See [`RpcError`].
    pub async fn batch<R: DeserializeOwned>(
        &self,
        calls: &[(&str, Value)],
    ) -> Result<Vec<Result<R, RpcError>>, RpcError> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let count = u64::try_from(calls.len()).unwrap_or(u64::MAX);
        let first = self.0.next_id.fetch_add(count, Ordering::Relaxed);
        let requests: Vec<Request<'_>> = calls
            .iter()
            .zip(first..)
            .map(|((method, params), id)| Request { jsonrpc: "2.0", id, method, params })
            .collect();
        let body = self.post(calls[0].0, &requests).await?;
        if body.first() == Some(&b'{') {
            // One error object for the whole batch.
            let answer: Answer<'_> = parse(&body)?;
            return Err(result::<Value>(answer)
                .err()
                .unwrap_or_else(|| RpcError::Malformed("one answer for a batch".into())));
        }
        let answers: Vec<Answer<'_>> = parse(&body)?;
        let missing = || Err(RpcError::Malformed("a batch answer is missing".into()));
        let mut results: Vec<Result<R, RpcError>> = calls.iter().map(|_| missing()).collect();
        for answer in answers {
            let place = answer.id.and_then(|id| usize::try_from(id.checked_sub(first)?).ok());
            if let Some(slot) = place.and_then(|place| results.get_mut(place)) {
                *slot = result(answer);
            }
        }
        Ok(results)
    }

    async fn post(&self, method: &str, body: &impl Serialize) -> Result<Bytes, RpcError> {
        let started = Instant::now();
        let answer = self.exchange(body).await;
        let outcome = if answer.is_ok() { "ok" } else { "error" };
        metrics::histogram!("rpc_request_duration_seconds", "method" => method.to_owned(),
            "outcome" => outcome)
        .record(started.elapsed().as_secs_f64());
        answer
    }

    async fn exchange(&self, body: &impl Serialize) -> Result<Bytes, RpcError> {
        let inner = &self.0;
        let sent = inner.http.post(inner.url.clone()).json(body).send().await;
        let mut response = sent.map_err(|e| self.failure(&e))?;
        // Some nodes give JSON-RPC errors with a 4xx or 5xx: only an unreadable body is decisive.
        let status = response.status();
        let mut bytes = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.failure(&e))? {
            if bytes.len() + chunk.len() > inner.options.answer_bytes_max {
                return Err(RpcError::Malformed("the answer is too long".into()));
            }
            bytes.extend_from_slice(&chunk);
        }
        if !status.is_success() && !matches!(bytes.first(), Some(b'{' | b'[')) {
            return Err(RpcError::Unreachable(format!("HTTP status {status}")));
        }
        Ok(bytes.freeze())
    }

    fn failure(&self, error: &reqwest::Error) -> RpcError {
        if error.is_timeout() {
            RpcError::TimedOut(self.0.options.timeout)
        } else {
            RpcError::Unreachable(describe(error))
        }
    }
}

/// Choose the process's TLS implementation (ring). Every HTTP client of ours needs it once.
pub fn install_tls() {
    static TLS: Once = Once::new();
    // A second installation fails harmlessly.
    TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, RpcError> {
    serde_json::from_slice(body).map_err(|e| RpcError::Malformed(e.to_string()))
}

fn result<R: DeserializeOwned>(answer: Answer<'_>) -> Result<R, RpcError> {
    if let Some(Refusal { code, message, data }) = answer.error {
        let data = data.as_ref().and_then(Value::as_str).map(str::to_owned);
        let message = message.chars().take(1_000).collect();
        return Err(RpcError::Refused { code, message, data });
    }
    // `"result": null` is an answer (no such receipt), and reads as none here.
    let text = answer.result.map_or("null", RawValue::get);
    serde_json::from_str(text).map_err(|e| RpcError::Malformed(e.to_string()))
}

/// The innermost cause, without the address.
fn describe(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

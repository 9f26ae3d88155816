//! A JSON-RPC endpoint over HTTP: single and batched calls within limits of time, size, rate and
//! number. How each call ended is remembered ([`crate::health`]) for the choice among endpoints.

use crate::{
    Rate, RpcError,
    error::speaks_of_rate,
    health::{Health, Outcome},
};
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};
use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Limits of one endpoint.
#[derive(Clone, Copy, Debug)]
pub struct EndpointOptions {
    pub timeout: Duration,
    /// Longer answers are cut off as malformed.
    pub answer_bytes_max: usize,
    /// Of healthy endpoints those of the highest weight are asked first; of one weight, the one
    /// named first.
    pub weight: u32,
    /// What it may be asked; none is no limit until it complains.
    pub rate: Option<Rate>,
    /// Requests in flight; more wait for their turn.
    pub requests_max: usize,
}

impl Default for EndpointOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            answer_bytes_max: 64 << 20,
            weight: 100,
            rate: None,
            requests_max: 128,
        }
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
    places: Semaphore,
    health: Mutex<Health>,
    /// What times of [`Health`] count from.
    born: Instant,
    host: String,
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

/// [`Answer`], read in one pass.
#[derive(Deserialize)]
#[serde(bound = "R: DeserializeOwned")]
struct Direct<R> {
    result: Option<R>,
    error: Option<Refusal>,
}

/// A large answer, and what it took.
#[derive(Clone, Debug)]
pub struct Large<R> {
    pub value: R,
    /// Length of the answer.
    pub bytes: usize,
    /// Until it was there whole, time in our own queue included.
    pub waited: Duration,
    pub decoded: Duration,
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
        Ok(Self(Arc::new(Inner {
            host: host(&url),
            url,
            http,
            options,
            next_id: AtomicU64::new(1),
            places: Semaphore::new(options.requests_max.clamp(1, Semaphore::MAX_PERMITS)),
            health: Mutex::new(Health::new(options.rate)),
            born: Instant::now(),
        })))
    }

    /// Host and port, safe to log.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }

    #[must_use]
    pub fn options(&self) -> EndpointOptions {
        self.0.options
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
        let (body, took) = self.post(method, &request, 1).await?;
        let answer = parse(&body).and_then(result);
        self.judge(answer.as_ref().err(), took);
        answer
    }

    /// One call whose answer may be large: it is decoded in one pass, on a thread of its own.
    ///
    /// # Errors
    /// See [`RpcError`].
    pub(crate) async fn call_large<R: DeserializeOwned + Send + 'static>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<Large<R>, RpcError> {
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        let request = Request { jsonrpc: "2.0", id, method, params: &params };
        let asked = Instant::now();
        let (body, took) = self.post(method, &request, 1).await?;
        let (waited, bytes) = (asked.elapsed(), body.len());
        let decoding = tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            (direct(&body), started.elapsed())
        });
        let (answer, decoded) = decoding
            .await
            .map_err(|_| RpcError::Malformed("the answer could not be decoded".into()))?;
        self.judge(answer.as_ref().err(), took);
        Ok(Large { value: answer?, bytes, waited, decoded })
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
        let (body, took) = self.post(calls[0].0, &requests, calls.len()).await?;
        let results = take_apart(&body, calls.len(), first);
        let errors = results.as_ref().map(|results| results.iter().find_map(trouble));
        self.judge(errors.unwrap_or_else(Some), took);
        results
    }

    /// Calls that its rate bears within half the time that a call may take: who asks for more at
    /// once may find the next call refused, as there is no time to wait for its turn. None is no
    /// limit.
    #[must_use]
    pub fn calls_max(&self) -> Option<u64> {
        let (mut health, now) = (self.health(), self.now());
        health.budget.refill(now);
        health.budget.bears(self.0.options.timeout / 2).map(u64::from)
    }

    /// Leave to make so many calls, when the rate allows and there is a place.
    async fn admit(&self, calls: usize) -> Result<SemaphorePermit<'_>, RpcError> {
        let Inner { options, places, .. } = &*self.0;
        let end = tokio::time::Instant::now() + options.timeout;
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        loop {
            let taken = self.health().budget.take(calls, self.now());
            let Err(wait) = taken else { break };
            if tokio::time::Instant::now() + wait > end {
                return Err(RpcError::Limited(wait));
            }
            tokio::time::sleep(wait).await;
        }
        match tokio::time::timeout_at(end, places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(RpcError::TimedOut(options.timeout)),
        }
    }

    /// Remember a call of which something came back.
    fn judge(&self, error: Option<&RpcError>, took: Duration) {
        let outcome = match error {
            None | Some(RpcError::Refused { .. }) => Outcome::Answered,
            Some(RpcError::Limited(wait)) => Outcome::Limited(Some(*wait)),
            Some(_) => Outcome::Failed,
        };
        self.note(outcome, took);
    }

    /// Remember how a call ended.
    fn note(&self, outcome: Outcome, took: Duration) {
        let said = match outcome {
            Outcome::Answered => "answered",
            Outcome::Failed => "failed",
            Outcome::Limited(_) => "limited",
        };
        let labels = [("endpoint", self.0.host.clone()), ("outcome", said.to_owned())];
        metrics::counter!("rpc_endpoint_outcomes_total", &labels).increment(1);
        self.health().note(outcome, took, self.now(), chance());
    }

    /// A caller gave up on it before its own time limit.
    pub(crate) fn note_missed(&self) {
        self.note(Outcome::Failed, Duration::ZERO);
    }

    pub(crate) fn health(&self) -> MutexGuard<'_, Health> {
        self.0.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time as [`Health`] counts it.
    pub(crate) fn now(&self) -> Duration {
        self.0.born.elapsed()
    }

    /// The body of the answer, and how long it took.
    async fn post(
        &self,
        method: &str,
        body: &impl Serialize,
        calls: usize,
    ) -> Result<(Bytes, Duration), RpcError> {
        let _place = self.admit(calls).await?;
        let started = Instant::now();
        let answer = self.exchange(body).await;
        let took = started.elapsed();
        let outcome = if answer.is_ok() { "ok" } else { "error" };
        metrics::histogram!("rpc_request_duration_seconds", "method" => method.to_owned(),
            "outcome" => outcome)
        .record(took.as_secs_f64());
        metrics::histogram!("rpc_endpoint_seconds", "endpoint" => self.0.host.clone())
            .record(took.as_secs_f64());
        if let Err(error) = &answer {
            self.judge(Some(error), took);
        }
        answer.map(|body| (body, took))
    }

    async fn exchange(&self, body: &impl Serialize) -> Result<Bytes, RpcError> {
        let inner = &self.0;
        let sent = inner.http.post(inner.url.clone()).json(body).send().await;
        let mut response = sent.map_err(|e| self.failure(&e))?;
        // Some nodes give JSON-RPC errors with a 4xx or 5xx: only an unreadable body is decisive.
        let status = response.status();
        if let Some(pause) = pause_wanted(&response) {
            return Err(RpcError::Limited(pause));
        }
        let expected = response.content_length().and_then(|n| usize::try_from(n).ok());
        let room = expected.unwrap_or_default().min(inner.options.answer_bytes_max);
        let mut bytes = BytesMut::with_capacity(room);
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

/// When the endpoint says no more when we may come again.
const PAUSE: Duration = Duration::from_secs(1);

/// Does an HTTP status ask us to come later? `Retry-After` in seconds (RFC 9110, 10.2.3); its other
/// form, a date, counts as missing.
fn pause_wanted(response: &reqwest::Response) -> Option<Duration> {
    let after = response.headers().get(reqwest::header::RETRY_AFTER);
    let after = after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    match (response.status().as_u16(), after) {
        (429, after) => Some(after.map_or(PAUSE, Duration::from_secs)),
        (503, Some(after)) => Some(Duration::from_secs(after)),
        _ => None,
    }
}

fn host(url: &reqwest::Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    }
}

/// A number in 0..1, for spreading pauses.
fn chance() -> f64 {
    let drawn = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(drawn >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

/// The answers of a batch whose ids begin with `first`, in the order asked.
fn take_apart<R: DeserializeOwned>(
    body: &[u8],
    count: usize,
    first: u64,
) -> Result<Vec<Result<R, RpcError>>, RpcError> {
    if body.first() == Some(&b'{') {
        // One error object for the whole batch.
        let answer: Answer<'_> = parse(body)?;
        return Err(result::<Value>(answer)
            .err()
            .unwrap_or_else(|| RpcError::Malformed("one answer for a batch".into())));
    }
    let answers: Vec<Answer<'_>> = parse(body)?;
    let missing = || Err(RpcError::Malformed("a batch answer is missing".into()));
    let mut results: Vec<Result<R, RpcError>> = (0..count).map(|_| missing()).collect();
    for answer in answers {
        let place = answer.id.and_then(|id| usize::try_from(id.checked_sub(first)?).ok());
        if let Some(slot) = place.and_then(|place| results.get_mut(place)) {
            *slot = result(answer);
        }
    }
    Ok(results)
}

fn trouble<R>(answer: &Result<R, RpcError>) -> Option<&RpcError> {
    answer.as_ref().err().filter(|error| !error.is_refusal())
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

fn direct<R: DeserializeOwned>(body: &[u8]) -> Result<R, RpcError> {
    let answer: Direct<R> = parse(body)?;
    if let Some(refusal) = answer.error {
        return Err(refusal.into());
    }
    answer.result.ok_or_else(|| RpcError::Malformed("an answer without a result".into()))
}

impl From<Refusal> for RpcError {
    fn from(Refusal { code, message, data }: Refusal) -> Self {
        if speaks_of_rate(code, &message) {
            return Self::Limited(PAUSE);
        }
        let data = data.as_ref().and_then(Value::as_str).map(str::to_owned);
        Self::Refused { code, message: message.chars().take(1_000).collect(), data }
    }
}

fn result<R: DeserializeOwned>(answer: Answer<'_>) -> Result<R, RpcError> {
    if let Some(refusal) = answer.error {
        return Err(refusal.into());
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

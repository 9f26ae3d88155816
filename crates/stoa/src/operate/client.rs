//! One request to the API, and how it can fail.

use anyhow::{Context, Result};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use std::{fmt, io::Write, process::ExitCode, time::Duration};

const TIMEOUT: Duration = Duration::from_secs(60);

pub(super) struct Client {
    http: reqwest::Client,
    server: String,
    key: String,
}

/// A request that did not do what it should.
#[derive(Debug)]
pub(super) enum Failed {
    /// The server said no, in a problem.
    Refused(Value),
    /// It may have been done: the Idempotency-Key to repeat it with.
    Unknown { cause: String, key: Option<String> },
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request failed")
    }
}

impl std::error::Error for Failed {}

impl Failed {
    pub(super) fn tell(&self) {
        let mut out = std::io::stderr().lock();
        // A closed pipe is no reason to fail.
        let _ = match self {
            Self::Refused(problem) => {
                let text = |field: &str| problem[field].as_str().unwrap_or_default().to_owned();
                let mut lines = format!("stoa: {} ({})", text("title"), text("code"));
                if !text("detail").is_empty() {
                    lines.push_str(&format!("\n  {}", text("detail")));
                }
                for fault in problem["errors"].as_array().into_iter().flatten() {
                    let pointer = fault["pointer"].as_str().unwrap_or_default();
                    let detail = fault["detail"].as_str().unwrap_or_default();
                    lines.push_str(&format!("\n  {pointer}: {detail}"));
                }
                lines.push_str(&format!("\n  request {}", text("request_id")));
                writeln!(out, "{lines}")
            }
            Self::Unknown { cause, key: Some(key) } => writeln!(
                out,
                "stoa: {cause}\n  It may have been done. Repeat the same command with --key {key}"
            ),
            Self::Unknown { cause, key: None } => writeln!(out, "stoa: {cause}"),
        };
    }

    pub(super) fn code(&self) -> ExitCode {
        match self {
            Self::Refused(problem) if problem["status"].as_u64().is_some_and(|s| s < 500) => {
                ExitCode::from(3)
            }
            Self::Refused(_) | Self::Unknown { .. } => ExitCode::from(5),
        }
    }
}

impl Client {
    pub(super) fn new(server: &str, key: &str) -> Result<Self> {
        chain::install_tls();
        let http = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        let server = server.trim_end_matches('/').to_owned();
        Ok(Self { http, server, key: key.to_owned() })
    }

    pub(super) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value> {
        let mut address = reqwest::Url::parse(&format!("{}/api/v1{path}", self.server))
            .context("the server's address is none")?;
        if !query.is_empty() {
            address.query_pairs_mut().extend_pairs(query);
        }
        self.send(self.http.request(Method::GET, address), None).await
    }

    /// Under an Idempotency-Key: the given one, or a new one.
    pub(super) async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> Result<Value> {
        let fresh = uuid::Uuid::now_v7().to_string();
        let key = key.unwrap_or(&fresh);
        let address = format!("{}/api/v1{path}", self.server);
        let request =
            self.http.request(Method::POST, address).header("Idempotency-Key", key).json(body);
        self.send(request, Some(key)).await
    }

    /// For what may be repeated: it says how things are to be, not what is to be done.
    pub(super) async fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        let address = format!("{}/api/v1{path}", self.server);
        self.send(self.http.request(Method::PATCH, address).json(body), None).await
    }

    /// For what is done each time it is asked for.
    pub(super) async fn act(&self, path: &str, body: Option<&Value>) -> Result<Value> {
        let address = format!("{}/api/v1{path}", self.server);
        let request = self.http.request(Method::POST, address);
        self.send(body.iter().fold(request, |request, body| request.json(body)), None).await
    }

    pub(super) async fn delete(&self, path: &str) -> Result<()> {
        let address = format!("{}/api/v1{path}", self.server);
        self.send(self.http.request(Method::DELETE, address), None).await.map(drop)
    }

    async fn send(&self, request: RequestBuilder, key: Option<&str>) -> Result<Value> {
        let unknown = |cause: String| Failed::Unknown { cause, key: key.map(str::to_owned) };
        let response = request.bearer_auth(&self.key).send().await.map_err(|error| {
            unknown(format!("no answer from {}: {}", self.server, error.without_url()))
        })?;
        let status = response.status();
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let body: Value = response
            .json()
            .await
            .map_err(|_| unknown(format!("{} answered {status} and no JSON", self.server)))?;
        if status.is_success() { Ok(body) } else { Err(Failed::Refused(body).into()) }
    }
}

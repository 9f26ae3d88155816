//! A proxy that counts the calls of a run, and may hold them back. It passes bodies on as they are.

use anyhow::Result;
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use reqwest::Client;
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// What was asked of the node.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Calls {
    pub calls: u64,
    pub requests: u64,
    pub by_method: BTreeMap<String, u64>,
}

/// Ends when dropped.
pub struct Proxy {
    pub url: String,
    calls: Arc<Mutex<Calls>>,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Shared {
    http: Client,
    node: String,
    calls: Arc<Mutex<Calls>>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Proxy {
    pub async fn before(node: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let calls: Arc<Mutex<Calls>> = Arc::default();
        let http = Client::builder().build()?;
        let shared = Shared { http, node: node.to_owned(), calls: Arc::clone(&calls) };
        let router = Router::new()
            .route("/", post(pass))
            .layer(axum::extract::DefaultBodyLimit::max(1 << 24))
            .with_state(shared);
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, calls, server })
    }

    pub fn calls(&self) -> Calls {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn pass(State(shared): State<Shared>, body: Bytes) -> Result<Bytes, StatusCode> {
    shared.count(&body);
    let request = shared.http.post(&shared.node).header("content-type", "application/json");
    let answer = request.body(body).send().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    answer.bytes().await.map_err(|_| StatusCode::BAD_GATEWAY)
}

impl Shared {
    fn count(&self, body: &[u8]) {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let one = std::slice::from_ref(&asked);
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.requests += 1;
        for call in asked.as_array().map_or(one, Vec::as_slice) {
            calls.calls += 1;
            let method = call["method"].as_str().unwrap_or("?").to_owned();
            *calls.by_method.entry(method).or_default() += 1;
        }
    }
}

//! Clients that want things done, and ask again until they are told that it will be.

use crate::server::DevFile;
use alloy_primitives::{Address, keccak256};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One wei to `to`.
    Transfer,
    /// One item of the default collection to `to`.
    Mint,
}

/// A job that was accepted. Nothing else ever pays its recipient.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub kind: Kind,
    pub to: Address,
    pub id: String,
    pub at: Instant,
}

/// Shared by all clients of a proof.
#[derive(Debug, Default)]
pub struct Ledger {
    next: AtomicU64,
    accepted: Mutex<Vec<Accepted>>,
    refused: Mutex<Vec<String>>,
}

impl Ledger {
    pub fn accepted(&self) -> Vec<Accepted> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn refused(&self) -> Vec<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first job accepted after `moment`.
    pub fn first_since(&self, moment: Instant) -> Option<Accepted> {
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.iter().rev().take_while(|job| job.at > moment).last().cloned()
    }

    fn keep(&self, job: Accepted) {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner).push(job);
    }

    fn complain(&self, what: String) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }
}

/// Clients at work until they are told to stop; then each ends what it has begun.
pub struct Clients {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

/// How hard they press.
#[derive(Clone, Copy, Debug)]
pub struct Pressure {
    pub clients: u32,
    /// Between two jobs of one client.
    pub pause: Duration,
    /// Every so-manieth job is a mint.
    pub mint_every: u64,
}

impl Clients {
    pub fn start(dev: &DevFile, run: &str, pressure: Pressure, ledger: &Arc<Ledger>) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        chain::install_tls();
        for _ in 0..pressure.clients {
            let client = OneClient {
                // A connection is not kept: after a kill it is of no use.
                http: Client::builder()
                    .timeout(Duration::from_secs(10))
                    .build()
                    .expect("invariant: a plain client is built"),
                dev: dev.clone(),
                run: run.to_owned(),
                pressure,
                ledger: ledger.clone(),
            };
            let stop = stop.clone();
            tasks.spawn(async move { client.work(stop).await });
        }
        Self { tasks, stop }
    }

    /// No new jobs; wait until those begun are accepted.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

struct OneClient {
    http: Client,
    dev: DevFile,
    run: String,
    pressure: Pressure,
    ledger: Arc<Ledger>,
}

/// How long a client asks for one job before it gives up and complains.
const PATIENCE: Duration = Duration::from_secs(400);

impl OneClient {
    async fn work(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let number = self.ledger.next.fetch_add(1, Ordering::Relaxed);
            self.want(number).await;
            tokio::select! {
                () = sleep(self.pressure.pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn want(&self, number: u64) {
        let kind = match number % self.pressure.mint_every.max(1) {
            0 => Kind::Mint,
            _ => Kind::Transfer,
        };
        let key = format!("{}-{number}", self.run);
        let to = Address::from_word(keccak256(&key));
        let (path, body) = self.request(kind, to, number);
        let end = Instant::now() + PATIENCE;
        loop {
            match self.ask(path, &key, &body).await {
                Some((StatusCode::ACCEPTED, answer)) => {
                    let id = answer["id"].as_str().unwrap_or_default().to_owned();
                    return self.ledger.keep(Accepted { kind, to, id, at: Instant::now() });
                }
                Some((status, answer)) if !is_later(status) => {
                    return self.ledger.complain(format!("{kind:?} {key}: {status} {answer}"));
                }
                _ if Instant::now() > end => {
                    return self.ledger.complain(format!("{kind:?} {key}: not accepted in time"));
                }
                _ => sleep(Duration::from_millis(30)).await,
            }
        }
    }

    fn request(&self, kind: Kind, to: Address, number: u64) -> (&'static str, Value) {
        match kind {
            Kind::Transfer => (
                "/api/v1/transactions",
                json!({
                    "chain_id": self.dev.chain_id, "role": "operator", "to": to, "value": "1",
                }),
            ),
            Kind::Mint => {
                let image = "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
                let metadata = json!({ "name": format!("{number}"), "image": image });
                ("/api/v1/mints", json!({ "to": to, "metadata": metadata }))
            }
        }
    }

    /// None when nobody answered: then anything may have happened.
    async fn ask(&self, path: &str, key: &str, body: &Value) -> Option<(StatusCode, Value)> {
        let request = self
            .http
            .post(format!("{}{path}", self.dev.http))
            .bearer_auth(&self.dev.operator_api_key)
            .header("Idempotency-Key", key)
            .json(body);
        let answer = request.send().await.ok()?;
        let status = answer.status();
        Some((status, answer.json().await.ok()?))
    }
}

/// Answers after which a client should ask again: the same request is under way, or the server has
/// too much to do or is not well.
fn is_later(status: StatusCode) -> bool {
    matches!(status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS)
        || status.is_server_error()
}

//! All endpoints in one place: those that take what comes, and those that are dead in some way.

use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use serde::Deserialize;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{net::TcpListener, task::JoinHandle};

/// How an endpoint is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dead {
    /// Nobody listens.
    Refusing,
    /// It takes the request, and never answers.
    Hanging,
    /// It answers 500.
    Failing,
}

/// A delivery that came.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// From the fact to the first time it came.
    pub after: Duration,
    pub times: usize,
}

/// Ends when dropped.
pub struct Receiver {
    address: SocketAddr,
    /// Where nobody listens any more.
    nobody: SocketAddr,
    seen: Arc<Seen>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    taken: Mutex<HashMap<usize, Taken>>,
    refused: AtomicUsize,
}

/// The part of a delivery that is read.
#[derive(Deserialize)]
struct Event {
    data: Fact,
}

#[derive(Deserialize)]
struct Fact {
    at: String,
    data: Asked,
}

#[derive(Deserialize)]
struct Asked {
    /// The number of the mint.
    request_id: String,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    pub async fn start() -> Result<Self> {
        let nobody = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Seen::default());
        let router = Router::new()
            .route("/alive/{endpoint}", post(take))
            .route("/hanging/{endpoint}", post(hang))
            .route("/failing/{endpoint}", post(fail))
            .with_state(seen.clone());
        let serving = tokio::spawn(async move {
            // It ends with us.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, nobody, seen, serving })
    }

    pub fn url(&self, endpoint: usize, dead: Option<Dead>) -> String {
        match dead {
            None => format!("http://{}/alive/{endpoint}", self.address),
            Some(Dead::Refusing) => format!("http://{}/refusing/{endpoint}", self.nobody),
            Some(Dead::Hanging) => format!("http://{}/hanging/{endpoint}", self.address),
            Some(Dead::Failing) => format!("http://{}/failing/{endpoint}", self.address),
        }
    }

    /// What came, by the number of its mint.
    pub fn taken(&self) -> HashMap<usize, Taken> {
        self.seen.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Requests that came to dead ones.
    pub fn refused(&self) -> usize {
        self.seen.refused.load(Ordering::Relaxed)
    }
}

async fn take(
    State(seen): State<Arc<Seen>>,
    Path(_endpoint): Path<usize>,
    body: Bytes,
) -> StatusCode {
    let now = OffsetDateTime::now_utc();
    let Ok(event) = serde_json::from_slice::<Event>(&body) else { return StatusCode::BAD_REQUEST };
    let number = event.data.data.request_id.parse();
    let at = OffsetDateTime::parse(&event.data.at, &Rfc3339);
    let (Ok(number), Ok(at)) = (number, at) else { return StatusCode::BAD_REQUEST };
    // The fact's time is of whole milliseconds, rounded down.
    let after = Duration::try_from(now - at).unwrap_or_default();
    let mut taken = seen.taken.lock().unwrap_or_else(PoisonError::into_inner);
    taken.entry(number).or_insert(Taken { after, times: 0 }).times += 1;
    StatusCode::NO_CONTENT
}

async fn hang(State(seen): State<Arc<Seen>>) -> StatusCode {
    seen.refused.fetch_add(1, Ordering::Relaxed);
    std::future::pending().await
}

async fn fail(State(seen): State<Arc<Seen>>) -> StatusCode {
    seen.refused.fetch_add(1, Ordering::Relaxed);
    StatusCode::INTERNAL_SERVER_ERROR
}

//! The HTTP edge: parse, authenticate, call one use case, show its answer. No rules live here.
//!
//! ```text
//! connection ─► serve (header timeout, stall timeout, connection caps)
//!   └► edge: CORS, request id, span, metrics, load shedding, time limit, panics, problems, who
//!        │      calls and what that costs, answers that are kept
//!        └► extractors: key, Idempotency-Key, body, query, path
//!             └► handler ─► app ─► show (app's values → wire shapes)
//! ```
//! Two applications: [`router`] for the API, [`content_router`] for user content, which has an
//! origin of its own. Every answer carries `x-request-id`; every error is a problem (RFC 9457)
//! with a code from [`Code`].

mod abis;
mod api_keys;
mod audit;
mod charges;
mod client_place;
mod collections;
mod content_origin;
mod cookies;
mod cors;
mod cursor;
mod docs;
mod edge;
mod etag;
mod extract;
mod facts;
mod gate;
mod holdings;
mod hot;
mod indexes;
mod items;
mod me;
mod metadata;
mod metric_series;
mod mint_batches;
mod mints;
mod my_email;
mod openapi;
mod operations;
mod peers;
mod pressure;
mod principals;
mod problem;
mod profile;
mod serve;
mod sessions;
mod show;
mod show_sponsors;
mod show_transactions;
mod show_webhooks;
mod sign_in;
mod signatures;
mod snapshots;
mod sponsored;
mod sponsors;
mod staff_sign_in;
mod stall;
mod stream;
mod tls;
mod token_metadata;
mod transaction_changes;
mod transactions;
mod uploads;
mod wallets;
mod webhook_deliveries;
mod webhooks;

pub use cursor::{BadCursor, CursorKey};
pub use openapi::{declares, openapi_json};
pub use problem::{Code, Problem};
pub use serve::{ConnectionLimits, Entrance, serve, serve_content, serve_metrics, serve_profile};
pub use snapshots::StreamSnapshots;
pub use stream::StreamPolicy;
pub use tls::{Tls, TlsError};

use app::{ApiKeys, App, Principals, SignIn, Users};
use auth::Authenticator;
use axum::{Router, middleware::from_fn_with_state};
use hot::HotAnswers;
use limits::Limiter;
use pressure::Pressure;
use runtime::Metrics;
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use vocab::ChainId;

/// What the edge allows at once, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests under way; the next one is told to come back (503).
    pub requests_max: usize,
    /// How much longer than alone the quickest requests of a route may take, before fewer of them
    /// are let in; zero: as many as they are.
    pub queue_delay: Duration,
    /// Uploads under way; each holds a few hundred kilobytes.
    pub uploads_max: usize,
    /// Time for one request, its body included.
    pub request_time: Duration,
    /// Time for one upload.
    pub upload_time: Duration,
    /// Longest silence inside an upload.
    pub upload_idle: Duration,
    pub connections: ConnectionLimits,
    /// Bytes of answers to public reads that are kept for a moment; 0 keeps none.
    pub hot_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_max: 1_024,
            queue_delay: Duration::from_millis(200),
            uploads_max: 64,
            request_time: Duration::from_secs(30),
            upload_time: Duration::from_secs(300),
            upload_idle: Duration::from_secs(15),
            connections: ConnectionLimits::default(),
            hot_bytes: 64 << 20,
        }
    }
}

/// What the edge stands on.
#[derive(Debug)]
pub struct ApiConfig {
    pub app: App,
    pub authenticator: Authenticator,
    pub sign_in: SignIn,
    pub users: Users,
    pub keys: ApiKeys,
    pub principals: Principals,
    pub limiter: Limiter,
    /// Proxies in front of us, whose word on who calls them is believed.
    pub trusted_proxies: Vec<IpAddr>,
    pub metrics: Metrics,
    /// Signs cursors. The same in every process of a deployment.
    pub cursor_key: CursorKey,
    pub limits: Limits,
}

/// Shared by all handlers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ApiState(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: ApiConfig,
    gates: gate::Gates,
    requests: Semaphore,
    uploads: Semaphore,
    hot: HotAnswers,
    pressure: Pressure,
}

impl ApiState {
    #[must_use]
    pub fn new(config: ApiConfig) -> Self {
        let requests = Semaphore::new(config.limits.requests_max);
        let uploads = Semaphore::new(config.limits.uploads_max);
        let hot = HotAnswers::new(config.limits.hot_bytes, config.app.changes().clone());
        let gates = gate::Gates::new();
        let limits = &config.limits;
        let pressure = Pressure::new(gates.routes(), limits.requests_max, limits.queue_delay);
        Self(Arc::new(Inner { gates, config, requests, uploads, hot, pressure }))
    }

    /// An answer tells of a job that this block holds: public reads that come after it do so too.
    fn saw_block(&self, chain_id: i64, number: Option<i64>) {
        if let Some(number) = number {
            self.0.hot.saw_block(ChainId::from_i64(chain_id), number.unsigned_abs());
        }
    }

    fn app(&self) -> &App {
        &self.0.config.app
    }
}

impl std::ops::Deref for ApiState {
    type Target = ApiConfig;

    fn deref(&self) -> &ApiConfig {
        &self.0.config
    }
}

/// The API with all its middleware. `others` is merged inside it: the stream, the console.
pub fn router(state: ApiState, others: Router) -> Router {
    let (routes, _) = openapi::routes().split_for_parts();
    let routes = routes.merge(docs::routes()).with_state(state.clone()).merge(others);
    edge::wrap(routes, state.clone()).layer(from_fn_with_state(state, cors::pass))
}

/// `router` under the path of this version of the API: for what is served beside our own routes.
pub fn nested(router: Router) -> Router {
    Router::new().nest("/api/v1", router)
}

/// User content on its own origin: `GET /ipfs/{cid}`.
pub fn content_router(state: ApiState) -> Router {
    let routes = content_origin::routes().with_state(state.clone());
    edge::wrap(routes, state)
}

//! Connections: what `axum::serve` has no setting for. A client that does not finish its headers
//! in time is cut, as is one that does not take its answer; headers are bounded, connections are
//! counted, in all and by address, and an end waits for requests under way.

use crate::{
    ApiState, client_place::Peer, content_router, hot::quick::Quick, operations::metrics_text,
    peers::Peers, profile, router, stall::StallGuard, tls::Tls,
};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, header},
    response::Response,
    routing::get,
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use runtime::{CancellationToken, Metrics};
use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tower::{Service, ServiceExt};

/// Of browsers that were here once by TLS: for a year by nothing else.
const STRICT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What one listener bears.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Open connections; more wait in the kernel's queue.
    pub connections_max: usize,
    /// Of these, by one address; 0 is no bound. Proxies that are trusted have none.
    pub per_address_max: usize,
    /// From connecting, or from the last answer, to the end of the next request's headers.
    pub header_time: Duration,
    /// How long a client may take nothing of an answer that waits for it.
    pub stall_time: Duration,
    /// How long requests under way may take after the end was asked for.
    pub drain_time: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections_max: 20_000,
            per_address_max: 1_000,
            header_time: Duration::from_secs(30),
            stall_time: Duration::from_secs(30),
            drain_time: Duration::from_secs(20),
        }
    }
}

/// Bytes of one connection's read buffer, which bounds the headers too.
const BUFFER_MAX: usize = 32 * 1024;
const HEADERS_MAX: usize = 100;
/// Who asks for metrics is few.
const METRICS_CONNECTIONS_MAX: usize = 16;

/// Where somebody is listened to, and by TLS or in the open.
#[derive(Debug)]
pub struct Entrance {
    pub listener: TcpListener,
    /// None: a proxy does it, or nobody.
    pub tls: Option<Tls>,
}

impl From<TcpListener> for Entrance {
    /// In the open.
    fn from(listener: TcpListener) -> Self {
        Self { listener, tls: None }
    }
}

/// Serve the API, with `others` (stream, console) merged into it, until `shutdown`.
///
/// # Errors
/// None at present: trouble with one connection is that connection's alone.
pub async fn serve(
    entrance: impl Into<Entrance>,
    state: ApiState,
    others: Router,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let limits = state.limits.connections;
    let peers = Peers::new(limits.per_address_max, state.trusted_proxies.clone());
    let app = Quick::new(state.clone(), router(state, others));
    accept((entrance.into(), peers), app, limits, shutdown).await;
    Ok(())
}

/// Serve user content until `shutdown`. To be given an entrance of its own, with a third as many
/// connections.
///
/// # Errors
/// As [`serve`].
pub async fn serve_content(
    entrance: impl Into<Entrance>,
    state: ApiState,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let mut limits = state.limits.connections;
    limits.connections_max = limits.connections_max.div_ceil(3);
    let peers = Peers::new(limits.per_address_max, state.trusted_proxies.clone());
    accept((entrance.into(), peers), content_router(state), limits, shutdown).await;
    Ok(())
}

/// Serve `GET /metrics` of a process that serves nothing else, until `shutdown`.
///
/// # Errors
/// As [`serve`].
pub async fn serve_metrics(
    listener: TcpListener,
    metrics: Metrics,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let answer = move || std::future::ready(metrics_text(&metrics));
    let limits = ConnectionLimits {
        connections_max: METRICS_CONNECTIONS_MAX,
        drain_time: Duration::from_secs(1),
        ..ConnectionLimits::default()
    };
    let app = Router::new().route("/metrics", get(answer));
    accept((listener.into(), Peers::new(0, Vec::new())), app, limits, shutdown).await;
    Ok(())
}

/// Serve `GET /profile/…` of this process, until `shutdown`. To be given a listener of its own,
/// which only this machine reaches.
///
/// # Errors
/// As [`serve`].
pub async fn serve_profile(
    listener: TcpListener,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let limits = ConnectionLimits {
        connections_max: METRICS_CONNECTIONS_MAX,
        drain_time: Duration::from_secs(1),
        ..ConnectionLimits::default()
    };
    accept((listener.into(), Peers::new(0, Vec::new())), profile::routes(), limits, shutdown).await;
    Ok(())
}

/// What answers the requests of a connection.
trait Answering:
    Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<A> Answering for A where
    A: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

async fn accept(
    (entrance, peers): (Entrance, Arc<Peers>),
    app: impl Answering,
    limits: ConnectionLimits,
    shutdown: CancellationToken,
) {
    let Entrance { listener, tls } = entrance;
    // Ends connections that are not done when the time to drain is over.
    let cut = CancellationToken::new();
    let places = Arc::new(Semaphore::new(limits.connections_max));
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = shutdown.cancelled() => break,
            (place, accepted) = accepted => match accepted {
                Ok(accepted) => (place, accepted),
                Err(error) => {
                    // Out of file handles, or a client gone before it was accepted.
                    tracing::warn!(error = &error as &dyn std::error::Error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let Some(of_peer) = peers.enter(accepted.1.ip()) else {
            metrics::counter!("http_connections_refused_total").increment(1);
            continue;
        };
        let served = enter(accepted, tls.clone(), (app.clone(), limits), shutdown.clone());
        let cut = cut.clone();
        // tidy: allow(banned) a connection is no task of the supervisor's: `places` bounds them and
        // the drain below waits for each
        tokio::spawn(async move {
            tokio::select! {
                () = cut.cancelled() => {}
                () = served => {}
            }
            drop((place, of_peer));
        });
    }
    drop(listener);
    let all = u32::try_from(limits.connections_max).unwrap_or(u32::MAX);
    if tokio::time::timeout(limits.drain_time, places.acquire_many(all)).await.is_err() {
        tracing::warn!("requests under way are cut");
        cut.cancel();
    }
}

/// A connection, after its handshake where there is one.
async fn enter(
    (stream, peer): (TcpStream, SocketAddr),
    tls: Option<Tls>,
    (app, limits): (impl Answering, ConnectionLimits),
    stop: CancellationToken,
) {
    // Small answers must not wait for the next one.
    let _ = stream.set_nodelay(true);
    let guard = |stream| StallGuard::new(stream, limits.stall_time);
    let Some(tls) = tls else { return run((guard(stream), peer), app, limits, stop).await };
    // Apart, so that connections without TLS are not as large as those with it.
    Box::pin(async move {
        if let Some(stream) = tls.accept(stream, guard).await {
            run((stream, peer), app.map_response(strict), limits, stop).await;
        }
    })
    .await;
}

/// Every answer over TLS says that there is no other way.
fn strict(mut response: Response) -> Response {
    response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, STRICT);
    response
}

/// Until the client goes away, or the answer under way at `stop` is out.
async fn run<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    (stream, peer): (S, SocketAddr),
    app: impl Answering,
    limits: ConnectionLimits,
    stop: CancellationToken,
) {
    let adapt = move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        request
    };
    let service = hyper_util::service::TowerToHyperService::new(app.map_request(adapt));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_buf_size(BUFFER_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(error = &error as &dyn std::error::Error, "connection ended");
    }
}

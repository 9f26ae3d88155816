//! `GET /stream` and `GET /events`: from a request to a connection.

use crate::{
    Authorize, ClientAddress, CrossOrigin, Denied, Grant, Hub,
    connection::Door,
    events::{self, BadEvents, Wanted},
    frame::{Credential, Refusal},
    socket,
};
use axum::{
    Extension, Router,
    extract::{
        Query, State, WebSocketUpgrade, rejection::QueryRejection,
        ws::rejection::WebSocketUpgradeRejection,
    },
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::{net::IpAddr, sync::Arc};

/// Above this the parser itself gives up; our own, lower cap answers with a close code.
const FRAME_HARD_MAX: usize = 64 << 10;
/// Small, because each connection has one of each: 10,000 idle clients must stay cheap.
const READ_BUFFER: usize = 4 << 10;
const WRITE_BUFFER: usize = 8 << 10;
const WRITE_BUFFER_MAX: usize = 8 << 20;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

#[derive(Clone)]
struct Edge {
    hub: Hub,
    authorizer: Arc<dyn Authorize>,
}

/// Why no stream was opened: an extension of the answer, which has no body. The edge gives it one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOpened {
    /// 401: the credential in the header or cookie is wrong.
    Unauthenticated,
    /// 503: credentials can't be checked just now.
    Unavailable,
    /// 503
    TooManyConnections,
    /// 426: the request is no opening handshake of a WebSocket.
    NoWebSocket,
    /// 401: a topic of the events needs a credential.
    CredentialMissing,
    /// 403: the credential is not for this topic, or the filter asks for what is another's.
    Denied,
    /// 403: a browser shows a cookie for a page of somebody else.
    CrossOrigin,
    /// 400
    Bad(BadEvents),
}

/// A router with `GET /stream` and `GET /events`, to be nested where the API lives.
pub fn router(hub: Hub, authorizer: Arc<dyn Authorize>) -> Router {
    Router::new()
        .route("/stream", get(stream))
        .route("/events", get(follow))
        .with_state(Edge { hub, authorizer })
}

/// What the edge says of where a request comes from.
type From = Option<Extension<ClientAddress>>;

async fn stream(
    State(edge): State<Edge>,
    from: From,
    headers: HeaderMap,
    up: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let from = from.map(|Extension(ClientAddress(from))| from);
    let Ok(up) = up else { return NotOpened::NoWebSocket.into_response() };
    let (grant, door) = match granted(&edge, &headers, from).await {
        Ok(granted) => granted,
        Err(why) => return why.into_response(),
    };
    let Some(place) = edge.hub.enter() else {
        return NotOpened::TooManyConnections.into_response();
    };
    up.max_message_size(FRAME_HARD_MAX)
        .max_frame_size(FRAME_HARD_MAX)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .on_upgrade(move |socket| async move {
            socket::serve(socket, edge.hub, door, grant).await;
            drop(place);
        })
}

type Pairs = Query<Vec<(String, String)>>;

async fn follow(
    State(edge): State<Edge>,
    from: From,
    headers: HeaderMap,
    query: Result<Pairs, QueryRejection>,
) -> Result<Response, NotOpened> {
    let from = from.map(|Extension(ClientAddress(from))| from);
    let Query(pairs) = query.map_err(|_| NotOpened::Bad(BadEvents::Filter))?;
    let last = match headers.get(LAST_EVENT_ID) {
        Some(value) => Some(value.to_str().map_err(|_| NotOpened::Bad(BadEvents::Place))?),
        None => None,
    };
    let wanted = Wanted::parse(pairs).and_then(|wanted| wanted.subscriptions(last));
    let wanted = wanted.map_err(NotOpened::Bad)?;
    let (grant, door) = granted(&edge, &headers, from).await?;
    let place = edge.hub.enter().ok_or(NotOpened::TooManyConnections)?;
    let body = events::open(edge.hub, door, grant, place, wanted).map_err(refused)?;
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        // Proxies must not collect what is to come at once.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, body).into_response())
}

fn refused(refusal: Refusal) -> NotOpened {
    match refusal {
        Refusal::Unauthenticated => NotOpened::CredentialMissing,
        Refusal::Denied => NotOpened::Denied,
        Refusal::FilterNotAllowed => NotOpened::Bad(BadEvents::Filter),
        // A name of no length, or too long a one, is that of no topic.
        Refusal::UnknownTopic | Refusal::InvalidId => NotOpened::Bad(BadEvents::UnknownTopic),
        _ => NotOpened::Bad(BadEvents::Topics),
    }
}

async fn granted(
    edge: &Edge,
    headers: &HeaderMap,
    from: Option<IpAddr>,
) -> Result<(Grant, Door), NotOpened> {
    let authorizer = edge.authorizer.clone();
    let shown = match bearer(headers) {
        Some(text) => Some(text),
        None => authorizer.cookie(headers).map_err(|CrossOrigin| NotOpened::CrossOrigin)?,
    };
    let grant = match shown {
        Some(text) => authorizer.authenticate(text, from).await,
        None => Ok(authorizer.anonymous()),
    };
    let grant = grant.map_err(|denied| match denied {
        Denied::Unauthenticated => NotOpened::Unauthenticated,
        Denied::Unavailable => NotOpened::Unavailable,
    })?;
    let credential = shown.map(|text| Credential(text.to_owned()));
    Ok((grant, Door { authorizer, from, credential }))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?;
    // A header that is no text is a wrong credential, not an absent one.
    let text = value.to_str().unwrap_or("");
    Some(text.strip_prefix("Bearer ").unwrap_or(text).trim())
}

impl NotOpened {
    const fn status(self) -> StatusCode {
        match self {
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Unavailable | Self::TooManyConnections => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoWebSocket => StatusCode::UPGRADE_REQUIRED,
            Self::CredentialMissing => StatusCode::UNAUTHORIZED,
            Self::Denied | Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::Bad(_) => StatusCode::BAD_REQUEST,
        }
    }
}

impl IntoResponse for NotOpened {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

//! `GET /stream`: from a request to a connection.

use crate::{
    Authorize, ClientAddress, Denied, Hub,
    connection::{self, Door},
    frame::Credential,
};
use axum::{
    Extension, Router,
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;

/// Above this the parser itself gives up; our own, lower cap answers with a close code.
const FRAME_HARD_MAX: usize = 64 << 10;
/// Small, because each connection has one of each: 10,000 idle clients must stay cheap.
const READ_BUFFER: usize = 4 << 10;
const WRITE_BUFFER: usize = 8 << 10;
const WRITE_BUFFER_MAX: usize = 8 << 20;

#[derive(Clone)]
struct Edge {
    hub: Hub,
    authorizer: Arc<dyn Authorize>,
}

/// Why no stream was opened: an extension of the answer, which has no body. The edge gives it one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOpened {
    /// 401: the credential in the header is wrong.
    Unauthenticated,
    /// 503: credentials can't be checked just now.
    Unavailable,
    /// 503
    TooManyConnections,
    /// 426: the request is no opening handshake of a WebSocket.
    NoWebSocket,
}

/// A router with `GET /stream`, to be nested where the API lives.
pub fn router(hub: Hub, authorizer: Arc<dyn Authorize>) -> Router {
    Router::new().route("/stream", get(stream)).with_state(Edge { hub, authorizer })
}

async fn stream(
    State(edge): State<Edge>,
    from: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    up: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(up) = up else { return NotOpened::NoWebSocket.into_response() };
    let from = from.map(|Extension(ClientAddress(from))| from);
    let grant = match bearer(&headers) {
        None => edge.authorizer.anonymous(),
        Some(credential) => match edge.authorizer.authenticate(credential, from).await {
            Ok(grant) => grant,
            Err(Denied::Unauthenticated) => return NotOpened::Unauthenticated.into_response(),
            Err(Denied::Unavailable) => return NotOpened::Unavailable.into_response(),
        },
    };
    let credential = bearer(&headers).map(|text| Credential(text.to_owned()));
    let Some(place) = edge.hub.enter() else {
        return NotOpened::TooManyConnections.into_response();
    };
    up.max_message_size(FRAME_HARD_MAX)
        .max_frame_size(FRAME_HARD_MAX)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .on_upgrade(move |socket| async move {
            let door = Door { authorizer: edge.authorizer, from, credential };
            connection::serve(socket, edge.hub, door, grant).await;
            drop(place);
        })
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

//! `GET /stream`: from a request to a connection.

use crate::{Authorize, Denied, Hub, connection};
use axum::{
    Json, Router,
    extract::{State, WebSocketUpgrade},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
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

/// A router with `GET /stream`, to be nested where the API lives.
pub fn router(hub: Hub, authorizer: Arc<dyn Authorize>) -> Router {
    Router::new().route("/stream", get(stream)).with_state(Edge { hub, authorizer })
}

async fn stream(State(edge): State<Edge>, headers: HeaderMap, up: WebSocketUpgrade) -> Response {
    let grant = match bearer(&headers) {
        None => edge.authorizer.anonymous(),
        Some(credential) => match edge.authorizer.authenticate(credential).await {
            Ok(grant) => grant,
            Err(Denied::Unauthenticated) => {
                return problem(StatusCode::UNAUTHORIZED, "unauthenticated");
            }
            Err(Denied::Unavailable) => {
                return problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
            }
        },
    };
    let Some(place) = edge.hub.enter() else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections");
    };
    up.max_message_size(FRAME_HARD_MAX)
        .max_frame_size(FRAME_HARD_MAX)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .on_upgrade(move |socket| async move {
            connection::serve(socket, edge.hub, edge.authorizer, grant).await;
            drop(place);
        })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?;
    // A header that is no text is a wrong credential, not an absent one.
    let text = value.to_str().unwrap_or("");
    Some(text.strip_prefix("Bearer ").unwrap_or(text).trim())
}

fn problem(status: StatusCode, code: &'static str) -> Response {
    let title = status.canonical_reason();
    let body =
        json!({"type": "about:blank", "title": title, "status": status.as_u16(), "code": code});
    (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(body)).into_response()
}

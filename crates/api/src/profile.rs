//! A port of its own, of this machine only, for those who look after the process: where its time
//! goes, and its memory. It knows no callers, so it must not be reached by others.

use axum::{
    Json, Router,
    extract::{Query, Request, rejection::QueryRejection},
    http::{StatusCode, header, uri::Authority},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use runtime::{PROFILE_TIME_MAX, ProfileError, profile_cpu, read_memory};
use serde::Deserialize;
use std::{net::IpAddr, time::Duration};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CpuQuery {
    #[serde(default = "usual_seconds")]
    seconds: u64,
    #[serde(default = "usual_hertz")]
    hertz: u16,
}

const fn usual_seconds() -> u64 {
    10
}

const fn usual_hertz() -> u16 {
    99
}

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/profile/cpu", get(get_cpu))
        .route("/profile/memory", get(get_memory))
        .layer(from_fn(pass))
}

/// A page of a browser here may ask under a name of its own that leads to this machine: only who
/// names this machine itself is answered.
async fn pass(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| host.parse::<Authority>().ok());
    let local = host.is_some_and(|host| {
        let name = host.host().trim_matches(['[', ']']);
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    });
    if local { next.run(request).await } else { refuse(StatusCode::FORBIDDEN, "another host") }
}

/// Stacks with how often each was seen, as flame graphs are made of.
async fn get_cpu(query: Result<Query<CpuQuery>, QueryRejection>) -> Response {
    let Ok(Query(CpuQuery { seconds, hertz })) = query else {
        return refuse(StatusCode::BAD_REQUEST, "?seconds=10&hertz=99");
    };
    tracing::info!(seconds, hertz, "a profile is taken");
    let time = Duration::from_secs(seconds.min(PROFILE_TIME_MAX.as_secs() + 1));
    match profile_cpu(time, hertz).await {
        Ok(stacks) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], stacks).into_response()
        }
        Err(error @ ProfileError::Bounds) => refuse(StatusCode::BAD_REQUEST, &error.to_string()),
        Err(error @ ProfileError::Busy) => refuse(StatusCode::CONFLICT, &error.to_string()),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "there is no profile");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
        }
    }
}

async fn get_memory() -> Response {
    match read_memory() {
        Ok(memory) => Json(memory).into_response(),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn refuse(status: StatusCode, said: &str) -> Response {
    (status, format!("{said}\n")).into_response()
}

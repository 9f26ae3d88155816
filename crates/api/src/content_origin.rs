//! `/ipfs/{cid}`: user content, on an origin that holds no cookies.

use crate::{
    ApiState,
    problem::{Code, Problem},
};
use app::AppError;
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, Method},
    response::Response,
    routing::{any, get},
};
use content::{Cid, serve};

pub(crate) fn routes() -> Router<ApiState> {
    Router::new()
        .route("/ipfs/{cid}", any(get_content))
        .route("/health", get(crate::operations::get_health))
}

async fn get_content(
    State(state): State<ApiState>,
    Path(cid): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let cid: Cid = cid.parse().map_err(|_| Code::ContentUnknown)?;
    let served = serve::serve(state.app().store(), &cid, &method, &headers).await;
    let mut response = served.map_err(AppError::from)?.map(Body::new);
    if response.status() == 404 {
        response.extensions_mut().insert(Problem::from(Code::ContentUnknown));
    }
    Ok(response)
}

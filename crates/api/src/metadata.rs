//! `/api/v1/metadata`

use crate::{
    ApiState,
    extract::{Document, Holder, IdempotencyKey},
    operations::answer,
    problem::Problem,
};
use api_types::{Metadata, StoredMetadata};
use axum::{extract::State, response::Response};
use serde_json::json;

/// Store metadata
///
/// ERC-721 metadata, checked and stored in its canonical form as one raw block. Unknown fields are
/// kept. The `uri` in the answer is what a mint takes.
#[utoipa::path(
    post, path = "/api/v1/metadata", tag = "content", operation_id = "store_metadata",
    request_body = Metadata,
    responses((status = 201, description = "Stored", body = StoredMetadata)),
)]
pub(crate) async fn store_metadata(
    State(state): State<ApiState>,
    Holder(who): Holder,
    IdempotencyKey(key): IdempotencyKey,
    Document(document): Document,
) -> Result<Response, Problem> {
    let render = |stored: &app::StoredMetadata| {
        json!(StoredMetadata {
            cid: stored.cid.to_string(),
            uri: stored.cid.to_uri(),
            size: stored.size,
        })
    };
    let done = state.app().store_metadata(who.caller(), &key, &document, render).await?;
    Ok(answer(done, None))
}

//! `/api/v1/mints/batch`

use crate::{
    ApiState,
    extract::{DOCUMENT_BODY_MAX, Holder, Keyed},
    operations::answer,
    problem::{Code, Problem},
    show,
};
use api_types::{BatchedMint, MintBatch, MintBatchItem, MintBatchRequest, MintRequest};
use app::{Fingerprint, MintItem};
use axum::{extract::State, response::Response};
use serde_json::{Value, json};

/// Ask for many mints
///
/// All of them are accepted in one commit, or none is: then `errors` says what is wrong with which
/// item. Each becomes a job of its own.
#[utoipa::path(
    post, path = "/api/v1/mints/batch", tag = "mints", operation_id = "request_mints",
    request_body = MintBatchRequest,
    responses((status = 202, description = "The jobs, in the order asked for", body = MintBatch)),
)]
pub(crate) async fn request_mints(
    State(state): State<ApiState>,
    Holder(who): Holder,
    body: Keyed<MintBatchRequest, DOCUMENT_BODY_MAX>,
) -> Result<Response, Problem> {
    let items = body.value.items.iter().map(item).collect::<Result<Vec<_>, _>>()?;
    let once = body.once();
    let render = |jobs: &[(String, app::MintJob)]| {
        let batched = jobs.iter().map(|(id, job)| (id.clone(), show::mint(job)));
        json!(MintBatch { items: batched.map(|(id, mint)| BatchedMint { id, mint }).collect() })
    };
    Ok(answer(state.app().request_mints(who.caller(), once, &items, render).await?, None))
}

fn item(item: &MintBatchItem) -> Result<MintItem<'_>, Problem> {
    Ok(MintItem {
        id: &item.id,
        fingerprint: alone(item)?,
        request: app::MintRequest {
            to: &item.to,
            uri: item.uri.as_deref(),
            metadata: item.metadata.as_deref().map(|raw| raw.get().as_bytes()),
            collection: item.collection.as_deref(),
            chain_id: item.chain_id,
        },
    })
}

/// The fingerprint of the request that would ask for this mint alone: so an item is the same mint
/// whether it comes in a batch or by itself.
fn alone(item: &MintBatchItem) -> Result<Fingerprint, Problem> {
    let request = MintRequest {
        to: item.to.clone(),
        uri: item.uri.clone(),
        metadata: item.metadata.clone(),
        collection: item.collection.clone(),
        chain_id: item.chain_id,
    };
    // By its text: a raw document becomes a value only so, and a value sorts its keys.
    let text = serde_json::to_string(&request).unwrap_or_default();
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| Problem::from(Code::BodyMalformed).saying(error.to_string()))?;
    Ok(Fingerprint::of("POST", "/api/v1/mints", value.to_string().as_bytes()))
}

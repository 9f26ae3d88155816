//! `/api/v1/mints`

use crate::{
    ApiState,
    cursor::Listing,
    extract::{DOCUMENT_BODY_MAX, Holder, Keyed, Named, Queried, limit},
    operations::{answer, page},
    problem::{Code, Problem},
    show,
};
use api_types::{Mint, MintList, MintListQuery, MintRequest};
use app::MintQuery;
use axum::{
    Json,
    extract::{OriginalUri, State},
    response::Response,
};
use serde_json::json;
use uuid::Uuid;
use vocab::MintId;

/// Ask for a mint
///
/// The item is minted to `to` in a collection. The answer is a job; watch it here or on the stream.
#[utoipa::path(
    post, path = "/api/v1/mints", tag = "mints", operation_id = "request_mint",
    request_body = MintRequest,
    responses((status = 202, description = "The job", body = Mint)),
)]
pub(crate) async fn request_mint(
    State(state): State<ApiState>,
    Holder(who): Holder,
    body: Keyed<MintRequest, DOCUMENT_BODY_MAX>,
) -> Result<Response, Problem> {
    let request = app::MintRequest {
        to: &body.value.to,
        uri: body.value.uri.as_deref(),
        metadata: body.value.metadata.as_deref().map(|raw| raw.get().as_bytes()),
        collection: body.value.collection.as_deref(),
        chain_id: body.value.chain_id,
    };
    let once = body.once();
    let render = |job: &app::MintJob| json!(show::mint(job));
    let done = state.app().request_mint(who.caller(), once, request, render).await?;
    let id = serde_json::from_slice::<Mint>(&done.body).ok().map(|mint| mint.id);
    Ok(answer(done, id.map(|id| format!("/api/v1/mints/{id}"))))
}

/// Look at a mint
#[utoipa::path(
    get, path = "/api/v1/mints/{id}", tag = "mints", operation_id = "get_mint",
    params(("id" = Uuid, Path, description = "Id of the job")),
    responses((status = 200, description = "The job", body = Mint)),
)]
pub(crate) async fn get_mint(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
) -> Result<Json<Mint>, Problem> {
    let job = state.app().load_mint(who.caller(), MintId(id)).await?;
    state.saw_block(job.chain_id, job.block_number);
    Ok(Json(show::mint(&job)))
}

/// List mints
///
/// Newest first; your own, or everybody's with the scope `admin`.
#[utoipa::path(
    get, path = "/api/v1/mints", tag = "mints", operation_id = "list_mints",
    params(MintListQuery),
    responses((status = 200, description = "One page", body = MintList)),
)]
pub(crate) async fn list_mints(
    State(state): State<ApiState>,
    Holder(who): Holder,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<MintListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let (owner, chain) = (who.owner(), query.chain_id.map(|id| id.to_string()));
    let filters = [
        Some(owner.as_str()),
        query.status.as_deref(),
        query.collection.as_deref(),
        query.to.as_deref(),
        chain.as_deref(),
    ];
    let listing = Listing { name: "mints", filters: &filters };
    let before = match &query.cursor {
        Some(text) => Some(position(&state, listing, text)?),
        None => None,
    };
    let asked = MintQuery {
        status: query.status.as_deref(),
        collection: query.collection.as_deref(),
        to: query.to.as_deref(),
        chain_id: query.chain_id,
    };
    let mut jobs = state.app().list_mints(who.caller(), asked, before, limit + 1).await?;
    let more = jobs.len() as i64 > limit;
    jobs.truncate(limit.unsigned_abs() as usize);
    jobs.iter().for_each(|job| state.saw_block(job.chain_id, job.block_number));
    let last = jobs.last().filter(|_| more);
    let next_cursor = last.map(|job| state.cursor_key.seal(listing, job.id.as_bytes()));
    let list = MintList { items: jobs.iter().map(show::mint).collect(), next_cursor };
    Ok(page(&uri, list.next_cursor.as_deref(), &list))
}

fn position(state: &ApiState, listing: Listing<'_>, text: &str) -> Result<MintId, Problem> {
    let position = state.cursor_key.open(listing, text).map_err(|_| Code::CursorInvalid)?;
    let id = Uuid::from_slice(&position).map_err(|_| Code::CursorInvalid)?;
    Ok(MintId(id))
}

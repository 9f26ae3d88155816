//! `/api/v1/collections`

use crate::{
    ApiState,
    cursor::Listing,
    extract::{BODY_MAX, Holder, Keyed, Named, Queried, Who, limit},
    operations::{answer, page},
    problem::{Code, Problem},
    show,
};
use api_types::{Collection, CollectionList, CollectionListQuery, CollectionRequest, ContentMode};
use app::CollectionSpec;
use axum::{
    Json,
    extract::{OriginalUri, State},
    response::Response,
};
use serde_json::json;
use vocab::{Address, ChainId};

/// Ask for a collection
///
/// It is deployed by the factory at the address in the answer. Mints into it are accepted once it
/// stands on chain.
#[utoipa::path(
    post, path = "/api/v1/collections", tag = "collections", operation_id = "request_collection",
    request_body = CollectionRequest,
    responses((status = 202, description = "The collection to be", body = Collection)),
)]
pub(crate) async fn request_collection(
    State(state): State<ApiState>,
    Holder(who): Holder,
    body: Keyed<CollectionRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    let request = &body.value;
    let spec = CollectionSpec {
        name: &request.name,
        symbol: &request.symbol,
        content_mode: match request.content_mode {
            ContentMode::Digest => "digest",
            ContentMode::BaseUri => "base_uri",
            ContentMode::FreeUri => "free_uri",
        },
        base_uri: request.base_uri.as_deref(),
        contract_uri: request.contract_uri.as_deref(),
        admin: request.admin.as_deref(),
        royalty_receiver: request.royalty_receiver.as_deref(),
        royalty_bps: request.royalty_bps,
        chain_id: request.chain_id,
    };
    let once = body.once();
    let render = |row: &app::CollectionRow| json!(show::collection(row));
    let done = state.app().request_collection(who.caller(), once, spec, render).await?;
    let shown = serde_json::from_slice::<Collection>(&done.body).ok();
    let location = shown.map(|c| format!("/api/v1/collections/{}/{}", c.chain_id, c.contract));
    Ok(answer(done, location))
}

/// Look at a collection
#[utoipa::path(
    get, path = "/api/v1/collections/{chain_id}/{contract}", tag = "collections",
    operation_id = "get_collection",
    params(
        ("chain_id" = u64, Path, description = "EIP-155 chain id", example = 31337),
        ("contract" = String, Path, description = "Address of the collection"),
    ),
    responses((status = 200, description = "The collection", body = Collection)),
)]
pub(crate) async fn get_collection(
    State(state): State<ApiState>,
    who: Who,
    Named((chain_id, contract)): Named<(u64, String)>,
) -> Result<Json<Collection>, Problem> {
    let row = state.app().load_collection(who.caller(), chain_id, &contract).await?;
    Ok(Json(show::collection(&row)))
}

/// List collections
///
/// On chain or asked for, in the order of chain and contract.
#[utoipa::path(
    get, path = "/api/v1/collections", tag = "collections", operation_id = "list_collections",
    params(CollectionListQuery),
    responses((status = 200, description = "One page", body = CollectionList)),
)]
pub(crate) async fn list_collections(
    State(state): State<ApiState>,
    who: Who,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<CollectionListQuery>,
) -> Result<Response, Problem> {
    const LISTING: Listing<'static> = Listing { name: "collections", filters: &[] };
    let limit = limit(query.limit)?;
    let after = match &query.cursor {
        Some(text) => {
            let opened = state.cursor_key.open(LISTING, text).map_err(|_| Code::CursorInvalid)?;
            Some(position(&opened).ok_or(Code::CursorInvalid)?)
        }
        None => None,
    };
    let mut rows = state.app().list_collections(who.caller(), after, limit + 1).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit.unsigned_abs() as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| {
        let position = [&row.chain_id.to_be_bytes(), row.contract.as_slice()].concat();
        state.cursor_key.seal(LISTING, &position)
    });
    let list = CollectionList { items: rows.iter().map(show::collection).collect(), next_cursor };
    Ok(page(&uri, list.next_cursor.as_deref(), &list))
}

fn position(bytes: &[u8]) -> Option<(ChainId, Address)> {
    let (chain, contract) = bytes.split_first_chunk::<8>()?;
    let contract: [u8; 20] = contract.try_into().ok()?;
    Some((ChainId::from_i64(i64::from_be_bytes(*chain)), Address::from(contract)))
}

//! `/api/v1/abis`

use crate::{
    ApiState,
    cursor::Listing,
    extract::{CALL_BODY_MAX, Holder, Keyed, Named, Queried, limit},
    operations::{answer, page},
    problem::{Code, Problem},
    show_transactions as show,
};
use api_types::{AbiDetail, AbiEntry, AbiList, AbiListQuery, AbiRequest};
use app::AbiSpec;
use axum::{
    Json,
    extract::{OriginalUri, State},
    http::StatusCode,
    response::Response,
};
use serde_json::json;
use vocab::{Address, ChainId};

/// Upload an ABI
///
/// From then on the contract can be called by name and types. For operators.
#[utoipa::path(
    post, path = "/api/v1/abis", tag = "transactions", operation_id = "store_abi",
    request_body = AbiRequest,
    responses((status = 201, description = "The contract", body = AbiDetail)),
)]
pub(crate) async fn store_abi(
    State(state): State<ApiState>,
    Holder(who): Holder,
    body: Keyed<AbiRequest, CALL_BODY_MAX>,
) -> Result<Response, Problem> {
    let request = &body.value;
    let spec = AbiSpec {
        chain_id: request.chain_id,
        address: &request.address,
        name: &request.name,
        abi: &request.abi,
    };
    let once = body.once();
    let render = |abi: &app::Abi| json!(show::abi(abi, None));
    let done = state.app().store_abi(who.caller(), once, spec, render).await?;
    let shown = serde_json::from_slice::<AbiEntry>(&done.body).ok();
    let location = shown.map(|abi| format!("/api/v1/abis/{}/{}", abi.chain_id, abi.address));
    Ok(answer(done, location))
}

/// List contracts
///
/// Those that can be called by name and types, in the order of chain and address: the engine's own
/// and uploaded ones. Collections are not listed, but can be called too.
#[utoipa::path(
    get, path = "/api/v1/abis", tag = "transactions", operation_id = "list_abis",
    params(AbiListQuery),
    responses((status = 200, description = "One page", body = AbiList)),
)]
pub(crate) async fn list_abis(
    State(state): State<ApiState>,
    Holder(who): Holder,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<AbiListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let chain = query.chain_id.map(|id| id.to_string());
    let filters = [chain.as_deref()];
    let listing = Listing { name: "abis", filters: &filters };
    let after = match &query.cursor {
        Some(text) => {
            let opened = state.cursor_key.open(listing, text).map_err(|_| Code::CursorInvalid)?;
            Some(position(&opened).ok_or(Code::CursorInvalid)?)
        }
        None => None,
    };
    let app = state.app();
    let mut rows = app.list_abis(who.caller(), query.chain_id, after, limit + 1).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit.unsigned_abs() as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| {
        let position = [&row.chain_id.to_be_bytes(), row.address.as_slice()].concat();
        state.cursor_key.seal(listing, &position)
    });
    let list = AbiList { items: rows.iter().map(show::abi_entry).collect(), next_cursor };
    Ok(page(&uri, list.next_cursor.as_deref(), &list))
}

fn position(bytes: &[u8]) -> Option<(ChainId, Address)> {
    let (chain, address) = bytes.split_first_chunk::<8>()?;
    let address: [u8; 20] = address.try_into().ok()?;
    Some((ChainId::from_i64(i64::from_be_bytes(*chain)), Address::from(address)))
}

/// Look at an ABI
#[utoipa::path(
    get, path = "/api/v1/abis/{chain_id}/{address}", tag = "transactions",
    operation_id = "get_abi",
    params(
        ("chain_id" = u64, Path, description = "EIP-155 chain id", example = 31337),
        ("address" = String, Path, description = "Address of the contract"),
    ),
    responses((status = 200, description = "The contract", body = AbiDetail)),
)]
pub(crate) async fn get_abi(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named((chain_id, address)): Named<(u64, String)>,
) -> Result<Json<AbiDetail>, Problem> {
    let (abi, json) = state.app().load_abi(who.caller(), chain_id, &address).await?;
    Ok(Json(show::abi(&abi, Some(json))))
}

/// Forget an uploaded ABI
///
/// Transactions that were queued with it stay as they are.
#[utoipa::path(
    delete, path = "/api/v1/abis/{chain_id}/{address}", tag = "transactions",
    operation_id = "delete_abi",
    params(
        ("chain_id" = u64, Path, description = "EIP-155 chain id", example = 31337),
        ("address" = String, Path, description = "Address of the contract"),
    ),
    responses((status = 204, description = "It is forgotten")),
)]
pub(crate) async fn delete_abi(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named((chain_id, address)): Named<(u64, String)>,
) -> Result<StatusCode, Problem> {
    state.app().delete_abi(who.caller(), chain_id, &address).await?;
    Ok(StatusCode::NO_CONTENT)
}

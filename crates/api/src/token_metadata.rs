//! `/api/v1/items/…/metadata`, `/api/v1/items/…/refresh` and `/api/v1/collections/…/traits`

use crate::{
    ApiState,
    cursor::Listing,
    extract::{Holder, Named, Queried, Who, limit},
    operations::page,
    problem::{Code, Problem},
    show::{address, time},
};
use api_types::{
    MetadataRefresh, MetadataState, Royalty, TokenMetadata, TraitCount, TraitList, TraitListQuery,
};
use app::MetadataRow;
use axum::{
    Json,
    extract::{OriginalUri, State},
    http::StatusCode,
    response::Response,
};

/// Look at a token's metadata
///
/// Of an item, or of a token of a followed ERC-1155 contract: the document behind its URI, whole.
#[utoipa::path(
    get, path = "/api/v1/items/{chain_id}/{contract}/{token_id}/metadata", tag = "items",
    operation_id = "get_token_metadata",
    params(
        ("chain_id" = u64, Path, description = "EIP-155 chain id", example = 31337),
        ("contract" = String, Path, description = "Address of the contract"),
        ("token_id" = String, Path, description = "Decimal", example = "17"),
    ),
    responses((status = 200, description = "What is known", body = TokenMetadata)),
)]
pub(crate) async fn get_token_metadata(
    State(state): State<ApiState>,
    who: Who,
    Named((chain_id, contract, token_id)): Named<(u64, String, String)>,
) -> Result<Json<TokenMetadata>, Problem> {
    let key = (chain_id, contract.as_str(), token_id.as_str());
    let row = state.app().load_token_metadata(who.caller(), key).await?;
    Ok(Json(show(row.as_ref())))
}

/// Have a token's metadata read again
///
/// The contract is asked for the URI anew, and the document is fetched. At most once a minute for
/// each token; asked more often, nothing more happens.
#[utoipa::path(
    post, path = "/api/v1/items/{chain_id}/{contract}/{token_id}/refresh", tag = "items",
    operation_id = "refresh_token_metadata",
    params(
        ("chain_id" = u64, Path, description = "EIP-155 chain id", example = 31337),
        ("contract" = String, Path, description = "Address of the contract"),
        ("token_id" = String, Path, description = "Decimal", example = "17"),
    ),
    responses((status = 202, description = "What becomes of it", body = MetadataRefresh)),
)]
pub(crate) async fn refresh_token_metadata(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named((chain_id, contract, token_id)): Named<(u64, String, String)>,
) -> Result<(StatusCode, Json<MetadataRefresh>), Problem> {
    let key = (chain_id, contract.as_str(), token_id.as_str());
    let queued = state.app().refresh_token_metadata(who.caller(), key).await?;
    Ok((StatusCode::ACCEPTED, Json(MetadataRefresh { queued })))
}

/// List a collection's traits
///
/// With how many items have each, in the order of type and value: of a collection, or of a
/// followed ERC-721 contract.
#[utoipa::path(
    get, path = "/api/v1/collections/{chain_id}/{contract}/traits", tag = "collections",
    operation_id = "list_traits",
    params(
        ("chain_id" = u64, Path, description = "EIP-155 chain id", example = 31337),
        ("contract" = String, Path, description = "Address of the contract"),
        TraitListQuery,
    ),
    responses((status = 200, description = "One page", body = TraitList)),
)]
pub(crate) async fn list_traits(
    State(state): State<ApiState>,
    who: Who,
    OriginalUri(uri): OriginalUri,
    Named((chain_id, contract)): Named<(u64, String)>,
    Queried(query): Queried<TraitListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let chain = chain_id.to_string();
    let filters = [Some(chain.as_str()), Some(contract.as_str())];
    let listing = Listing { name: "traits", filters: &filters };
    let after = match &query.cursor {
        Some(text) => {
            let opened = state.cursor_key.open(listing, text).map_err(|_| Code::CursorInvalid)?;
            Some(position(opened).ok_or(Code::CursorInvalid)?)
        }
        None => None,
    };
    let after = after.as_ref().map(|(kind, value)| (kind.as_str(), value.as_str()));
    let key = (chain_id, contract.as_str());
    let mut rows = state.app().list_traits(who.caller(), key, after, limit + 1).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit.unsigned_abs() as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| {
        // Neither holds a NUL.
        let position = format!("{}\0{}", row.trait_type, row.value);
        state.cursor_key.seal(listing, position.as_bytes())
    });
    let items = rows.into_iter().map(|row| TraitCount {
        trait_type: row.trait_type,
        value: row.value,
        items: row.items.unsigned_abs(),
    });
    let list = TraitList { items: items.collect(), next_cursor };
    Ok(page(&uri, list.next_cursor.as_deref(), &list))
}

fn position(bytes: Vec<u8>) -> Option<(String, String)> {
    let text = String::from_utf8(bytes).ok()?;
    let (kind, value) = text.split_once('\0')?;
    Some((kind.to_owned(), value.to_owned()))
}

/// What is known of a document. Nothing is known of what has not come to its turn.
pub(crate) fn show(row: Option<&MetadataRow>) -> TokenMetadata {
    let text = |of: fn(&MetadataRow) -> &Option<String>| row.and_then(|row| of(row).clone());
    let failed = row.is_some_and(|row| row.state == "failed");
    let royalty = row.and_then(|row| row.royalty_receiver.zip(row.royalty_bps));
    TokenMetadata {
        state: match row.map(|row| row.state.as_str()) {
            Some("resolved") => MetadataState::Resolved,
            Some("failed") => MetadataState::Failed,
            _ => MetadataState::Pending,
        },
        reason: text(|row| &row.reason),
        retry_at: row.filter(|_| failed).and_then(|row| row.due_at).map(time),
        name: text(|row| &row.name),
        description: text(|row| &row.description),
        image: text(|row| &row.image),
        animation_url: text(|row| &row.animation_url),
        external_url: text(|row| &row.external_url),
        attributes: row
            .and_then(|row| serde_json::from_value(row.attributes.clone()).ok())
            .unwrap_or_default(),
        royalty: royalty
            .map(|(to, bps)| Royalty { receiver: address(to.0), bps: bps.unsigned_abs() }),
        verified: row.and_then(|row| row.verified),
        as_of_block: row.and_then(|row| row.resolved_block).map(i64::unsigned_abs),
        resolved_at: row.and_then(|row| row.resolved_at).map(time),
    }
}

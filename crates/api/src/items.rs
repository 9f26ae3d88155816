//! `/api/v1/items`

use crate::{
    ApiState,
    cursor::Listing,
    extract::{Named, Queried, Traited, Who, limit},
    holdings::reflecting,
    hot::OneItem,
    operations::page,
    problem::{Code, Problem},
    show, token_metadata,
};
use api_types::{Item, ItemDetail, ItemList, ItemListQuery, LookQuery};
use app::{ItemQuery, ItemRow, Look, Seen};
use axum::{
    Json,
    extract::{OriginalUri, State},
    response::{IntoResponse, Response},
};
use vocab::{Address, U256};

/// Look at an item
///
/// With owner, content, resolved metadata, the job that minted it and its history. The header
/// `x-as-of` names the block that it reflects; an answer that is kept may name one before the last,
/// which did not change the item.
#[utoipa::path(
    get, path = "/api/v1/items/{chain_id}/{contract}/{token_id}", tag = "items",
    operation_id = "get_item",
    params(
        ("chain_id" = u64, Path, description = "EIP-155 chain id", example = 31337),
        ("contract" = String, Path, description = "Address of the collection"),
        ("token_id" = String, Path, description = "Decimal", example = "17"),
        LookQuery,
    ),
    responses((status = 200, description = "The item", body = ItemDetail)),
)]
pub(crate) async fn get_item(
    State(state): State<ApiState>,
    who: Who,
    Named((chain_id, contract, token_id)): Named<(u64, String, String)>,
    Queried(query): Queried<LookQuery>,
) -> Result<Response, Problem> {
    let key = (chain_id, contract.as_str(), token_id.as_str());
    let Seen { chain, as_of, found } =
        state.app().load_item(who.caller(), key, query.wait_for_block).await?;
    let mut answer = reflecting(Json(show::item_detail(&found)).into_response(), as_of);
    let item = &found.whole.item;
    answer.extensions_mut().insert(OneItem {
        chain,
        contract: item.contract,
        token_id: item.token_id,
        block: item.updated_block.unsigned_abs(),
        level: found.level,
    });
    Ok(answer)
}

/// List items
///
/// Of one chain, in the order of contract and token id: of collections and of followed ERC-721
/// contracts. The header `x-as-of` names the block that it reflects.
#[utoipa::path(
    get, path = "/api/v1/items", tag = "items", operation_id = "list_items",
    params(
        ItemListQuery,
        ("trait" = Option<Vec<String>>, Query,
            description = "`TYPE:VALUE`, as `Background:Blue`; may stand up to ten times, for \
                items that have all of them. Only with `collection`, and not with \
                `as_of_block`. A colon inside the type is `\\:`."),
    ),
    responses((status = 200, description = "One page", body = ItemList)),
)]
pub(crate) async fn list_items(
    State(state): State<ApiState>,
    who: Who,
    OriginalUri(uri): OriginalUri,
    Traited { query, traits }: Traited<ItemListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let chain = query.chain_id.map(|id| id.to_string());
    let joined = (!traits.is_empty()).then(|| traits.join("\0"));
    let as_of = query.as_of_block.map(|number| number.to_string());
    let filters = [
        chain.as_deref(),
        query.owner.as_deref(),
        query.collection.as_deref(),
        as_of.as_deref(),
        joined.as_deref(),
    ];
    let listing = Listing { name: "items", filters: &filters };
    let after = match &query.cursor {
        Some(text) => Some(position(&state, listing, text)?),
        None => None,
    };
    let asked = ItemQuery {
        chain_id: query.chain_id,
        owner: query.owner.as_deref(),
        collection: query.collection.as_deref(),
        traits: &traits,
        look: Look { wait_for_block: query.wait_for_block, as_of_block: query.as_of_block },
    };
    let Seen { chain, as_of, found: mut rows } =
        state.app().list_items(who.caller(), asked, after, limit + 1).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit.unsigned_abs() as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| {
        let position = [row.contract.as_slice(), &row.token_id.to_be_bytes::<32>()].concat();
        state.cursor_key.seal(listing, &position)
    });
    let keys: Vec<(Address, U256)> = rows.iter().map(|row| (row.contract, row.token_id)).collect();
    let metadata = state.app().list_token_metadata(who.caller(), chain, &keys).await?;
    let item = |row: &ItemRow| {
        let metadata = metadata.get(&(row.contract, row.token_id));
        let token_metadata = metadata.map(|row| token_metadata::show(Some(row)));
        Item { token_metadata, ..show::item(row) }
    };
    let list = ItemList { items: rows.iter().map(item).collect(), next_cursor };
    Ok(reflecting(page(&uri, list.next_cursor.as_deref(), &list), as_of))
}

fn position(
    state: &ApiState,
    listing: Listing<'_>,
    text: &str,
) -> Result<(Address, U256), Problem> {
    let position = state.cursor_key.open(listing, text).map_err(|_| Code::CursorInvalid)?;
    let (contract, token_id) = position.split_at_checked(20).ok_or(Code::CursorInvalid)?;
    if token_id.len() != 32 {
        return Err(Code::CursorInvalid.into());
    }
    Ok((Address::from_slice(contract), U256::from_be_slice(token_id)))
}

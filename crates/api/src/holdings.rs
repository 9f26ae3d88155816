//! `/api/v1/balances`, `/api/v1/holders`, `/api/v1/transfers` and `/api/v1/logs`: the index of all
//! contracts, ours and others'.

use crate::{
    ApiState,
    cursor::Listing,
    extract::{Queried, Who, limit},
    operations::page,
    problem::{Code, Problem},
    show,
};
use api_types::{
    BalanceList, BalanceListQuery, HolderList, HolderListQuery, LogList, LogListQuery,
    TransferList, TransferListQuery,
};
use app::{BalanceQuery, HolderQuery, LogQuery, Look, Seen, TransferQuery};
use axum::{
    extract::{OriginalUri, State},
    http::{HeaderName, HeaderValue},
    response::Response,
};
use vocab::{Address, BlockRef, U256};

/// Number and hash of the block that an answer reflects.
const AS_OF: HeaderName = HeaderName::from_static("x-as-of");

/// List balances
///
/// Of followed ERC-20 and ERC-1155 contracts, in the order of contract, token id and account;
/// those of 0 are left out.
#[utoipa::path(
    get, path = "/api/v1/balances", tag = "items", operation_id = "list_balances",
    params(BalanceListQuery),
    responses((status = 200, description = "One page", body = BalanceList)),
)]
pub(crate) async fn list_balances(
    State(state): State<ApiState>,
    who: Who,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<BalanceListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let chain = query.chain_id.map(|id| id.to_string());
    let at = query.as_of_block.map(|number| number.to_string());
    let filters = [
        chain.as_deref(),
        query.account.as_deref(),
        query.contract.as_deref(),
        query.token_id.as_deref(),
        at.as_deref(),
    ];
    let listing = Listing { name: "balances", filters: &filters };
    let after = position::<72>(&state, listing, query.cursor.as_deref())?.map(|at| {
        let (contract, rest) = at.split_at(20);
        let (token_id, account) = rest.split_at(32);
        let token_id = U256::from_be_slice(token_id);
        (Address::from_slice(contract), token_id, Address::from_slice(account))
    });
    let asked = BalanceQuery {
        chain_id: query.chain_id,
        account: query.account.as_deref(),
        contract: query.contract.as_deref(),
        token_id: query.token_id.as_deref(),
        look: Look { wait_for_block: query.wait_for_block, as_of_block: query.as_of_block },
    };
    let seen = state.app().list_balances(who.caller(), asked, after, limit + 1).await?;
    let Seen { chain, as_of, found: mut rows } = seen;
    let next_cursor = cut(&mut rows, limit).map(|row| {
        let token_id = row.token_id.to_be_bytes::<32>();
        let position = [row.contract.as_slice(), &token_id, row.account.as_slice()].concat();
        state.cursor_key.seal(listing, &position)
    });
    let items = rows.iter().map(|row| show::balance(chain, row)).collect();
    let list = BalanceList { items, next_cursor, as_of: as_of.map(show::block_ref) };
    Ok(reflecting(page(&uri, list.next_cursor.as_deref(), &list), as_of))
}

/// List holders
///
/// Of a collection or a followed contract, in the order of their addresses.
#[utoipa::path(
    get, path = "/api/v1/holders", tag = "items", operation_id = "list_holders",
    params(HolderListQuery),
    responses((status = 200, description = "One page", body = HolderList)),
)]
pub(crate) async fn list_holders(
    State(state): State<ApiState>,
    who: Who,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<HolderListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let chain = query.chain_id.map(|id| id.to_string());
    let at = query.as_of_block.map(|number| number.to_string());
    let filters =
        [chain.as_deref(), Some(query.contract.as_str()), query.token_id.as_deref(), at.as_deref()];
    let listing = Listing { name: "holders", filters: &filters };
    let after = position::<20>(&state, listing, query.cursor.as_deref())?.map(Address::from);
    let asked = HolderQuery {
        chain_id: query.chain_id,
        contract: &query.contract,
        token_id: query.token_id.as_deref(),
        look: Look { wait_for_block: query.wait_for_block, as_of_block: query.as_of_block },
    };
    let seen = state.app().list_holders(who.caller(), asked, after, limit + 1).await?;
    let Seen { as_of, found: mut rows, .. } = seen;
    let next_cursor =
        cut(&mut rows, limit).map(|row| state.cursor_key.seal(listing, row.account.as_slice()));
    let items = rows.iter().map(show::holder).collect();
    let list = HolderList { items, next_cursor, as_of: as_of.map(show::block_ref) };
    Ok(reflecting(page(&uri, list.next_cursor.as_deref(), &list), as_of))
}

/// List transfers
///
/// Of items, newest first: of collections and of followed ERC-721 and ERC-1155 contracts.
/// Transfers of an ERC-20 are in its logs.
#[utoipa::path(
    get, path = "/api/v1/transfers", tag = "items", operation_id = "list_transfers",
    params(TransferListQuery),
    responses((status = 200, description = "One page", body = TransferList)),
)]
pub(crate) async fn list_transfers(
    State(state): State<ApiState>,
    who: Who,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<TransferListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let numbers = [query.chain_id, query.from_block, query.to_block];
    let [chain, first, last] = numbers.map(|number| number.map(|number| number.to_string()));
    let filters = [
        chain.as_deref(),
        query.contract.as_deref(),
        query.token_id.as_deref(),
        query.account.as_deref(),
        first.as_deref(),
        last.as_deref(),
    ];
    let listing = Listing { name: "transfers", filters: &filters };
    let before = position::<16>(&state, listing, query.cursor.as_deref())?.map(|at| {
        let (block, log_index) = place(&at);
        (block, log_index, i32::from_be_bytes([at[12], at[13], at[14], at[15]]))
    });
    let asked = TransferQuery {
        chain_id: query.chain_id,
        contract: query.contract.as_deref(),
        token_id: query.token_id.as_deref(),
        account: query.account.as_deref(),
        first_block: query.from_block,
        last_block: query.to_block,
        wait_for_block: query.wait_for_block,
    };
    let seen = state.app().list_transfers(who.caller(), asked, before, limit + 1).await?;
    let Seen { chain, as_of, found: mut rows } = seen;
    let next_cursor = cut(&mut rows, limit).map(|row| {
        let block = row.block_number.to_be_bytes();
        let position = [&block[..], &row.log_index.to_be_bytes(), &row.place.to_be_bytes()];
        state.cursor_key.seal(listing, &position.concat())
    });
    let items = rows.iter().map(|row| show::item_transfer(chain, row)).collect();
    let list = TransferList { items, next_cursor, as_of: as_of.map(show::block_ref) };
    Ok(reflecting(page(&uri, list.next_cursor.as_deref(), &list), as_of))
}

/// List logs
///
/// As the chain gave them, in its order, and what they say where the contract's ABI was uploaded
/// or its standard is known.
#[utoipa::path(
    get, path = "/api/v1/logs", tag = "items", operation_id = "list_logs",
    params(LogListQuery),
    responses((status = 200, description = "One page", body = LogList)),
)]
pub(crate) async fn list_logs(
    State(state): State<ApiState>,
    who: Who,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<LogListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let numbers = [query.chain_id, query.from_block, query.to_block];
    let [chain, first, last] = numbers.map(|number| number.map(|number| number.to_string()));
    let filters = [
        chain.as_deref(),
        query.address.as_deref(),
        query.topic0.as_deref(),
        first.as_deref(),
        last.as_deref(),
    ];
    let listing = Listing { name: "logs", filters: &filters };
    let after = position::<12>(&state, listing, query.cursor.as_deref())?.map(|at| place(&at));
    let asked = LogQuery {
        chain_id: query.chain_id,
        address: query.address.as_deref(),
        topic0: query.topic0.as_deref(),
        first_block: query.from_block,
        last_block: query.to_block,
        wait_for_block: query.wait_for_block,
    };
    let seen = state.app().list_logs(who.caller(), asked, after, limit + 1).await?;
    let Seen { chain, as_of, found: mut rows } = seen;
    let next_cursor = cut(&mut rows, limit).map(|row| {
        let block = row.log.block_number.to_be_bytes();
        let position = [&block[..], &row.log.log_index.to_be_bytes()].concat();
        state.cursor_key.seal(listing, &position)
    });
    let items = rows.iter().map(|row| show::log(chain, row)).collect();
    let list = LogList { items, next_cursor, as_of: as_of.map(show::block_ref) };
    Ok(reflecting(page(&uri, list.next_cursor.as_deref(), &list), as_of))
}

/// An answer that says which block it reflects.
pub(crate) fn reflecting(mut response: Response, as_of: Option<BlockRef>) -> Response {
    let text = as_of.map(|block| format!("{} {}", block.number, block.hash));
    if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(AS_OF, value);
    }
    response
}

/// Cut what was read beyond a page; gives the last row when there was more.
fn cut<T>(rows: &mut Vec<T>, limit: i64) -> Option<&T> {
    let more = rows.len() as i64 > limit;
    rows.truncate(limit.unsigned_abs() as usize);
    rows.last().filter(|_| more)
}

/// What a cursor stands for: so many bytes.
fn position<const N: usize>(
    state: &ApiState,
    listing: Listing<'_>,
    cursor: Option<&str>,
) -> Result<Option<[u8; N]>, Problem> {
    let Some(text) = cursor else { return Ok(None) };
    let opened = state.cursor_key.open(listing, text).map_err(|_| Code::CursorInvalid)?;
    Ok(Some(opened.try_into().map_err(|_| Code::CursorInvalid)?))
}

/// Block and log index.
fn place(bytes: &[u8]) -> (i64, i32) {
    let (block, rest) = bytes.split_at(8);
    let block = <[u8; 8]>::try_from(block).unwrap_or_default();
    let index = rest.first_chunk::<4>().copied().unwrap_or_default();
    (i64::from_be_bytes(block), i32::from_be_bytes(index))
}

//! `/api/v1/auth/sessions`: where a user is signed in.

use crate::{
    ApiState,
    cursor::Listing,
    extract::{Named, Queried, Who, limit},
    operations::page,
    problem::Problem,
    show::{address, time},
    sponsors::position,
};
use api_types::{Session, SessionList, SessionListQuery, SessionMode, SessionsEnded, SignInMethod};
use app::SessionRow;
use axum::{
    Json,
    extract::{OriginalUri, State},
    http::StatusCode,
    response::Response,
};
use uuid::Uuid;
use vocab::ChainId;

/// List one's sessions
///
/// Those that are open, newest first. For users who are signed in.
#[utoipa::path(
    get, path = "/api/v1/auth/sessions", tag = "sign-in", operation_id = "list_sessions",
    params(SessionListQuery),
    responses((status = 200, description = "One page", body = SessionList)),
)]
pub(crate) async fn list_sessions(
    State(state): State<ApiState>,
    who: Who,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<SessionListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let owner = who.owner();
    let filters = [Some(owner.as_str())];
    let listing = Listing { name: "sessions", filters: &filters };
    let before = position(&state, listing, query.cursor.as_deref())?;
    let mut rows = state.sign_in.list_sessions(who.caller(), before, limit + 1).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit.unsigned_abs() as usize);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|row| state.cursor_key.seal(listing, row.id.as_bytes()));
    let current = who.session();
    let items = rows.iter().map(|row| shown(row, current)).collect();
    let list = SessionList { items, next_cursor };
    Ok(page(&uri, list.next_cursor.as_deref(), &list))
}

/// End a session
///
/// One of one's own. Its refresh token is refused from now on, its access tokens within 10 seconds.
#[utoipa::path(
    delete, path = "/api/v1/auth/sessions/{id}", tag = "sign-in", operation_id = "end_session",
    params(("id" = Uuid, Path, description = "Id of the session")),
    responses((status = 204, description = "It has ended")),
)]
pub(crate) async fn end_session(
    State(state): State<ApiState>,
    who: Who,
    Named(id): Named<Uuid>,
) -> Result<StatusCode, Problem> {
    state.sign_in.end_session(who.caller(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all other sessions
///
/// All of one's own but the one that asks.
#[utoipa::path(
    delete, path = "/api/v1/auth/sessions", tag = "sign-in", operation_id = "end_other_sessions",
    responses((status = 200, description = "How many have ended", body = SessionsEnded)),
)]
pub(crate) async fn end_other_sessions(
    State(state): State<ApiState>,
    who: Who,
) -> Result<Json<SessionsEnded>, Problem> {
    let ended = state.sign_in.end_other_sessions(who.caller()).await?;
    Ok(Json(SessionsEnded { ended: ended as u64 }))
}

pub(crate) fn shown(row: &SessionRow, current: Option<Uuid>) -> Session {
    Session {
        id: row.id,
        principal_id: row.principal_id,
        method: match row.address {
            Some(_) => SignInMethod::Wallet,
            None => SignInMethod::Provider,
        },
        address: row.address.map(|wallet| address(wallet.0)),
        chain_id: row.chain_id.map(|id| ChainId::from_i64(id).0),
        contract: row.contract_chain_id != 0,
        origin: row.origin.clone(),
        mode: match row.kind.as_str() {
            "cookie" => SessionMode::Cookie,
            _ => SessionMode::Token,
        },
        user_agent: row.user_agent.clone(),
        client: row.client.clone(),
        created_at: time(row.created_at),
        last_used_at: time(row.last_used_at),
        expires_at: time(row.expires_at),
        current: current == Some(row.id),
    }
}

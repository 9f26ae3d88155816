//! `/api/v1/sponsored-transactions`: calls that users sign and sponsors pay for.

use crate::{
    ApiState,
    cursor::Listing,
    extract::{CALL_BODY_MAX, Holder, JsonBody, Keyed, Named, Queried, limit},
    operations::{answer, page},
    problem::Problem,
    show_sponsors as show,
    sponsors::position,
};
use api_types::{
    Consent, PrepareRequest, PreparedRequest, SponsoredList, SponsoredListQuery, SponsoredRequest,
    SponsoredTransaction,
};
use app::{CallSpec, ForwardRequestRow, ForwardSpec, PrepareSpec, SponsoredQuery, SponsoredSpec};
use axum::{
    Json,
    extract::{OriginalUri, State},
    response::Response,
};
use serde_json::json;
use uuid::Uuid;

fn consent(wire: Consent) -> &'static str {
    match wire {
        Consent::ForwardRequest => "forward_request",
        Consent::UserOperation => "user_operation",
        Consent::DelegatedCall => "delegated_call",
    }
}

/// Send a call that a user signed
///
/// It is checked, its highest cost is reserved of the sponsor's budget, and it is sent once. What
/// it did cost takes the place of the reservation when it is final.
#[utoipa::path(
    post, path = "/api/v1/sponsored-transactions", tag = "sponsors",
    operation_id = "request_sponsored",
    request_body = SponsoredRequest,
    responses((status = 202, description = "The sponsored transaction",
               body = SponsoredTransaction)),
)]
pub(crate) async fn request_sponsored(
    State(state): State<ApiState>,
    Holder(who): Holder,
    body: Keyed<SponsoredRequest, CALL_BODY_MAX>,
) -> Result<Response, Problem> {
    let sent = &body.value;
    let request = &sent.request;
    let spec = SponsoredSpec {
        sponsor_id: sent.sponsor_id,
        consent: Some(consent(sent.consent)),
        chain_id: sent.chain_id,
        forwarder: sent.forwarder.as_deref(),
        request: ForwardSpec {
            from: &request.from,
            to: &request.to,
            value: request.value.as_ref(),
            gas: &request.gas,
            nonce: &request.nonce,
            deadline: &request.deadline,
            data: &request.data,
        },
        signature: &sent.signature,
    };
    let once = body.once();
    let render = |row: &ForwardRequestRow| json!(show::sponsored(row));
    let done = state.app().request_sponsored(who.caller(), once, spec, render).await?;
    let id = serde_json::from_slice::<SponsoredTransaction>(&done.body).ok().map(|shown| shown.id);
    Ok(answer(done, id.map(|id| format!("/api/v1/sponsored-transactions/{id}"))))
}

/// Fill in what a user has to sign
///
/// Nonce, gas and deadline, as typed data for a wallet. Nothing is recorded. The sponsor's rules
/// are applied, its budget is not.
#[utoipa::path(
    post, path = "/api/v1/sponsored-transactions/prepare", tag = "sponsors",
    operation_id = "prepare_sponsored",
    request_body = PrepareRequest,
    responses((status = 200, description = "What is to be signed", body = PreparedRequest)),
)]
pub(crate) async fn prepare_sponsored(
    State(state): State<ApiState>,
    Holder(who): Holder,
    JsonBody(body): JsonBody<PrepareRequest, CALL_BODY_MAX>,
) -> Result<Json<PreparedRequest>, Problem> {
    let asked = &body;
    let spec = PrepareSpec {
        sponsor_id: asked.sponsor_id,
        consent: Some(consent(asked.consent)),
        from: &asked.from,
        call: CallSpec {
            to: asked.to.as_deref(),
            contract: asked.contract.as_deref(),
            function: asked.function.as_deref(),
            args: asked.args.as_ref(),
            value: None,
        },
        data: asked.data.as_deref(),
        gas: asked.gas.as_ref(),
        deadline: asked.deadline.as_ref(),
    };
    let made = state.app().prepare_sponsored(who.caller(), spec).await?;
    Ok(Json(show::prepared(&made)))
}

/// Look at a sponsored transaction
#[utoipa::path(
    get, path = "/api/v1/sponsored-transactions/{id}", tag = "sponsors",
    operation_id = "get_sponsored",
    params(("id" = Uuid, Path, description = "Id of the sponsored transaction")),
    responses((status = 200, description = "As it stands", body = SponsoredTransaction)),
)]
pub(crate) async fn get_sponsored(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
) -> Result<Json<SponsoredTransaction>, Problem> {
    let row = state.app().load_sponsored(who.caller(), id).await?;
    Ok(Json(show::sponsored(&row)))
}

/// List sponsored transactions
///
/// Of one's own sponsors, newest first; operators see all.
#[utoipa::path(
    get, path = "/api/v1/sponsored-transactions", tag = "sponsors",
    operation_id = "list_sponsored",
    params(SponsoredListQuery),
    responses((status = 200, description = "One page", body = SponsoredList)),
)]
pub(crate) async fn list_sponsored(
    State(state): State<ApiState>,
    Holder(who): Holder,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<SponsoredListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let (owner, sponsor) = (who.owner(), query.sponsor_id.map(|id| id.to_string()));
    let filters =
        [Some(owner.as_str()), sponsor.as_deref(), query.user.as_deref(), query.status.as_deref()];
    let listing = Listing { name: "sponsored", filters: &filters };
    let before = position(&state, listing, query.cursor.as_deref())?;
    let asked = SponsoredQuery {
        sponsor_id: query.sponsor_id,
        user: query.user.as_deref(),
        status: query.status.as_deref(),
    };
    let mut rows = state.app().list_sponsored(who.caller(), asked, before, limit + 1).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit.unsigned_abs() as usize);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|row| state.cursor_key.seal(listing, row.id.as_bytes()));
    let list = SponsoredList { items: rows.iter().map(show::sponsored).collect(), next_cursor };
    Ok(page(&uri, list.next_cursor.as_deref(), &list))
}

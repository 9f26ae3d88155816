//! `/api/v1/sponsors`: who pays for which calls.

use crate::{
    ApiState,
    cursor::Listing,
    extract::{BODY_MAX, Holder, JsonBody, Keyed, Named, Queried, limit},
    operations::{answer, page},
    problem::{Code, Problem},
    show_sponsors as show,
};
use api_types::{
    Sponsor, SponsorChange, SponsorList, SponsorListQuery, SponsorQuery, SponsorRequest,
    SponsorRule, SponsorState,
};
use app::{RuleSpec, SponsorSpec, SponsorTerms, SponsorView};
use axum::{
    Json,
    extract::{OriginalUri, State},
    response::Response,
};
use serde_json::json;
use uuid::Uuid;

/// Make a sponsor
///
/// It pays the gas of calls that users sign, as far as its rules and budgets go. For operators.
#[utoipa::path(
    post, path = "/api/v1/sponsors", tag = "sponsors", operation_id = "create_sponsor",
    request_body = SponsorRequest,
    responses((status = 201, description = "The sponsor", body = Sponsor)),
)]
pub(crate) async fn create_sponsor(
    State(state): State<ApiState>,
    Holder(who): Holder,
    body: Keyed<SponsorRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    let request = &body.value;
    let spec = SponsorSpec {
        chain_id: request.chain_id,
        name: &request.name,
        owner: request.owner,
        terms: SponsorTerms {
            paused: None,
            day_budget: request.day_budget.as_ref(),
            total_budget: request.total_budget.as_ref(),
            user_day_budget: request.user_day_budget.as_ref(),
            user_day_requests: request.user_day_requests,
            gas_max: request.gas_max,
            rules: request.rules.as_deref().map(rules),
        },
    };
    let once = body.once();
    let render = |view: &SponsorView| json!(show::sponsor(view));
    let done = state.app().create_sponsor(who.caller(), once, spec, render).await?;
    let id = serde_json::from_slice::<Sponsor>(&done.body).ok().map(|shown| shown.id);
    Ok(answer(done, id.map(|id| format!("/api/v1/sponsors/{id}"))))
}

fn rules(given: &[SponsorRule]) -> Vec<RuleSpec<'_>> {
    given.iter().map(|rule| RuleSpec { target: &rule.target, function: &rule.function }).collect()
}

/// Change a sponsor
///
/// Pause it, or change its budgets and rules. What was accepted stays accepted. Sending the same
/// again changes nothing more. For operators.
#[utoipa::path(
    patch, path = "/api/v1/sponsors/{id}", tag = "sponsors", operation_id = "change_sponsor",
    params(("id" = Uuid, Path, description = "Id of the sponsor")),
    request_body = SponsorChange,
    responses((status = 200, description = "The sponsor", body = Sponsor)),
)]
pub(crate) async fn change_sponsor(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
    JsonBody(body): JsonBody<SponsorChange, BODY_MAX>,
) -> Result<Json<Sponsor>, Problem> {
    let change = &body;
    let terms = SponsorTerms {
        paused: change.state.map(|state| state == SponsorState::Paused),
        day_budget: change.day_budget.as_ref(),
        total_budget: change.total_budget.as_ref(),
        user_day_budget: change.user_day_budget.as_ref(),
        user_day_requests: change.user_day_requests,
        gas_max: change.gas_max,
        rules: change.rules.as_deref().map(rules),
    };
    let view = state.app().change_sponsor(who.caller(), id, terms).await?;
    Ok(Json(show::sponsor(&view)))
}

/// Look at a sponsor
///
/// With what is used and left; with `user` also of that user's part.
#[utoipa::path(
    get, path = "/api/v1/sponsors/{id}", tag = "sponsors", operation_id = "get_sponsor",
    params(("id" = Uuid, Path, description = "Id of the sponsor"), SponsorQuery),
    responses((status = 200, description = "The sponsor", body = Sponsor)),
)]
pub(crate) async fn get_sponsor(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
    Queried(query): Queried<SponsorQuery>,
) -> Result<Json<Sponsor>, Problem> {
    let view = state.app().load_sponsor(who.caller(), id, query.user.as_deref()).await?;
    Ok(Json(show::sponsor(&view)))
}

/// List sponsors
///
/// One's own, newest first; operators see all.
#[utoipa::path(
    get, path = "/api/v1/sponsors", tag = "sponsors", operation_id = "list_sponsors",
    params(SponsorListQuery),
    responses((status = 200, description = "One page", body = SponsorList)),
)]
pub(crate) async fn list_sponsors(
    State(state): State<ApiState>,
    Holder(who): Holder,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<SponsorListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let (owner, chain) = (who.owner(), query.chain_id.map(|id| id.to_string()));
    let filters = [Some(owner.as_str()), chain.as_deref()];
    let listing = Listing { name: "sponsors", filters: &filters };
    let before = position(&state, listing, query.cursor.as_deref())?;
    let app = state.app();
    let mut rows = app.list_sponsors(who.caller(), query.chain_id, before, limit + 1).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit.unsigned_abs() as usize);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|view| state.cursor_key.seal(listing, view.row.id.as_bytes()));
    let list = SponsorList { items: rows.iter().map(show::sponsor).collect(), next_cursor };
    Ok(page(&uri, list.next_cursor.as_deref(), &list))
}

/// Where a cursor that names an id stands.
pub(crate) fn position(
    state: &ApiState,
    listing: Listing<'_>,
    cursor: Option<&str>,
) -> Result<Option<Uuid>, Problem> {
    let Some(text) = cursor else { return Ok(None) };
    let opened = state.cursor_key.open(listing, text).map_err(|_| Code::CursorInvalid)?;
    Ok(Some(Uuid::from_slice(&opened).map_err(|_| Code::CursorInvalid)?))
}

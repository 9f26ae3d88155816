//! `/api/v1/webhooks`

use crate::{
    ApiState,
    cursor::Listing,
    extract::{BODY_MAX, Holder, JsonBody, Keyed, Named, Queried, Who, limit},
    operations::{answer, page},
    problem::{Code, Problem},
    show_webhooks as show,
    sponsors::position,
};
use api_types::{
    Webhook, WebhookChange, WebhookList, WebhookListQuery, WebhookRequest, WebhookRotation,
    WebhookSignature, WebhookSwitch,
};
use app::{Answer, WebhookScheme, WebhookSpec, WebhookView};
use axum::{
    Json,
    extract::{OriginalUri, State},
    http::StatusCode,
    response::Response,
};
use serde_json::json;
use uuid::Uuid;

/// Make a webhook
///
/// An endpoint of yours that is told of facts, signed as Standard Webhooks 1.0 says, from now on.
/// `secret` is in this answer only. Stored answers don't hold it: it is made again when the same
/// request comes again within 24 hours.
#[utoipa::path(
    post, path = "/api/v1/webhooks", tag = "webhooks", operation_id = "create_webhook",
    request_body = WebhookRequest,
    responses((status = 201, description = "The endpoint", body = Webhook)),
)]
pub(crate) async fn create_webhook(
    State(state): State<ApiState>,
    Holder(who): Holder,
    body: Keyed<WebhookRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    let request = &body.value;
    let spec = WebhookSpec {
        url: Some(&request.url),
        description: request.description.as_deref(),
        topics: Some(&request.topics),
        events: request.events.as_deref(),
        chain_ids: request.chain_ids.as_deref(),
        contracts: request.contracts.as_deref(),
        addresses: request.addresses.as_deref(),
        active: None,
    };
    let scheme = match request.signature {
        WebhookSignature::Hmac => WebhookScheme::Hmac,
        WebhookSignature::Ed25519 => WebhookScheme::Ed25519,
    };
    let (once, render) = (body.once(), |view: &WebhookView| json!(show::webhook(view)));
    let done = state.app().create_webhook(who.caller(), once, (scheme, spec), render).await?;
    with_secret(&state, &who, done).await
}

/// Change a webhook
///
/// Where it is, what it wants, and whether it is told. What waits is sent to the new address. With
/// `state` `active` an endpoint that was paused or disabled goes on where it was.
#[utoipa::path(
    patch, path = "/api/v1/webhooks/{id}", tag = "webhooks", operation_id = "change_webhook",
    params(("id" = Uuid, Path, description = "Id of the endpoint")),
    request_body = WebhookChange,
    responses((status = 200, description = "The endpoint", body = Webhook)),
)]
pub(crate) async fn change_webhook(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
    JsonBody(change): JsonBody<WebhookChange, BODY_MAX>,
) -> Result<Json<Webhook>, Problem> {
    let spec = WebhookSpec {
        url: change.url.as_deref(),
        description: change.description.as_deref(),
        topics: change.topics.as_deref(),
        events: change.events.as_deref(),
        chain_ids: change.chain_ids.as_deref(),
        contracts: change.contracts.as_deref(),
        addresses: change.addresses.as_deref(),
        active: change.state.map(|state| state == WebhookSwitch::Active),
    };
    let view = state.app().change_webhook(who.caller(), id, spec).await?;
    Ok(Json(show::webhook(&view)))
}

/// Give a webhook another secret
///
/// For 24 hours deliveries carry the signatures of both. `secret` is in this answer only.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/rotate-secret", tag = "webhooks",
    operation_id = "rotate_webhook_secret",
    params(("id" = Uuid, Path, description = "Id of the endpoint")),
    request_body = WebhookRotation,
    responses((status = 201, description = "The endpoint", body = Webhook)),
)]
pub(crate) async fn rotate_webhook_secret(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
    body: Keyed<WebhookRotation, BODY_MAX>,
) -> Result<Response, Problem> {
    let (once, render) = (body.once(), |view: &WebhookView| json!(show::webhook(view)));
    let done = state.app().rotate_webhook_secret(who.caller(), once, id, render).await?;
    with_secret(&state, &who, done).await
}

/// The answer with what was left out of what is stored of it.
async fn with_secret(state: &ApiState, who: &Who, done: Answer) -> Result<Response, Problem> {
    let shown: Webhook = serde_json::from_slice(&done.body).map_err(|_| Code::Internal)?;
    let location = format!("/api/v1/webhooks/{}", shown.id);
    // Of an Ed25519 key there is a public half only, which is in the answer already.
    let secret = match shown.signature {
        WebhookSignature::Hmac => {
            let caller = who.caller();
            state.app().reveal_webhook_secret(caller, shown.id, shown.secret_version).await?
        }
        WebhookSignature::Ed25519 => None,
    };
    let shown = Webhook { secret: secret.map(|secret| secret.to_string()), ..shown };
    let body = serde_json::to_vec(&shown).map_err(|_| Code::Internal)?;
    Ok(answer(Answer { body, ..done }, Some(location)))
}

/// Look at a webhook
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}", tag = "webhooks", operation_id = "get_webhook",
    params(("id" = Uuid, Path, description = "Id of the endpoint")),
    responses((status = 200, description = "The endpoint", body = Webhook)),
)]
pub(crate) async fn get_webhook(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
) -> Result<Json<Webhook>, Problem> {
    let view = state.app().load_webhook(who.caller(), id).await?;
    Ok(Json(show::webhook(&view)))
}

/// List webhooks
///
/// One's own, newest first; keys with `admin` see all.
#[utoipa::path(
    get, path = "/api/v1/webhooks", tag = "webhooks", operation_id = "list_webhooks",
    params(WebhookListQuery),
    responses((status = 200, description = "One page", body = WebhookList)),
)]
pub(crate) async fn list_webhooks(
    State(state): State<ApiState>,
    Holder(who): Holder,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<WebhookListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let owner = who.owner();
    let listing = Listing { name: "webhooks", filters: &[Some(owner.as_str())] };
    let before = position(&state, listing, query.cursor.as_deref())?;
    let mut rows = state.app().list_webhooks(who.caller(), before, limit + 1).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit.unsigned_abs() as usize);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|view| state.cursor_key.seal(listing, view.row.id.as_bytes()));
    let list = WebhookList { items: rows.iter().map(show::webhook).collect(), next_cursor };
    Ok(page(&uri, list.next_cursor.as_deref(), &list))
}

/// Take a webhook away
///
/// What waits for it is not sent any more.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{id}", tag = "webhooks", operation_id = "delete_webhook",
    params(("id" = Uuid, Path, description = "Id of the endpoint")),
    responses((status = 204, description = "It is gone")),
)]
pub(crate) async fn delete_webhook(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
) -> Result<StatusCode, Problem> {
    state.app().delete_webhook(who.caller(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

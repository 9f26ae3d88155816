//! `/api/v1/webhooks/{id}/…`: what was sent, sending it again, and trying an endpoint.

use crate::{
    ApiState,
    cursor::Listing,
    extract::{BODY_MAX, Holder, JsonBody, Named, Queried, limit},
    operations::page,
    problem::{Code, Problem},
    show_webhooks as show,
};
use api_types::{Delivery, DeliveryList, DeliveryListQuery, Replay, ReplayRequest, WebhookTrial};
use axum::{
    Json,
    extract::{OriginalUri, State},
    http::StatusCode,
    response::Response,
};
use uuid::Uuid;

/// List deliveries
///
/// What was sent to an endpoint or is to be, newest first, with its attempts. What has ended is
/// kept for 30 days, and not more than the last 10,000.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}/deliveries", tag = "webhooks",
    operation_id = "list_deliveries",
    params(("id" = Uuid, Path, description = "Id of the endpoint"), DeliveryListQuery),
    responses((status = 200, description = "One page", body = DeliveryList)),
)]
pub(crate) async fn list_deliveries(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<DeliveryListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let (owner, of) = (who.owner(), id.to_string());
    let filters = [Some(owner.as_str()), Some(of.as_str()), query.state.as_deref()];
    let listing = Listing { name: "deliveries", filters: &filters };
    let before = match &query.cursor {
        Some(text) => {
            let opened = state.cursor_key.open(listing, text).map_err(|_| Code::CursorInvalid)?;
            let number: [u8; 8] = opened.try_into().map_err(|_| Code::CursorInvalid)?;
            Some(i64::from_be_bytes(number))
        }
        None => None,
    };
    let asked = (id, query.state.as_deref());
    let mut rows = state.app().list_deliveries(who.caller(), asked, before, limit + 1).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit.unsigned_abs() as usize);
    let last = rows.last().filter(|_| more);
    let next_cursor =
        last.map(|view| state.cursor_key.seal(listing, &view.row.number.to_be_bytes()));
    let list = DeliveryList { items: rows.iter().map(show::delivery).collect(), next_cursor };
    Ok(page(&uri, list.next_cursor.as_deref(), &list))
}

/// Send a delivery again
///
/// At once, whatever came of it; its `webhook-id` stays. One that waits for an earlier one of its
/// key goes on waiting.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/deliveries/{delivery_id}/retry", tag = "webhooks",
    operation_id = "retry_delivery",
    params(
        ("id" = Uuid, Path, description = "Id of the endpoint"),
        ("delivery_id" = Uuid, Path, description = "Id of the delivery"),
    ),
    responses((status = 202, description = "It will be sent", body = Delivery)),
)]
pub(crate) async fn retry_delivery(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(ids): Named<(Uuid, Uuid)>,
) -> Result<(StatusCode, Json<Delivery>), Problem> {
    let view = state.app().retry_delivery(who.caller(), ids).await?;
    Ok((StatusCode::ACCEPTED, Json(show::delivery(&view))))
}

/// Tell a webhook again
///
/// All that follows on `from_seq` and that it wants, also what was delivered. A delivery that comes
/// again has the `webhook-id` that it had.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/replay", tag = "webhooks",
    operation_id = "replay_webhook",
    params(("id" = Uuid, Path, description = "Id of the endpoint")),
    request_body = ReplayRequest,
    responses((status = 202, description = "It is begun", body = Replay)),
)]
pub(crate) async fn replay_webhook(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
    JsonBody(body): JsonBody<ReplayRequest, BODY_MAX>,
) -> Result<(StatusCode, Json<Replay>), Problem> {
    let from = (body.topic.as_deref(), body.from_seq);
    let begun = state.app().replay_webhook(who.caller(), id, from).await?;
    let shown = Replay { topic: begun.topic, from_seq: begun.from_seq, head: begun.head };
    Ok((StatusCode::ACCEPTED, Json(shown)))
}

/// Try a webhook
///
/// Sends an event of type `test`, signed like any other, and answers with what came back.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/test", tag = "webhooks", operation_id = "try_webhook",
    params(("id" = Uuid, Path, description = "Id of the endpoint")),
    responses((status = 200, description = "What came of it", body = WebhookTrial)),
)]
pub(crate) async fn try_webhook(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
) -> Result<Json<WebhookTrial>, Problem> {
    let (event, answer) = state.app().try_webhook(who.caller(), id).await?;
    Ok(Json(show::trial(event, answer)))
}

//! `/api/v1/transactions/{id}/…`: operators step in.

use crate::{
    ApiState,
    extract::{BODY_MAX, CALL_BODY_MAX, Holder, Keyed, Named, Who},
    problem::{Code, Problem},
    show_transactions as show,
    transactions::{answer_with_place, spec, urgency},
};
use api_types::{
    ApprovalRequest, CancelRequest, RedriveRequest, SpeedUpRequest, Transaction, TransactionRequest,
};
use app::{Change, Once};
use axum::{extract::State, response::Response};
use serde_json::json;
use uuid::Uuid;
use vocab::TransactionId;

async fn change(
    state: &ApiState,
    who: &Who,
    once: Once<'_>,
    id: Uuid,
    change: Change<'_>,
) -> Result<Response, Problem> {
    let render = |row: &app::Transaction| json!(show::transaction(row));
    let app = state.app();
    let done = app.change_transaction(who.caller(), once, TransactionId(id), change, render);
    Ok(answer_with_place(done.await?))
}

/// Cancel a transaction
///
/// Before it has a nonce it ends at once. Afterwards its nonce is used up by a zero transfer; it
/// ends as `cancelled` when that is final, or by its own if it is mined first. One that has failed
/// is given up, which lets those go that wait behind it. Send `{}`.
#[utoipa::path(
    post, path = "/api/v1/transactions/{id}/cancel", tag = "transactions",
    operation_id = "cancel_transaction",
    params(("id" = Uuid, Path, description = "Id of the transaction")),
    request_body = CancelRequest,
    responses((status = 202, description = "As it is now", body = Transaction)),
)]
pub(crate) async fn cancel_transaction(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
    body: Keyed<CancelRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    change(&state, &who, body.once(), id, Change::Cancel).await
}

/// Speed a transaction up
///
/// It may offer more from now on: by another urgency, a higher cap, or both.
#[utoipa::path(
    post, path = "/api/v1/transactions/{id}/speed-up", tag = "transactions",
    operation_id = "speed_up_transaction",
    params(("id" = Uuid, Path, description = "Id of the transaction")),
    request_body = SpeedUpRequest,
    responses((status = 202, description = "As it is now", body = Transaction)),
)]
pub(crate) async fn speed_up_transaction(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
    body: Keyed<SpeedUpRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    let wanted = Change::SpeedUp {
        urgency: body.value.urgency.map(urgency),
        fee_cap: body.value.fee_cap.as_ref(),
    };
    change(&state, &who, body.once(), id, wanted).await
}

/// Replace a transaction
///
/// It is cancelled, and another goes out in its place once it has ended without effect. If it
/// takes effect after all, the other one is cancelled: never both. The answer is the other one.
#[utoipa::path(
    post, path = "/api/v1/transactions/{id}/replace", tag = "transactions",
    operation_id = "replace_transaction",
    params(("id" = Uuid, Path, description = "Id of the transaction")),
    request_body = TransactionRequest,
    responses((status = 202, description = "The one that takes its place", body = Transaction)),
)]
pub(crate) async fn replace_transaction(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
    body: Keyed<TransactionRequest, CALL_BODY_MAX>,
) -> Result<Response, Problem> {
    let spec = spec(&body.value);
    let wanted = Change::Replace(&spec);
    change(&state, &who, body.once(), id, wanted).await
}

/// Approve a transaction
///
/// For one that waits because the signer wants a second person's consent: `approval` of the
/// transaction says what is to be approved, and by whom. Send what `stoa signer approve` prints.
/// The signer judges it; what it could only refuse is refused here. When enough have approved, the
/// transaction goes out.
#[utoipa::path(
    post, path = "/api/v1/transactions/{id}/approvals", tag = "transactions",
    operation_id = "approve_transaction",
    params(("id" = Uuid, Path, description = "Id of the transaction")),
    request_body = ApprovalRequest,
    responses((status = 202, description = "As it is now", body = Transaction)),
)]
pub(crate) async fn approve_transaction(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
    body: Keyed<ApprovalRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    let approval: app::Approval = serde_json::from_value(json!(body.value))
        .map_err(|error| Problem::from(Code::ApprovalInvalid).saying(error.to_string()))?;
    change(&state, &who, body.once(), id, Change::Approve(&approval)).await
}

/// Queue a transaction again
///
/// One that `failed` or `expired` goes back to the queue, with a new nonce when its turn comes.
#[utoipa::path(
    post, path = "/api/v1/transactions/{id}/redrive", tag = "transactions",
    operation_id = "redrive_transaction",
    params(("id" = Uuid, Path, description = "Id of the transaction")),
    request_body = RedriveRequest,
    responses((status = 202, description = "As it is now", body = Transaction)),
)]
pub(crate) async fn redrive_transaction(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
    body: Keyed<RedriveRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    let wanted = Change::Redrive { deadline: body.value.deadline.as_deref() };
    change(&state, &who, body.once(), id, wanted).await
}

//! `/api/v1/me/email`: an address of one's own, proven by a code.

use crate::{
    ApiState,
    extract::{BODY_MAX, JsonBody, Who},
    me::shown,
    problem::Problem,
};
use api_types::{EmailCodeRequest, EmailRequest, Profile};
use axum::{Json, extract::State, http::StatusCode};

/// Have a code sent to an address
///
/// 202: the letter is on disk, and goes out by itself. The address takes the place of the present
/// one when the code is shown (`POST /api/v1/me/email/verification`), within 30 minutes. The answer
/// is the same whoever has the address. Takes no Idempotency-Key: a repeat sends another code, and
/// only the newest is good.
#[utoipa::path(
    post, path = "/api/v1/me/email", tag = "users", operation_id = "ask_email",
    request_body = EmailRequest,
    responses((status = 202, description = "A letter will go out")),
)]
pub(crate) async fn ask_email(
    State(state): State<ApiState>,
    who: Who,
    JsonBody(body): JsonBody<EmailRequest, BODY_MAX>,
) -> Result<StatusCode, Problem> {
    state.users.ask_email(who.caller(), &body.address).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Show the code of a letter
///
/// The address is one's own from now on. A code works once, and is void after five wrong ones.
#[utoipa::path(
    post, path = "/api/v1/me/email/verification", tag = "users", operation_id = "verify_email",
    request_body = EmailCodeRequest,
    responses((status = 200, description = "Oneself, with the address", body = Profile)),
)]
pub(crate) async fn verify_email(
    State(state): State<ApiState>,
    who: Who,
    JsonBody(body): JsonBody<EmailCodeRequest, BODY_MAX>,
) -> Result<Json<Profile>, Problem> {
    Ok(Json(shown(&state.users.verify_email(who.caller(), &body.code).await?)))
}

/// Forget one's address
///
/// And codes under way. Again does nothing.
#[utoipa::path(
    delete, path = "/api/v1/me/email", tag = "users", operation_id = "forget_email",
    responses((status = 204, description = "It is forgotten")),
)]
pub(crate) async fn forget_email(
    State(state): State<ApiState>,
    who: Who,
) -> Result<StatusCode, Problem> {
    state.users.forget_email(who.caller()).await?;
    Ok(StatusCode::NO_CONTENT)
}

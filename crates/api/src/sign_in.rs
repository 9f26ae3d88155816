//! `/api/v1/auth`: signing in with a wallet, and the keys of access tokens.

use crate::{
    ApiState,
    client_place::Place,
    cookies,
    extract::{BODY_MAX, JsonBody, Who},
    problem::{Code, Problem},
    sessions::shown,
};
use api_types::{
    ChallengeRequest, RefreshRequest, SessionMode, SessionTokens, SignInChallenge, SignInRequest,
    TokenKeys,
};
use app::{Asked, ChallengeSpec, Grants, SessionKind, SignedMessage};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

/// Ask for a message to sign
///
/// The first step of signing in with Ethereum (EIP-4361). The message is good for one session,
/// within 5 minutes. It takes no Idempotency-Key: a repeat gets another message.
#[utoipa::path(
    post, path = "/api/v1/auth/challenges", tag = "sign-in", operation_id = "ask_challenge",
    request_body = ChallengeRequest,
    responses((status = 201, description = "What to sign", body = SignInChallenge)),
)]
pub(crate) async fn ask_challenge(
    State(state): State<ApiState>,
    place: Place,
    JsonBody(body): JsonBody<ChallengeRequest, BODY_MAX>,
) -> Result<(StatusCode, Json<SignInChallenge>), Problem> {
    let spec = ChallengeSpec {
        address: &body.address,
        chain_id: body.chain_id,
        origin: body.origin.as_deref(),
    };
    let asked = state.sign_in.ask_challenge(spec, place.get()).await?;
    Ok((StatusCode::CREATED, Json(challenge(asked))))
}

pub(crate) fn challenge(asked: Asked) -> SignInChallenge {
    SignInChallenge {
        address: crate::show::address(asked.address),
        chain_id: asked.chain_id,
        message: asked.message,
        nonce: asked.nonce,
        issued_at: crate::show::time(asked.issued_at),
        expires_at: crate::show::time(asked.expires_at),
    }
}

/// Sign in
///
/// The second step: the signed message for a session with its tokens. It takes no Idempotency-Key,
/// and the answer is not kept, as it holds secrets. A message works once: when the answer was lost,
/// ask for another message.
#[utoipa::path(
    post, path = "/api/v1/auth/sessions", tag = "sign-in", operation_id = "open_session",
    request_body = SignInRequest,
    responses((status = 201, description = "Signed in", body = SessionTokens)),
)]
pub(crate) async fn open_session(
    State(state): State<ApiState>,
    place: Place,
    JsonBody(body): JsonBody<SignInRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    let kind = match body.mode {
        SessionMode::Token => SessionKind::Token,
        SessionMode::Cookie => SessionKind::Cookie,
    };
    let signed = SignedMessage { message: &body.message, signature: &body.signature, kind };
    let opened = state.sign_in.open_session(signed, place.get()).await?;
    Ok((StatusCode::CREATED, granted(&opened)).into_response())
}

/// Get the next tokens
///
/// For a refresh token, which is good once. Shown again within 10 seconds it gets the same
/// successor again, so that a lost answer can be asked for; later it is taken for stolen, and the
/// session ends. It takes no Idempotency-Key: the token itself says which request it is. In mode
/// `cookie` send `{}`.
#[utoipa::path(
    post, path = "/api/v1/auth/refresh", tag = "sign-in", operation_id = "refresh_session",
    request_body = RefreshRequest,
    responses((status = 200, description = "The next tokens", body = SessionTokens)),
)]
pub(crate) async fn refresh_session(
    State(state): State<ApiState>,
    place: Place,
    headers: HeaderMap,
    JsonBody(body): JsonBody<RefreshRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    let (text, kind) = refresh_token(&state, &headers, &body)?.ok_or(Code::RefreshTokenInvalid)?;
    let refreshed = state.sign_in.refresh_session(text, kind, place.get()).await;
    Ok(granted(&refreshed?).into_response())
}

/// Log out
///
/// Ends the session of the refresh token in the body, of the cookies, or else of the access token.
/// A repeat does nothing more. Has a browser forget its cookies.
#[utoipa::path(
    post, path = "/api/v1/auth/logout", tag = "sign-in", operation_id = "log_out",
    request_body = RefreshRequest,
    responses((status = 204, description = "Logged out")),
)]
pub(crate) async fn log_out(
    State(state): State<ApiState>,
    headers: HeaderMap,
    who: Result<Who, Problem>,
    JsonBody(body): JsonBody<RefreshRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    match refresh_token(&state, &headers, &body)? {
        Some((text, _)) => state.sign_in.log_out_by_refresh_token(text).await?,
        None => state.sign_in.log_out(who?.caller()).await?,
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    cookies::forget(response.headers_mut());
    Ok(response)
}

/// Keys of access tokens
///
/// The public keys (RFC 7517) by which others can verify access tokens. A key is here before it
/// signs, and for as long as tokens hold that it signed.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "sign-in", operation_id = "list_token_keys",
    responses((status = 200, description = "The keys", body = TokenKeys)),
)]
pub(crate) async fn list_token_keys(State(state): State<ApiState>) -> Response {
    let headers = [
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, Json(state.sign_in.published_keys())).into_response()
}

/// Of the body, or of the cookies of a page of ours.
fn refresh_token<'r>(
    state: &ApiState,
    headers: &'r HeaderMap,
    body: &'r RefreshRequest,
) -> Result<Option<(&'r str, SessionKind)>, Problem> {
    if let Some(text) = &body.refresh_token {
        return Ok(Some((text, SessionKind::Token)));
    }
    let Some(text) = cookies::refresh(headers) else { return Ok(None) };
    cookies::check_page(&Method::POST, headers, state.sign_in.origins())?;
    Ok(Some((text, SessionKind::Cookie)))
}

/// The tokens in the body, or in cookies.
pub(crate) fn granted(grants: &Grants) -> Response {
    let mut session = shown(&grants.session, None);
    session.current = true;
    let in_cookies = session.mode == SessionMode::Cookie;
    let token = |text: &str| (!in_cookies).then(|| text.to_owned());
    // Of our clock, which issued it just now.
    let now = grants.access_expires_at - grants.access_lifetime;
    let tokens = SessionTokens {
        session,
        access_token: token(&grants.access_token),
        token_type: "Bearer".to_owned(),
        expires_in: grants.access_lifetime.whole_seconds(),
        refresh_token: token(&grants.refresh_token),
    };
    let mut response = Json(tokens).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if in_cookies {
        cookies::keep(headers, grants, now);
    }
    response
}

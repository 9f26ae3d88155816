//! `/api/v1/auth/oidc`: staff sign in with their identity provider. A browser goes through both by
//! itself, so they are reads for it; what one of them changes is bound to it by its cookie.

use crate::{ApiState, client_place::Place, cookies, extract::Queried, problem::Problem, sign_in};
use api_types::{SessionMode, SessionTokens, StaffCallbackQuery, StaffSignInQuery};
use app::{SessionKind, StaffAnswer, StaffSpec};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// Start to sign in as staff
///
/// For browsers: leads to the identity provider, which sends them back to
/// `/api/v1/auth/oidc/callback`. A cookie binds the sign-in to the browser for 10 minutes.
#[utoipa::path(
    get, path = "/api/v1/auth/oidc/start", tag = "sign-in", operation_id = "start_staff_sign_in",
    params(StaffSignInQuery),
    responses((
        status = 303, description = "To the provider",
        headers(("Location" = String, description = "Where the provider asks who they are")),
    )),
)]
pub(crate) async fn start_staff_sign_in(
    State(state): State<ApiState>,
    place: Place,
    headers: HeaderMap,
    Queried(query): Queried<StaffSignInQuery>,
) -> Result<Response, Problem> {
    let spec = StaffSpec {
        origin: query.origin.as_deref(),
        return_to: query.return_to.as_deref(),
        kind: match query.mode {
            Some(SessionMode::Token) => SessionKind::Token,
            Some(SessionMode::Cookie) | None => SessionKind::Cookie,
        },
        binder: cookies::binder(&headers),
    };
    let sent = state.sign_in.ask_provider(spec, place.get()).await?;
    let mut response = to(&sent.url);
    cookies::keep_binder(response.headers_mut(), &sent.binder);
    Ok(response)
}

/// Finish to sign in as staff
///
/// Where the identity provider sends browsers back to. In mode `cookie` it sets the cookies of the
/// session and leads to the page; in mode `token` it answers as signing in with a wallet does. It
/// works once: a repeat is told 409.
#[utoipa::path(
    get, path = "/api/v1/auth/oidc/callback", tag = "sign-in",
    operation_id = "finish_staff_sign_in",
    params(StaffCallbackQuery),
    responses(
        (status = 200, description = "Signed in, in mode `token`", body = SessionTokens),
        (
            status = 303, description = "Signed in, in mode `cookie`: to the page",
            headers(("Location" = String, description = "The page")),
        ),
    ),
)]
pub(crate) async fn finish_staff_sign_in(
    State(state): State<ApiState>,
    place: Place,
    headers: HeaderMap,
    Queried(query): Queried<StaffCallbackQuery>,
) -> Result<Response, Problem> {
    let answer = StaffAnswer {
        state: &query.state,
        code: query.code.as_deref(),
        error: query.error.as_deref(),
        issuer: query.iss.as_deref(),
        binder: cookies::binder(&headers),
    };
    let opened = state.sign_in.open_staff_session(answer, place.get()).await?;
    let tokens = sign_in::granted(&opened.grants);
    let Some(location) = opened.location else { return Ok(tokens) };
    let mut response = to(&location);
    for cookie in tokens.headers().get_all(header::SET_COOKIE) {
        response.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    Ok(response)
}

/// Nobody keeps the way: it holds secrets of one sign-in. Nor does the next page learn where its
/// visitor came from.
fn to(url: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.extend(HeaderValue::try_from(url).ok().map(|url| (header::LOCATION, url)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

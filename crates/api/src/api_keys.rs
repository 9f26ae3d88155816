//! `/api/v1/api-keys`: keys made, looked at, changed, replaced and revoked.

use crate::{
    ApiState,
    cursor::Listing,
    extract::{BODY_MAX, Holder, JsonBody, Keyed, Named, Queried, limit},
    operations::{answer, page},
    problem::{Code, Problem},
    show::time,
};
use api_types::{
    ApiKey, ApiKeyChange, ApiKeyList, ApiKeyListQuery, ApiKeyRequest, ApiKeyRotation, IssuedApiKey,
};
use app::{ApiKeyRow, KeyAnswer, KeySpec, TermsSpec};
use axum::{
    Json,
    extract::{OriginalUri, State},
    http::StatusCode,
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use time::OffsetDateTime;
use vocab::PrincipalId;

/// Make an API key
///
/// For your own principal, with some of your own scopes; it can do no more than the key that makes
/// it, and lasts no longer. With the scope `admin` any scope, for any principal. The secret is in
/// this answer only; a repeat does not have it.
#[utoipa::path(
    post, path = "/api/v1/api-keys", tag = "api-keys", operation_id = "create_api_key",
    request_body = ApiKeyRequest,
    responses((status = 201, description = "The key with its secret", body = IssuedApiKey)),
)]
pub(crate) async fn create_api_key(
    State(state): State<ApiState>,
    Holder(who): Holder,
    body: Keyed<ApiKeyRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    let asked = &body.value;
    let spec = KeySpec {
        terms: TermsSpec {
            name: asked.name.as_deref(),
            scopes: Some(&asked.scopes),
            allowed_ips: asked.allowed_ips.as_deref(),
            signature_required: asked.signature_required,
            public_key: Some(asked.public_key.as_deref()),
            expires_at: Some(asked.expires_at.as_deref()),
        },
        principal_id: asked.principal_id,
        principal_name: asked.principal_name.as_deref(),
    };
    let done = state.keys.create(who.caller(), body.once(), spec, kept).await?;
    issued(done)
}

/// Rotate an API key
///
/// It gets another secret under the same id. The present one goes on for the overlap, so that who
/// uses it has time; those before it go on as long as they were given. The secret is in this answer
/// only; a repeat does not have it, and rotates nothing.
#[utoipa::path(
    post, path = "/api/v1/api-keys/{id}/rotate", tag = "api-keys",
    operation_id = "rotate_api_key",
    params(("id" = String, Path, description = "Id of the key")),
    request_body = ApiKeyRotation,
    responses((status = 200, description = "The key with its secret", body = IssuedApiKey)),
)]
pub(crate) async fn rotate_api_key(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<String>,
    body: Keyed<ApiKeyRotation, BODY_MAX>,
) -> Result<Response, Problem> {
    let asked = (id.as_str(), body.value.overlap_seconds);
    issued(state.keys.rotate(who.caller(), body.once(), asked, kept).await?)
}

/// What is kept for repeats.
fn kept(row: &ApiKeyRow) -> serde_json::Value {
    serde_json::json!(IssuedApiKey { api_key: shown(row), key: None, signing_secret: None })
}

/// The answer that is kept, with the secrets that are not.
fn issued(done: KeyAnswer) -> Result<Response, Problem> {
    let KeyAnswer { answer: mut kept, issued } = done;
    let mut body: IssuedApiKey = serde_json::from_slice(&kept.body).map_err(|_| Code::Internal)?;
    let created = kept.status == StatusCode::CREATED;
    let location = created.then(|| format!("/api/v1/api-keys/{}", body.api_key.id));
    if let Some(secrets) = issued {
        body.key = Some(secrets.key.reveal().to_owned());
        body.signing_secret = Some(secrets.signing_secret.to_string());
        kept.body = serde_json::to_vec(&body).map_err(|_| Code::Internal)?;
    }
    Ok(answer(kept, location))
}

/// Look at an API key
#[utoipa::path(
    get, path = "/api/v1/api-keys/{id}", tag = "api-keys", operation_id = "get_api_key",
    params(("id" = String, Path, description = "Id of the key")),
    responses((status = 200, description = "The key", body = ApiKey)),
)]
pub(crate) async fn get_api_key(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<String>,
) -> Result<Json<ApiKey>, Problem> {
    Ok(Json(shown(&state.keys.load(who.caller(), &id).await?)))
}

/// List API keys
///
/// Those of your principal, newest first; everybody's with the scope `admin`. Revoked ones stay.
#[utoipa::path(
    get, path = "/api/v1/api-keys", tag = "api-keys", operation_id = "list_api_keys",
    params(ApiKeyListQuery),
    responses((status = 200, description = "One page", body = ApiKeyList)),
)]
pub(crate) async fn list_api_keys(
    State(state): State<ApiState>,
    Holder(who): Holder,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<ApiKeyListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let (owner, principal) = (who.owner(), query.principal_id.map(|id| id.to_string()));
    let filters = [Some(owner.as_str()), principal.as_deref()];
    let listing = Listing { name: "api-keys", filters: &filters };
    let after = query.cursor.as_deref().map(|text| position(&state, listing, text)).transpose()?;
    let place = after.as_ref().map(|(at, id)| (*at, id.as_str()));
    let principal = query.principal_id.map(PrincipalId);
    let mut rows = state.keys.list(who.caller(), principal, place, limit + 1).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit.unsigned_abs() as usize);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|row| {
        let micros = row.created_at.unix_timestamp_nanos() / 1_000;
        state.cursor_key.seal(listing, format!("{micros} {}", row.id).as_bytes())
    });
    let list = ApiKeyList { items: rows.iter().map(shown).collect(), next_cursor };
    Ok(page(&uri, list.next_cursor.as_deref(), &list))
}

fn position(
    state: &ApiState,
    listing: Listing<'_>,
    text: &str,
) -> Result<(OffsetDateTime, String), Problem> {
    let opened = state.cursor_key.open(listing, text).map_err(|_| Code::CursorInvalid)?;
    let read = || {
        let (micros, id) = std::str::from_utf8(&opened).ok()?.split_once(' ')?;
        let nanos = micros.parse::<i128>().ok()?.checked_mul(1_000)?;
        Some((OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?, id.to_owned()))
    };
    read().ok_or_else(|| Code::CursorInvalid.into())
}

/// Change an API key
///
/// It holds at once for this server, within 10 seconds for others of the same engine. A key that
/// can do more than yours is not yours to change.
#[utoipa::path(
    patch, path = "/api/v1/api-keys/{id}", tag = "api-keys", operation_id = "change_api_key",
    params(("id" = String, Path, description = "Id of the key")),
    request_body = ApiKeyChange,
    responses((status = 200, description = "The key", body = ApiKey)),
)]
pub(crate) async fn change_api_key(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<String>,
    JsonBody(body): JsonBody<ApiKeyChange, BODY_MAX>,
) -> Result<Json<ApiKey>, Problem> {
    let spec = TermsSpec {
        name: body.name.as_deref(),
        scopes: body.scopes.as_deref(),
        allowed_ips: body.allowed_ips.as_deref(),
        signature_required: body.signature_required,
        public_key: body.public_key.as_ref().map(Option::as_deref),
        expires_at: body.expires_at.as_ref().map(Option::as_deref),
    };
    Ok(Json(shown(&state.keys.change(who.caller(), &id, spec).await?)))
}

/// Revoke an API key
///
/// For good; again does nothing. This server refuses it from now on, others of the same engine
/// within 10 seconds.
#[utoipa::path(
    delete, path = "/api/v1/api-keys/{id}", tag = "api-keys", operation_id = "revoke_api_key",
    params(("id" = String, Path, description = "Id of the key")),
    responses((status = 204, description = "It is revoked")),
)]
pub(crate) async fn revoke_api_key(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<String>,
) -> Result<StatusCode, Problem> {
    state.keys.revoke(who.caller(), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(row: &ApiKeyRow) -> ApiKey {
    ApiKey {
        id: row.id.clone(),
        prefix: row.prefix.clone(),
        name: row.name.clone(),
        principal_id: row.principal_id,
        principal_name: row.principal_name.clone(),
        scopes: row.scopes.clone(),
        allowed_ips: row.allowed_ips.clone(),
        signature_required: row.signature_required,
        public_key: row.public_key.as_ref().map(|bytes| STANDARD.encode(bytes)),
        created_at: time(row.created_at),
        expires_at: row.expires_at.map(time),
        rotated_at: row.rotated_at.map(time),
        older_secrets_until: row.older_until.map(time),
        revoked_at: row.revoked_at.map(time),
        last_used_at: row.last_used_at.map(time),
        last_used_ip: row.last_used_ip.clone(),
    }
}

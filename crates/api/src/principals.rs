//! `/api/v1/principals`: who there is, and their roles.

use crate::{
    ApiState,
    cursor::Listing,
    extract::{BODY_MAX, Holder, JsonBody, Named, Queried, limit},
    operations::page,
    problem::{Code, Problem},
    show::time,
};
use api_types::{
    Principal, PrincipalKind, PrincipalList, PrincipalListQuery, Role, RoleGrant, RoleGrantRequest,
    RoleSource,
};
use app::{PrincipalQuery, PrincipalView};
use axum::{
    Json,
    extract::{OriginalUri, State},
    http::StatusCode,
    response::Response,
};
use time::OffsetDateTime;
use uuid::Uuid;

/// Look at a principal
///
/// With the roles that it has now. For admins.
#[utoipa::path(
    get, path = "/api/v1/principals/{id}", tag = "principals", operation_id = "get_principal",
    params(("id" = Uuid, Path, description = "Id of the principal")),
    responses((status = 200, description = "The principal", body = Principal)),
)]
pub(crate) async fn get_principal(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
) -> Result<Json<Principal>, Problem> {
    Ok(Json(shown(&state.principals.load(who.caller(), id).await?)))
}

/// List principals
///
/// All there are, newest first. For admins.
#[utoipa::path(
    get, path = "/api/v1/principals", tag = "principals", operation_id = "list_principals",
    params(PrincipalListQuery),
    responses((status = 200, description = "One page", body = PrincipalList)),
)]
pub(crate) async fn list_principals(
    State(state): State<ApiState>,
    Holder(who): Holder,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<PrincipalListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let (kind, role) = (query.kind.map(kind_text), query.role.map(role_of));
    let filters = [kind, role.map(auth::Role::as_str)];
    let listing = Listing { name: "principals", filters: &filters };
    let after = query.cursor.as_deref().map(|text| position(&state, listing, text)).transpose()?;
    let asked = PrincipalQuery { kind, role, after };
    let mut views = state.principals.list(who.caller(), asked, limit + 1).await?;
    let more = views.len() as i64 > limit;
    views.truncate(limit.unsigned_abs() as usize);
    let last = views.last().filter(|_| more);
    let next_cursor = last.map(|view| {
        let micros = view.row.created_at.unix_timestamp_nanos() / 1_000;
        state.cursor_key.seal(listing, format!("{micros} {}", view.row.id).as_bytes())
    });
    let list = PrincipalList { items: views.iter().map(shown).collect(), next_cursor };
    Ok(page(&uri, list.next_cursor.as_deref(), &list))
}

fn position(
    state: &ApiState,
    listing: Listing<'_>,
    text: &str,
) -> Result<(OffsetDateTime, Uuid), Problem> {
    let opened = state.cursor_key.open(listing, text).map_err(|_| Code::CursorInvalid)?;
    let read = || {
        let (micros, id) = std::str::from_utf8(&opened).ok()?.split_once(' ')?;
        let nanos = micros.parse::<i128>().ok()?.checked_mul(1_000)?;
        Some((OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?, id.parse().ok()?))
    };
    read().ok_or_else(|| Code::CursorInvalid.into())
}

/// Grant a role
///
/// In the place of an earlier grant of it; sending the same again changes nothing more. It holds at
/// once for this server, within 10 seconds for others of the same engine. For admins.
#[utoipa::path(
    put, path = "/api/v1/principals/{id}/roles/{role}", tag = "principals",
    operation_id = "grant_role",
    params(("id" = Uuid, Path, description = "Id of the principal"), ("role" = Role, Path)),
    request_body = RoleGrantRequest,
    responses((status = 200, description = "The principal", body = Principal)),
)]
pub(crate) async fn grant_role(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named((id, role)): Named<(Uuid, Role)>,
    JsonBody(body): JsonBody<RoleGrantRequest, BODY_MAX>,
) -> Result<Json<Principal>, Problem> {
    let (role, until) = (role_of(role), body.expires_at.as_deref());
    Ok(Json(shown(&state.principals.grant(who.caller(), (id, role), until).await?)))
}

/// Take a role back
///
/// Whoever says so; again does nothing. What the identity provider claims comes back with the next
/// sign-in. What holds from when on is as for granting. For admins.
#[utoipa::path(
    delete, path = "/api/v1/principals/{id}/roles/{role}", tag = "principals",
    operation_id = "end_role",
    params(("id" = Uuid, Path, description = "Id of the principal"), ("role" = Role, Path)),
    responses((status = 204, description = "It is not granted any more")),
)]
pub(crate) async fn end_role(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named((id, role)): Named<(Uuid, Role)>,
) -> Result<StatusCode, Problem> {
    state.principals.end(who.caller(), (id, role_of(role))).await?;
    Ok(StatusCode::NO_CONTENT)
}

const fn role_of(role: Role) -> auth::Role {
    match role {
        Role::Organizer => auth::Role::Organizer,
        Role::Verifier => auth::Role::Verifier,
        Role::Operator => auth::Role::Operator,
        Role::Admin => auth::Role::Admin,
    }
}

const fn shown_role(role: auth::Role) -> Role {
    match role {
        auth::Role::Organizer => Role::Organizer,
        auth::Role::Verifier => Role::Verifier,
        auth::Role::Operator => Role::Operator,
        auth::Role::Admin => Role::Admin,
    }
}

const fn kind_text(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::Operator => "operator",
        PrincipalKind::Machine => "machine",
        PrincipalKind::User => "user",
    }
}

fn shown(view: &PrincipalView) -> Principal {
    let roles = view.roles.iter().filter_map(|grant| {
        Some(RoleGrant {
            role: shown_role(grant.role.parse().ok()?),
            source: match grant.source.as_str() {
                "claimed" => RoleSource::Claimed,
                _ => RoleSource::Granted,
            },
            granted_by: grant.granted_by,
            granted_at: time(grant.granted_at),
            expires_at: grant.expires_at.map(time),
        })
    });
    Principal {
        id: view.row.id,
        name: view.row.name.clone(),
        kind: match view.row.kind.as_str() {
            "operator" => PrincipalKind::Operator,
            "user" => PrincipalKind::User,
            _ => PrincipalKind::Machine,
        },
        roles: roles.collect(),
        created_at: time(view.row.created_at),
    }
}

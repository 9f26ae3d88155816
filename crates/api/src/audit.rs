//! `/api/v1/audit`: who did what that is privileged.

use crate::{
    ApiState,
    charges::Identified,
    cursor::Listing,
    edge::RequestId,
    extract::{Holder, Queried, limit},
    operations::page,
    problem::{Code, Problem},
    show::time,
};
use api_types::{AuditListQuery, AuditRecord, AuditRecordList, AuditWay};
use app::{Caller, Decided, DecidedFilter, RefusedAttempt};
use auth::{Action, Actor};
use axum::{
    body::Body,
    extract::{OriginalUri, Request, State},
    http::StatusCode,
    response::Response,
};
use serde_json::Value;
use std::{net::IpAddr, sync::Arc};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

const WORD_MAX: usize = 64;
const ID_MAX: usize = 200;

/// List what was done
///
/// Each privileged act and each refused attempt at one, newest first, a moment after it. The same
/// is in the engine's audit log, which shows tampering.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "audit", operation_id = "list_audit_records",
    params(AuditListQuery),
    responses((status = 200, description = "One page", body = AuditRecordList)),
)]
pub(crate) async fn list_audit_records(
    State(state): State<ApiState>,
    Holder(who): Holder,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<AuditListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let filter = filter(&query)?;
    let principal = query.principal_id.map(|id| id.to_string());
    let filters = [
        principal.as_deref(),
        query.action.as_deref(),
        query.object.as_deref(),
        query.object_id.as_deref(),
        query.from.as_deref(),
        query.to.as_deref(),
    ];
    let listing = Listing { name: "audit", filters: &filters };
    let before = match &query.cursor {
        Some(text) => {
            let opened = state.cursor_key.open(listing, text).map_err(|_| Code::CursorInvalid)?;
            let number: [u8; 8] = opened.try_into().map_err(|_| Code::CursorInvalid)?;
            Some(i64::from_be_bytes(number))
        }
        None => None,
    };
    let found = state.app().list_audit_records(who.caller(), filter, before, limit + 1);
    let mut rows = found.await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit.unsigned_abs() as usize);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|row| state.cursor_key.seal(listing, &row.fact_seq.to_be_bytes()));
    let list = AuditRecordList { items: rows.into_iter().map(shown).collect(), next_cursor };
    Ok(page(&uri, list.next_cursor.as_deref(), &list))
}

fn filter(query: &AuditListQuery) -> Result<DecidedFilter<'_>, Problem> {
    let wrong = |pointer: &str, detail: &str| Problem::from(Code::QueryInvalid).at(pointer, detail);
    let texts = [
        ("?action", &query.action, WORD_MAX),
        ("?object", &query.object, WORD_MAX),
        ("?object_id", &query.object_id, ID_MAX),
    ];
    for (pointer, text, max) in texts {
        if text.as_ref().is_some_and(|text| text.len() > max || text.contains('\0')) {
            return Err(wrong(pointer, "is none of a record"));
        }
    }
    let moment = |pointer: &str, text: &Option<String>| {
        let parse = |text: &String| OffsetDateTime::parse(text, &Rfc3339);
        let said = "a time as in RFC 3339: 2026-11-20T12:00:00Z";
        text.as_ref().map(parse).transpose().map_err(|_| wrong(pointer, said))
    };
    Ok(DecidedFilter {
        principal_id: query.principal_id,
        action: query.action.as_deref(),
        object: query.object.as_deref(),
        object_id: query.object_id.as_deref(),
        from: moment("?from", &query.from)?,
        to: moment("?to", &query.to)?,
    })
}

fn shown(row: Decided) -> AuditRecord {
    let text = |of: &Value, name: &str| of[name].as_str().map(str::to_owned);
    let (about, mut data) = (row.attributes, row.data);
    let (before, after) = (data["before"].take(), data["after"].take());
    let by = data["by"].take();
    let key_id = text(&data, "key_id");
    let via = match by["via"].as_str() {
        Some("key") => AuditWay::Key,
        Some("session") => AuditWay::Session,
        Some("provider") => AuditWay::Provider,
        Some("server") => AuditWay::Server,
        // Before it was said: only requests have a principal.
        None if key_id.is_some() => AuditWay::Key,
        None if data["principal_id"].is_string() => AuditWay::Session,
        _ => AuditWay::Terminal,
    };
    let roles = by["roles"].as_array().into_iter().flatten();
    AuditRecord {
        seq: row.fact_seq,
        recorded_at: time(row.at),
        action: text(&by, "action"),
        act: text(&about, "act").unwrap_or_default(),
        object: text(&about, "object").unwrap_or_default(),
        object_id: text(&about, "object_id").unwrap_or_default(),
        chain_id: row.chain_id.map(i64::cast_unsigned),
        via,
        principal_id: text(&data, "principal_id").and_then(|id| id.parse().ok()),
        key_id,
        session_id: text(&data, "session_id").and_then(|id| id.parse().ok()),
        roles: roles.filter_map(|role| role.as_str().map(str::to_owned)).collect(),
        account: text(&by, "account"),
        ip: text(&by, "ip"),
        request_id: text(&data, "request_id"),
        before,
        after,
    }
}

/// Why a request was refused, if it was for what its caller is.
pub(crate) fn denied(response: &Response<Body>) -> Option<Code> {
    let problem = response.extensions().get::<Problem>()?;
    (response.status() == StatusCode::FORBIDDEN).then_some(problem.code)
}

/// A request for something privileged by somebody who is known: if it is refused, that is recorded.
pub(crate) struct Watched {
    action: Action,
    operation: Arc<str>,
    target: String,
    actor: Actor,
    request_id: Arc<str>,
    from: Option<IpAddr>,
}

impl Watched {
    /// `done` is what the route is for: its operation, and in the name of which action.
    pub(crate) fn of(done: Option<(&Arc<str>, Action)>, request: &Request) -> Option<Self> {
        let (operation, action) = done.filter(|(_, action)| action.is_privileged())?;
        let extensions = request.extensions();
        let actor = match extensions.get() {
            Some(Identified(Ok(actor @ (Actor::Key(_) | Actor::User(_))))) => actor.clone(),
            _ => return None,
        };
        Some(Self {
            action,
            operation: operation.clone(),
            target: request.uri().path().to_owned(),
            actor,
            request_id: extensions.get::<RequestId>()?.0.clone(),
            from: extensions.get::<push::ClientAddress>().map(|address| address.0),
        })
    }

    /// It was refused, for what its caller is.
    pub(crate) async fn tell(self, state: &ApiState, code: Code) {
        let Self { actor, request_id, from, .. } = &self;
        let caller = Caller { actor, request_id, from: *from };
        let attempt = RefusedAttempt {
            action: self.action,
            operation: &self.operation,
            target: &self.target,
            code: code.as_str(),
        };
        state.app().record_refused(caller, attempt).await;
    }
}

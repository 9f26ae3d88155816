//! From requests to values; every refusal is a problem.

use crate::{
    ApiState,
    charges::Identified,
    cookies,
    edge::RequestId,
    problem::{Code, Problem},
    signatures,
};
use app::{Caller, Fingerprint, Once};
use auth::Actor;
use axum::{
    body::to_bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, Method, Uri, header, request::Parts},
};
use serde::de::DeserializeOwned;
use std::{net::IpAddr, sync::Arc};
use uuid::Uuid;

/// Bodies that hold no document.
pub(crate) const BODY_MAX: usize = 64 * 1024;
/// Bodies that hold a metadata document, which has 1 MiB at most.
pub(crate) const DOCUMENT_BODY_MAX: usize = 1024 * 1024 + BODY_MAX;
/// Bodies that hold arguments of a call, which has 128 KiB of calldata at most, or an ABI.
pub(crate) const CALL_BODY_MAX: usize = 512 * 1024;
const DEPTH_MAX: usize = 64;

/// Who calls: somebody with a valid key, or nobody in particular.
#[derive(Debug)]
pub(crate) struct Who {
    actor: Actor,
    request_id: Arc<str>,
    from: Option<IpAddr>,
}

impl Who {
    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller { actor: &self.actor, request_id: &self.request_id, from: self.from }
    }

    /// Whose cursors these are.
    pub(crate) fn owner(&self) -> String {
        self.actor.principal().map(|principal| principal.to_string()).unwrap_or_default()
    }

    /// The session of a user.
    pub(crate) fn session(&self) -> Option<Uuid> {
        self.actor.user().ok().map(|user| user.session)
    }
}

impl FromRequestParts<ApiState> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, Problem> {
        let request_id = parts.extensions.get::<RequestId>();
        let request_id = request_id.map_or_else(|| "".into(), |id| id.0.clone());
        let from = parts.extensions.get::<push::ClientAddress>().map(|address| address.0);
        // The edge has looked.
        let Identified(actor) = parts.extensions.get().cloned().ok_or(Code::Internal)?;
        Ok(Self { actor: actor?, request_id, from })
    }
}

/// The key or access token of a request; of a browser, the one in its cookie.
pub(crate) fn credential<'r>(
    method: &Method,
    headers: &'r HeaderMap,
    state: &ApiState,
) -> Result<Option<&'r str>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        let token = cookies::access(headers);
        if token.is_some() {
            cookies::check_page(method, headers, state.sign_in.origins())?;
        }
        return Ok(token);
    };
    let key = value.to_str().ok().and_then(|text| text.split_once(' '));
    let key = key.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, text) = key.ok_or(Code::KeyInvalid)?;
    Ok(Some(text.trim()))
}

/// Who calls, with a key or signed in; asked for before a body is read.
#[derive(Debug)]
pub(crate) struct Holder(pub(crate) Who);

impl FromRequestParts<ApiState> for Holder {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let who = Who::from_request_parts(parts, state).await?;
        match who.actor {
            Actor::Anonymous => Err(Code::KeyMissing.into()),
            Actor::Key(_) | Actor::User(_) => Ok(Self(who)),
        }
    }
}

/// The header `Idempotency-Key`. It may stand in quotes, as a structured-field string does.
#[derive(Debug)]
pub(crate) struct IdempotencyKey(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let value = values.next().ok_or(Code::IdempotencyKeyRequired)?;
        let text = value.to_str().map_err(|_| Code::IdempotencyKeyInvalid)?.trim();
        let bare = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        let sound = (1..=255).contains(&bare.len())
            && bare.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if values.next().is_some() || !sound {
            return Err(Code::IdempotencyKeyInvalid.into());
        }
        Ok(Self(bare.to_owned()))
    }
}

/// A JSON body of a known shape.
#[derive(Debug)]
pub(crate) struct JsonBody<T, const MAX: usize>(pub(crate) T);

impl<T: DeserializeOwned, const MAX: usize> FromRequest<ApiState> for JsonBody<T, MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &ApiState) -> Result<Self, Problem> {
        Ok(Self(parse::<T>(&json_bytes(request, MAX).await?)?))
    }
}

/// A JSON body of a request that is done once, and its `Idempotency-Key`, which is looked at first.
#[derive(Debug)]
pub(crate) struct Keyed<T, const MAX: usize> {
    key: String,
    pub(crate) value: T,
    fingerprint: Fingerprint,
}

impl<T, const MAX: usize> Keyed<T, MAX> {
    pub(crate) fn once(&self) -> Once<'_> {
        Once { key: &self.key, fingerprint: self.fingerprint }
    }
}

impl<T: DeserializeOwned, const MAX: usize> FromRequest<ApiState> for Keyed<T, MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let IdempotencyKey(key) = IdempotencyKey::from_request_parts(&mut parts, state).await?;
        let request = Request::from_parts(parts, body);
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let bytes = json_bytes(request, MAX).await?;
        let value = parse::<T>(&bytes)?;
        Ok(Self { key, value, fingerprint: fingerprint(&method, &path, &bytes)? })
    }
}

/// A JSON document whose rules are not ours: only its size is checked here.
#[derive(Debug)]
pub(crate) struct Document(pub(crate) Vec<u8>);

impl FromRequest<ApiState> for Document {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &ApiState) -> Result<Self, Problem> {
        Ok(Self(json_bytes(request, DOCUMENT_BODY_MAX).await?))
    }
}

async fn json_bytes(request: Request, max: usize) -> Result<Vec<u8>, Problem> {
    if !is_json(request.headers()) {
        return Err(Problem::from(Code::ContentTypeUnsupported).saying("send application/json"));
    }
    let bytes = to_bytes(request.into_body(), max).await.map_err(|error| {
        if signatures::is_of::<http_body_util::LengthLimitError>(&error) {
            Problem::from(Code::BodyTooLarge).saying(format!("at most {max} bytes"))
        } else if signatures::is_altered(&error) {
            Code::ContentDigestMismatch.into()
        } else {
            Problem::from(Code::BodyMalformed).saying("the body broke off")
        }
    })?;
    Ok(bytes.into())
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if depth(bytes) > DEPTH_MAX {
        return Err(Code::JsonTooDeep.into());
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize::<_, T>(&mut reader);
    let value = parsed.map_err(|error| {
        let pointer = pointer(error.path());
        let inner = error.into_inner();
        if inner.is_data() {
            Problem::from(Code::BodyInvalid).at(pointer, inner.to_string())
        } else {
            Problem::from(Code::BodyMalformed).saying(inner.to_string())
        }
    })?;
    reader.end().map_err(|error| Problem::from(Code::BodyMalformed).saying(error.to_string()))?;
    Ok(value)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |mut pointer, segment| {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
        pointer
    })
}

/// Of method, path and the body with sorted keys and no white space.
fn fingerprint(method: &Method, path: &str, bytes: &[u8]) -> Result<Fingerprint, Problem> {
    let value: serde_json::Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::from(Code::BodyMalformed).saying(error.to_string()))?;
    Ok(Fingerprint::of(method.as_str(), path, value.to_string().as_bytes()))
}

/// Deepest nesting of arrays and objects, by a scan that builds nothing. Exact for valid JSON, and
/// what is not valid is refused by the parser.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in bytes {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Query parameters of a known shape.
#[derive(Debug)]
pub(crate) struct Queried<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Queried<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::<T>::try_from_uri(&parts.uri)
            .map_err(|rejected| Problem::from(Code::QueryInvalid).saying(rejected.body_text()))?;
        Ok(Self(query.0))
    }
}

/// The same, beside `trait`, which may stand several times.
#[derive(Debug)]
pub(crate) struct Traited<T> {
    pub(crate) query: T,
    pub(crate) traits: Vec<String>,
}

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Traited<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let all = parts.uri.query().unwrap_or_default().split('&');
        let (traits, rest): (Vec<&str>, Vec<&str>) =
            all.partition(|pair| *pair == "trait" || pair.starts_with("trait="));
        let traits = pairs::<Vec<(String, String)>>(&traits)?;
        let traits = traits.into_iter().map(|(_, value)| value).collect();
        Ok(Self { query: pairs(&rest)?, traits })
    }
}

/// Some pairs of a query, as a value of a known shape.
fn pairs<T: DeserializeOwned>(pairs: &[&str]) -> Result<T, Problem> {
    let uri: Uri = format!("/?{}", pairs.join("&")).parse().map_err(|_| Code::QueryInvalid)?;
    let query = Query::<T>::try_from_uri(&uri)
        .map_err(|rejected| Problem::from(Code::QueryInvalid).saying(rejected.body_text()))?;
    Ok(query.0)
}

/// Parts of the path of a known shape.
#[derive(Debug)]
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        let path = path.map_err(|e| Problem::from(Code::PathInvalid).saying(e.body_text()))?;
        Ok(Self(path.0))
    }
}

/// Length of a page.
pub(crate) fn limit(asked: Option<i64>) -> Result<i64, Problem> {
    let limit = asked.unwrap_or(50);
    if (1..=200).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::from(Code::QueryInvalid).at("?limit", "1 to 200"))
    }
}

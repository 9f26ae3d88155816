//! The OpenAPI 3.1 document, made of the handlers and of one table of error codes per operation.

use crate::{
    ApiState, abis, api_keys, audit, collections, facts, holdings, indexes, items, me, metadata,
    metric_series, mint_batches, mints, my_email, operations, principals,
    problem::{Code, Problem},
    sessions, sign_in, sponsored, sponsors, staff_sign_in, token_metadata, transaction_changes,
    transactions, uploads, wallets, webhook_deliveries, webhooks,
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::LazyLock};
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

mod actions;
mod finish;
mod making_codes;
mod operator_codes;
mod user_codes;
mod webhook_codes;

pub(crate) use actions::{Declared, declared};
pub(crate) use finish::response;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Stoa",
        version = "1.0.0",
        description = "Self-hosted engine for on-chain commerce.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "content", description = "Pictures and metadata, by content identifier"),
        (name = "mints", description = "Asking for items and watching them arrive"),
        (name = "items", description = "Items on chain"),
        (name = "collections", description = "Collections on chain or asked for"),
        (name = "transactions", description = "Calls of operators, and all that the engine sends"),
        (name = "wallets", description = "The accounts that the engine sends from"),
        (name = "sponsors", description = "Calls that users sign and sponsors pay for"),
        (name = "webhooks", description = "Endpoints of yours that are told of facts"),
        (name = "sign-in", description = "Users and staff: signing in, and sessions"),
        (name = "users", description = "Oneself: profile, wallets, e-mail address"),
        (name = "principals", description = "Who there is, and their roles"),
        (name = "api-keys", description = "What machines and operators show, and its limits"),
        (name = "audit", description = "Who did what that is privileged"),
        (name = "facts", description = "What happened, in order"),
        (name = "operation", description = "Probes and metrics"),
    ),
    components(schemas(
        api_types::Problem, api_types::FieldError, api_types::FactLevel, api_types::WebhookEvent,
        api_types::WebhookFact
    )),
)]
struct Document;

/// All documented routes.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    of_users(OpenApiRouter::with_openapi(Document::openapi()))
        .routes(routes!(uploads::upload_picture))
        .routes(routes!(metadata::store_metadata))
        .routes(routes!(mints::request_mint, mints::list_mints))
        .routes(routes!(mint_batches::request_mints))
        .routes(routes!(mints::get_mint))
        .routes(routes!(items::list_items))
        .routes(routes!(items::get_item))
        .routes(routes!(token_metadata::get_token_metadata))
        .routes(routes!(token_metadata::refresh_token_metadata))
        .routes(routes!(token_metadata::list_traits))
        .routes(routes!(holdings::list_balances))
        .routes(routes!(holdings::list_holders))
        .routes(routes!(holdings::list_transfers))
        .routes(routes!(holdings::list_logs))
        .routes(routes!(collections::request_collection, collections::list_collections))
        .routes(routes!(collections::get_collection))
        .routes(routes!(facts::list_facts))
        .routes(routes!(indexes::list_indexes))
        .routes(routes!(abis::store_abi, abis::list_abis))
        .routes(routes!(abis::get_abi, abis::delete_abi))
        .routes(routes!(transactions::request_transaction, transactions::list_transactions))
        .routes(routes!(transactions::quote_transaction))
        .routes(routes!(transactions::get_transaction))
        .routes(routes!(transactions::list_transaction_facts))
        .routes(routes!(transaction_changes::cancel_transaction))
        .routes(routes!(transaction_changes::speed_up_transaction))
        .routes(routes!(transaction_changes::approve_transaction))
        .routes(routes!(transaction_changes::replace_transaction))
        .routes(routes!(transaction_changes::redrive_transaction))
        .routes(routes!(wallets::list_wallets, wallets::create_wallet))
        .routes(routes!(wallets::get_wallet))
        .routes(routes!(wallets::pause_wallet))
        .routes(routes!(wallets::resume_wallet))
        .routes(routes!(wallets::retire_wallet))
        .routes(routes!(wallets::rotate_wallet))
        .routes(routes!(wallets::drain_wallet))
        .routes(routes!(sponsors::create_sponsor, sponsors::list_sponsors))
        .routes(routes!(sponsors::get_sponsor, sponsors::change_sponsor))
        .routes(routes!(sponsored::request_sponsored, sponsored::list_sponsored))
        .routes(routes!(sponsored::prepare_sponsored))
        .routes(routes!(sponsored::get_sponsored))
        .routes(routes!(principals::list_principals))
        .routes(routes!(principals::get_principal))
        .routes(routes!(principals::grant_role, principals::end_role))
        .routes(routes!(webhooks::create_webhook, webhooks::list_webhooks))
        .routes(routes!(webhooks::get_webhook, webhooks::change_webhook, webhooks::delete_webhook))
        .routes(routes!(webhooks::rotate_webhook_secret))
        .routes(routes!(webhook_deliveries::list_deliveries))
        .routes(routes!(webhook_deliveries::retry_delivery))
        .routes(routes!(webhook_deliveries::replay_webhook))
        .routes(routes!(webhook_deliveries::try_webhook))
        .routes(routes!(api_keys::create_api_key, api_keys::list_api_keys))
        .routes(routes!(api_keys::get_api_key, api_keys::change_api_key, api_keys::revoke_api_key))
        .routes(routes!(api_keys::rotate_api_key))
        .routes(routes!(operations::get_health))
        .routes(routes!(operations::get_readiness))
        .routes(routes!(operations::get_metrics))
}

/// Signing in, and what users do with what is theirs.
fn of_users(router: OpenApiRouter<ApiState>) -> OpenApiRouter<ApiState> {
    router
        .routes(routes!(sign_in::ask_challenge))
        .routes(routes!(
            sign_in::open_session,
            sessions::list_sessions,
            sessions::end_other_sessions
        ))
        .routes(routes!(sessions::end_session))
        .routes(routes!(sign_in::refresh_session))
        .routes(routes!(sign_in::log_out))
        .routes(routes!(sign_in::list_token_keys))
        .routes(routes!(staff_sign_in::start_staff_sign_in))
        .routes(routes!(staff_sign_in::finish_staff_sign_in))
        .routes(routes!(me::get_me, me::change_me))
        .routes(routes!(me::list_my_wallets, me::link_wallet))
        .routes(routes!(me::ask_link_challenge))
        .routes(routes!(me::unlink_wallet))
        .routes(routes!(me::list_my_balances))
        .routes(routes!(my_email::ask_email, my_email::forget_email))
        .routes(routes!(my_email::verify_email))
        .merge(looking())
}

/// Of those who look after the engine.
fn looking() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(audit::list_audit_records))
        .routes(routes!(metric_series::get_metric_series))
}

/// The document as committed at `openapi/stoa.json`.
#[must_use]
pub fn openapi_json() -> String {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
}

/// Paths and operations, before anything is added to them.
pub(crate) fn bare() -> Value {
    serde_json::to_value(routes().get_openapi()).unwrap_or_default()
}

pub(crate) fn document() -> Value {
    let mut document = bare();
    document["components"]["securitySchemes"] = json!({
        "api_key": {
            "type": "http", "scheme": "bearer",
            "description": "An API key: `sk_<env>_<id>_<secret>`.",
        },
        "access_token": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "The access token of a user who is signed in (RFC 9068).",
        },
        "request_signature": {
            "type": "apiKey", "in": "header", "name": "Signature",
            "description": "A signature over the request (RFC 9421), with `Signature-Input` and, \
                            where there is a body, `Content-Digest`.",
        },
        "session_cookie": {
            "type": "apiKey", "in": "cookie", "name": "__Host-stoa_access",
            "description": "The same, kept by a browser. Requests that change something must come \
                            from a page of an allowed origin.",
        },
    });
    document["components"]["headers"] = json!({
        "x-request-id": {
            "description": "Id of the request: yours if you sent a sane one, else a UUIDv7.",
            "schema": { "type": "string" },
        },
        "RateLimit-Policy": {
            "description": "What is allowed to whoever was charged: `q` units in `w` seconds.",
            "schema": { "type": "string" }, "example": "\"key\";q=600000;w=60",
        },
        "RateLimit": {
            "description": "`r` units are left; after `t` seconds all are there again.",
            "schema": { "type": "string" }, "example": "\"key\";r=599995;t=1",
        },
    });
    document["components"]["examples"] = Value::Object(problem_examples());
    finish::add_stream(&mut document);
    document["webhooks"] = webhook_codes::sent();
    let paths = document["paths"].as_object_mut();
    for operation in paths.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        operation.values_mut().for_each(complete);
    }
    finish::share_responses(&mut document);
    document
}

/// Who may call an operation, and what it may answer besides success.
fn codes(operation: &str) -> (Access, Vec<Code>) {
    use Code as C;
    const LISTS: [Code; 2] = [C::QueryInvalid, C::CursorInvalid];
    const ADDRESS: [Code; 3] = [C::ChainUnknown, C::AddressInvalid, C::AddressChecksum];
    const WHOLE: [Code; 3] = [C::BlockNotIndexed, C::SourceBackfilling, C::ContractNotFollowed];
    const TOKEN: [Code; 4] =
        [C::ItemUnknown, C::PathInvalid, C::TokenIdInvalid, C::ContractNotFollowed];
    let of = |parts: &[&[Code]]| parts.concat();
    match operation {
        "upload_picture" | "store_metadata" | "request_mint" | "request_mints"
        | "request_collection" => (Access::Makes, making_codes::codes(operation)),
        "get_mint" => (Access::KeyOrUser, vec![C::MintUnknown, C::PathInvalid]),
        "list_mints" => (Access::KeyOrUser, of(&[&LISTS, &[C::StatusUnknown], &ADDRESS])),
        "get_item" => {
            let own = [C::ItemUnknown, C::PathInvalid, C::TokenIdInvalid, C::QueryInvalid];
            (Access::Public, of(&[&own, &ADDRESS, &WHOLE]))
        }
        "get_token_metadata" => (Access::Public, of(&[&TOKEN, &ADDRESS])),
        "refresh_token_metadata" => (Access::Key, of(&[&TOKEN, &ADDRESS])),
        "list_traits" => {
            (Access::Public, of(&[&LISTS, &[C::ContractNotFollowed, C::PathInvalid], &ADDRESS]))
        }
        "list_logs" => (Access::Public, of(&[&LISTS, &ADDRESS, &WHOLE])),
        "list_items" => (Access::Public, of(&[&LISTS, &ADDRESS, &WHOLE, &[C::BlockOutsideWindow]])),
        "list_transfers" => (Access::Public, of(&[&LISTS, &ADDRESS, &WHOLE, &[C::TokenIdInvalid]])),
        "list_balances" | "list_holders" => {
            let own = [C::BlockOutsideWindow, C::TokenIdInvalid];
            (Access::Public, of(&[&LISTS, &ADDRESS, &WHOLE, &own]))
        }
        "get_collection" => {
            (Access::Public, of(&[&[C::CollectionUnknown, C::PathInvalid], &ADDRESS]))
        }
        "list_collections" => (Access::Public, LISTS.to_vec()),
        "list_facts" => {
            let private = [C::KeyMissing, C::ScopeMissing, C::OperatorOnly, C::KeyOnly];
            (Access::Public, of(&[&[C::QueryInvalid, C::TopicUnknown], &private]))
        }
        "follow_events" => (Access::Public, vec![C::QueryInvalid, C::KeyMissing, C::ScopeMissing]),
        "open_stream" => (Access::Public, vec![C::UpgradeRequired]),
        "list_indexes" => (Access::Public, Vec::new()),
        "get_readiness" => (Access::Probe, vec![C::NotReady]),
        "list_principals" => (Access::Key, LISTS.to_vec()),
        "get_principal" | "end_role" => (Access::Key, vec![C::PrincipalUnknown, C::PathInvalid]),
        "grant_role" => (Access::Key, operator_codes::of_grants()),
        "create_api_key" | "rotate_api_key" => {
            (Access::Makes, operator_codes::of_api_keys(operation))
        }
        "get_api_key" | "list_api_keys" | "change_api_key" | "revoke_api_key" => {
            (Access::Key, operator_codes::of_api_keys(operation))
        }
        "request_sponsored" => (Access::Makes, operator_codes::of_sponsored(operation)),
        "get_sponsor" | "list_sponsors" | "prepare_sponsored" | "get_sponsored"
        | "list_sponsored" => (Access::Key, operator_codes::of_sponsored(operation)),
        _ => of_others(operation).unwrap_or_else(|| match operator_codes::codes(operation) {
            Some((true, codes)) => (Access::OperatorMakes, codes),
            Some((false, codes)) => (Access::Operator, codes),
            None => (Access::Probe, Vec::new()),
        }),
    }
}

/// The same of webhooks and of users.
fn of_others(operation: &str) -> Option<(Access, Vec<Code>)> {
    webhook_codes::codes(operation).or_else(|| user_codes::codes(operation))
}

/// Who may call an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Probe,
    Public,
    Key,
    /// With a key, or signed in.
    KeyOrUser,
    /// Signed in.
    User,
    /// By whoever is not signed in yet.
    SignIn,
    /// With a key, and an Idempotency-Key.
    Makes,
    /// With a key of an operator.
    Operator,
    OperatorMakes,
}

fn complete(operation: &mut Value) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    if let Some(declared) = declared(&id) {
        operation["x-stoa-action"] = json!(actions::named(declared));
    }
    let (access, mut codes) = codes(&id);
    codes.extend(declared(&id).map(actions::denials).unwrap_or_default());
    codes.extend([Code::Internal, Code::RequestTimeout, Code::UriTooLong, Code::HeadersTooLarge]);
    if access != Access::Probe {
        codes.extend([Code::Unavailable, Code::Overloaded, Code::RateLimited]);
        operation["security"] = security(access);
    }
    if !matches!(access, Access::Probe | Access::SignIn) {
        codes.extend([Code::KeyInvalid, Code::PlaceRefused]);
        codes.extend([Code::TokenInvalid, Code::TokenExpired, Code::SessionEnded]);
        codes.extend(SIGNATURES);
        if operation.get("requestBody").is_some() {
            codes.push(Code::ContentDigestMismatch);
        }
        if !["get_", "list_"].iter().any(|reads| id.starts_with(reads)) {
            codes.push(Code::CrossOrigin);
        }
    }
    if matches!(access, Access::Makes | Access::OperatorMakes) {
        add_idempotency(operation);
    }
    finish::narrow_parameters(operation);
    if TAGGED.contains(&id.as_str()) {
        add_etag(operation);
    }
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for response in responses.values_mut() {
        response["headers"]["x-request-id"] = json!({ "$ref": REQUEST_ID });
    }
    for (status, codes) in by_status(codes) {
        responses.insert(status.to_string(), refusal(&codes));
    }
    if access != Access::Probe {
        for response in responses.values_mut() {
            for name in LIMITS {
                let header = format!("#/components/headers/{name}");
                response["headers"][name] = json!({ "$ref": header });
            }
        }
    }
}

/// Of requests that are signed.
const SIGNATURES: [Code; 7] = [
    Code::RequestSignatureMalformed,
    Code::RequestSignatureIncomplete,
    Code::RequestSignatureExpired,
    Code::RequestSignatureWrong,
    Code::RequestSignatureReplayed,
    Code::RequestSignatureRequired,
    Code::ContentDigestInvalid,
];

/// What may be shown. An empty requirement: nothing has to be.
fn security(access: Access) -> Value {
    let user = [json!({ "access_token": [] }), json!({ "session_cookie": [] })];
    let (key, signature) = (json!({ "api_key": [] }), json!({ "request_signature": [] }));
    match access {
        Access::Probe | Access::SignIn => json!([]),
        Access::Public => json!([{}, key, signature]),
        Access::User => json!(user),
        Access::KeyOrUser
        | Access::Key
        | Access::Makes
        | Access::Operator
        | Access::OperatorMakes => json!([&[key, signature][..], &user].concat()),
    }
}

/// Reads with a validator: see `etag`.
const TAGGED: [&str; 11] = [
    "get_collection",
    "get_item",
    "get_mint",
    "get_token_metadata",
    "list_balances",
    "list_collections",
    "list_holders",
    "list_items",
    "list_mints",
    "list_traits",
    "list_transfers",
];

fn add_etag(operation: &mut Value) {
    let header = json!({
        "name": "If-None-Match", "in": "header", "required": false,
        "description": "Tags of answers that you have: 304 if the present one is among them.",
        "schema": { "type": "string" },
        "example": "W/\"3b6f2f0c9a1e4d5b8c7d6e5f4a3b2c1d\"",
    });
    match operation["parameters"].as_array_mut() {
        Some(parameters) => parameters.push(header),
        None => operation["parameters"] = json!([header]),
    }
    let tag = json!({
        "description": "Weak validator of the state shown.",
        "schema": { "type": "string" },
    });
    operation["responses"]["304"] = json!({ "description": "You have it: nothing has changed" });
    for status in ["200", "304"] {
        operation["responses"][status]["headers"]["ETag"] = tag.clone();
    }
}

/// Told by every answer that was charged to somebody.
const LIMITS: [&str; 2] = ["RateLimit-Policy", "RateLimit"];
const REQUEST_ID: &str = "#/components/headers/x-request-id";

fn add_idempotency(operation: &mut Value) {
    let header = json!({
        "name": "Idempotency-Key", "in": "header", "required": true,
        "description": "Unique per request; unchanged when it is sent again. Answers are replayed \
                        for 24 hours.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
        "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
    });
    match operation["parameters"].as_array_mut() {
        Some(parameters) => parameters.push(header),
        None => operation["parameters"] = json!([header]),
    }
    let replayed = json!({
        "description": "`true` when the answer was given before.",
        "schema": { "type": "string" },
    });
    let responses = operation["responses"].as_object_mut();
    for response in responses.into_iter().flat_map(Map::values_mut) {
        response["headers"]["Idempotent-Replayed"] = replayed.clone();
    }
}

fn by_status(mut codes: Vec<Code>) -> BTreeMap<u16, Vec<Code>> {
    codes.sort_unstable();
    codes.dedup();
    let mut all: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        all.entry(code.status()).or_default().push(code);
    }
    all
}

/// One of each code; operations refer to them.
fn problem_examples() -> Map<String, Value> {
    let example = |code: &Code| {
        let problem = Problem::from(*code).show("01932c5e-7f3a-7000-8000-000000000000");
        (code.as_str().to_owned(), json!({ "summary": code.title(), "value": problem }))
    };
    Code::ALL.iter().map(example).collect()
}

fn refusal(codes: &[Code]) -> Value {
    let titles: Vec<String> =
        codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
    let examples: Map<String, Value> = codes
        .iter()
        .map(|code| {
            let example = format!("#/components/examples/{}", code.as_str());
            (code.as_str().to_owned(), json!({ "$ref": example }))
        })
        .collect();
    let schema = json!({ "$ref": format!("#/components/schemas/{}", api_types::Problem::name()) });
    json!({
        "description": titles.join(" "),
        "headers": { "x-request-id": { "$ref": REQUEST_ID } },
        "content": { "application/problem+json": { "schema": schema, "examples": examples } },
    })
}

/// May this operation answer with this code? For tests.
#[must_use]
pub fn declares(operation: &str, code: &str) -> bool {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(document);
    let document = &*DOCUMENT;
    let operations = document["paths"].as_object().into_iter().flat_map(Map::values);
    let found = operations
        .filter_map(Value::as_object)
        .flat_map(Map::values)
        .find(|candidate| candidate["operationId"] == operation);
    found.and_then(|operation| operation["responses"].as_object()).is_some_and(|responses| {
        responses.values().any(|named| {
            let whole = response(document, named);
            whole["content"]["application/problem+json"]["examples"].get(code).is_some()
        })
    })
}

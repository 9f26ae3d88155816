//! The document for machines, and the same for people: pages without any script, made once.

use crate::{ApiState, openapi, problem::Code};
use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{fmt::Write, sync::LazyLock};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
padding:0 1rem;color:#1a1a1a;background:#fff}h2{margin-top:3rem;border-bottom:1px solid #ddd}\
h3{margin-top:2rem}code,pre{font:13px/1.45 ui-monospace,monospace;background:#f4f4f4;\
border-radius:4px}code{padding:.1em .3em}pre{padding:.8em;overflow-x:auto}table{border-collapse:\
collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.35em .6em;border-bottom:1px \
solid #eee}.m{display:inline-block;min-width:3.6em;font-weight:600}a{color:#0b5fae}\
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}\
code,pre{background:#262626}td,th,h2{border-color:#333}a{color:#7ab8f5}}";

/// Allows the one style sheet by its digest, and nothing else.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let digest = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!("default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'");
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});
static JSON: LazyLock<String> = LazyLock::new(openapi::openapi_json);
static REFERENCE: LazyLock<String> = LazyLock::new(|| reference(&openapi::document()));
static ERRORS: LazyLock<String> = LazyLock::new(errors);

pub(crate) fn routes() -> Router<ApiState> {
    Router::new()
        .route("/api/v1/openapi.json", get(get_document))
        .route("/docs", get(|| async { html(&REFERENCE) }))
        .route("/docs/errors", get(|| async { html(&ERRORS) }))
}

async fn get_document() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, JSON.as_str()).into_response()
}

fn html(page: &'static str) -> Response {
    let mut response = page.into_response();
    let headers = response.headers_mut();
    let media = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, media);
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Text of ours, in which `code` stands in backticks.
fn prose(text: &str) -> String {
    let parts = escape(text);
    let mut out = String::new();
    for (i, part) in parts.split('`').enumerate() {
        let _ = if i % 2 == 1 { write!(out, "<code>{part}</code>") } else { write!(out, "{part}") };
    }
    out
}

fn shell(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><h1>{title}</h1>{body}</body></html>"
    )
}

fn errors() -> String {
    let mut body = String::from(
        "<p>Every error is <code>application/problem+json</code> (RFC 9457) with one of these \
         codes. Codes never change their meaning.</p>",
    );
    for code in Code::ALL {
        let (name, title) = (code.as_str(), prose(code.title()));
        let _ = write!(
            body,
            "<h3 id=\"{name}\"><code>{name}</code> {}</h3><p><b>{title}.</b> {}</p>",
            code.status(),
            prose(code.doc()),
        );
    }
    shell("Error codes", &body)
}

fn reference(document: &Value) -> String {
    let mut body = String::from(
        "<p>Machine-readable: <a href=\"/api/v1/openapi.json\">openapi.json</a>. \
         <a href=\"/docs/errors\">Error codes</a>.</p>",
    );
    write_contents(&mut body, document);
    for (name, about) in tags(document) {
        let _ = write!(body, "<h2 id=\"tag-{name}\">{name}</h2><p>{about}.</p>");
        for (path, method, operation) in of_tag(document, &name) {
            write_operation(&mut body, path, method, operation);
            write_responses(&mut body, document, operation);
        }
    }
    body.push_str("<h2 id=\"shapes\">Shapes</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        write_schema(&mut body, name, schema);
    }
    shell("Stoa API", &body)
}

/// Names and what they are about.
fn tags(document: &Value) -> impl Iterator<Item = (String, String)> {
    document["tags"].as_array().into_iter().flatten().map(|tag| {
        let text = |key: &str| tag[key].as_str().unwrap_or_default();
        (escape(text("name")), prose(text("description")))
    })
}

/// Path, method and the rest.
fn of_tag<'d>(
    document: &'d Value,
    tag: &str,
) -> impl Iterator<Item = (&'d str, &'d str, &'d Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, operations)| {
        let operations = operations.as_object().into_iter().flatten();
        operations.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    });
    all.filter(move |(_, _, operation)| operation["tags"][0] == tag)
}

fn write_contents(body: &mut String, document: &Value) {
    body.push_str("<nav aria-label=\"Contents\">");
    for (name, about) in tags(document) {
        let _ = write!(
            body,
            "<details><summary><a href=\"#tag-{name}\">{name}</a> {about}</summary><table>"
        );
        for (path, method, operation) in of_tag(document, &name) {
            let text = |key: &str| operation[key].as_str().unwrap_or_default();
            let _ = write!(
                body,
                "<tr><td><span class=\"m\">{}</span> <code>{}</code></td>\
                 <td><a href=\"#{}\">{}</a></td></tr>",
                method.to_uppercase(),
                escape(path),
                escape(text("operationId")),
                prose(text("summary")),
            );
        }
        body.push_str("</table></details>");
    }
    body.push_str("<p><a href=\"#shapes\">Shapes</a></p></nav>");
}

fn write_operation(body: &mut String, path: &str, method: &str, operation: &Value) {
    let text = |key: &str| operation[key].as_str().unwrap_or_default();
    let _ = write!(
        body,
        "<h3 id=\"{}\"><span class=\"m\">{}</span> <code>{}</code></h3><p><b>{}.</b> {}</p>",
        escape(text("operationId")),
        method.to_uppercase(),
        escape(path),
        prose(text("summary")),
        prose(text("description")),
    );
    let parameters = operation["parameters"].as_array();
    if let Some(parameters) = parameters.filter(|parameters| !parameters.is_empty()) {
        body.push_str("<table>");
        for parameter in parameters {
            let _ = write!(
                body,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                escape(parameter["name"].as_str().unwrap_or_default()),
                escape(parameter["in"].as_str().unwrap_or_default()),
                prose(parameter["description"].as_str().unwrap_or_default()),
            );
        }
        body.push_str("</table>");
    }
    for (media, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        let _ = write!(body, "<p>Body: <code>{media}</code> {}</p>", type_of(&content["schema"]));
    }
}

fn write_responses(body: &mut String, document: &Value, operation: &Value) {
    body.push_str("<table>");
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let response = openapi::response(document, response);
        let shape = response["content"].as_object().and_then(|content| content.values().next());
        let _ = write!(
            body,
            "<tr><td><code>{status}</code></td><td>{}</td><td>{}</td></tr>",
            prose(response["description"].as_str().unwrap_or_default()),
            shape.map(|shape| type_of(&shape["schema"])).unwrap_or_default(),
        );
    }
    body.push_str("</table>");
}

fn write_schema(body: &mut String, name: &str, schema: &Value) {
    let about = prose(schema["description"].as_str().unwrap_or_default());
    let _ = write!(body, "<h3 id=\"{name}\"><code>{name}</code></h3><p>{about}</p>");
    let parts = schema["allOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
    body.push_str("<table>");
    for part in &parts {
        if part["$ref"].is_string() {
            let _ = write!(body, "<tr><td>all of</td><td>{}</td><td></td></tr>", type_of(part));
        }
        for (field, shape) in part["properties"].as_object().into_iter().flatten() {
            let about = prose(shape["description"].as_str().unwrap_or_default());
            let kind = type_of(shape);
            let _ = write!(
                body,
                "<tr><td><code>{field}</code></td><td>{kind}</td><td>{about}</td></tr>"
            );
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values
            .iter()
            .filter_map(|value| Some(format!("<code>{}</code>", escape(value.as_str()?))))
            .collect();
        let _ = write!(body, "<tr><td>one of</td><td>{}</td><td></td></tr>", values.join(" "));
    }
    body.push_str("</table>");
}

fn type_of(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let all: Vec<String> = choices.iter().map(type_of).collect();
        return all.join(" or ");
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}", type_of(&schema["items"])),
        Value::String(kind) => escape(kind),
        Value::Array(kinds) => {
            let all: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
            escape(&all.join(" or "))
        }
        _ => "any".to_owned(),
    }
}

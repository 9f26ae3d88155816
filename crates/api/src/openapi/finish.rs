//! Last touches to the document: what parameters of one name always are, the two operations that
//! the stream serves, and each refusal told once.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Parameters that mean the same wherever they stand, and what holds of their values.
fn narrowing(name: &str) -> Option<Value> {
    let address = || json!({ "pattern": "^0x[0-9a-fA-F]{40}$" });
    Some(match name {
        "limit" => json!({ "minimum": 1, "maximum": 200, "default": 50 }),
        "chain_id" => json!({ "minimum": 1, "maximum": i64::MAX }),
        "from_block" | "to_block" | "wait_for_block" | "as_of_block" => {
            json!({ "minimum": 0, "maximum": i64::MAX })
        }
        "contract" | "address" | "account" | "owner" | "collection" | "to" | "wallet" => address(),
        "token_id" => json!({ "pattern": "^(0|[1-9][0-9]{0,77})$" }),
        "cursor" => json!({ "minLength": 1, "maxLength": 1024 }),
        "Idempotency-Key" => json!({ "minLength": 1, "maxLength": 255 }),
        _ => return None,
    })
}

pub(super) fn narrow_parameters(operation: &mut Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        // Schemas that are shared are named as they are.
        let schema = parameter["schema"].as_object_mut().filter(|own| !own.contains_key("$ref"));
        if let (Some(schema), Some(Value::Object(narrow))) = (schema, narrowing(&name)) {
            schema.extend(narrow);
        }
    }
}

/// Refusals that several operations give alike stand in the components, under their status.
pub(super) fn share_responses(document: &mut Value) {
    let mut count = BTreeMap::<String, usize>::new();
    each_refusal(document, |_, response| {
        *count.entry(response.to_string()).or_default() += 1;
    });
    let (mut names, mut shared) = (BTreeMap::<String, String>::new(), Map::new());
    let mut of_status = BTreeMap::<String, usize>::new();
    each_refusal(document, |status, response| {
        let text = response.to_string();
        if count.get(&text).is_none_or(|uses| *uses < 2) {
            return;
        }
        let name = names.entry(text).or_insert_with(|| {
            let number = of_status.entry(status.to_owned()).or_default();
            *number += 1;
            format!("refused-{status}-{number}")
        });
        let whole = std::mem::replace(response, json!({ "$ref": reference(name) }));
        shared.entry(name.clone()).or_insert(whole);
    });
    document["components"]["responses"] = Value::Object(shared);
}

fn reference(name: &str) -> String {
    format!("#/components/responses/{name}")
}

/// The response itself, where the document may only name it.
pub(crate) fn response<'d>(document: &'d Value, response: &'d Value) -> &'d Value {
    let name = response["$ref"].as_str().and_then(|text| text.rsplit('/').next());
    name.map_or(response, |name| &document["components"]["responses"][name])
}

fn each_refusal(document: &mut Value, mut visit: impl FnMut(&str, &mut Value)) {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    let operations = paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    for responses in operations.filter_map(|operation| operation["responses"].as_object_mut()) {
        for (status, response) in responses {
            if status.starts_with(['4', '5']) {
                visit(status, response);
            }
        }
    }
}

/// What the stream serves: see `push`.
pub(super) fn add_stream(document: &mut Value) {
    let topic = json!({
        "name": "topic", "in": "query", "required": true,
        "description": "One or several, separated by commas: `items`, `transfers`, `collections`, \
                        `chain`, `mints`, `transactions`. Other parameters than those named here \
                        are filters.",
        "schema": { "type": "string" }, "example": "items",
    });
    let number = |name: &str, description: &str| {
        json!({
            "name": name, "in": "query", "required": false, "description": description,
            "schema": { "type": "integer", "format": "int64", "minimum": 0 },
        })
    };
    document["paths"]["/api/v1/events"]["get"] = json!({
        "tags": ["facts"], "operationId": "follow_events", "summary": "Follow events",
        "description": "The stream by server-sent events, without end. The `data` of each is one \
                        message in the envelope of the stream; its `id` is to be sent back as \
                        `Last-Event-ID`.",
        "parameters": [
            topic,
            number("from_seq", "Everything after this number; with one topic."),
            number("epoch", "The numbering that `from_seq` is of."),
            {
                "name": "Last-Event-ID", "in": "header", "required": false,
                "description": "The `id` of the last event.", "schema": { "type": "string" },
                "example": "items=1.45",
            },
        ],
        "responses": { "200": {
            "description": "Events",
            "content": { "text/event-stream": { "schema": { "type": "string" } } },
        } },
    });
    document["paths"]["/api/v1/stream"]["get"] = json!({
        "tags": ["facts"], "operationId": "open_stream", "summary": "Open the stream",
        "description": "The opening handshake of a WebSocket (RFC 6455).",
        "responses": { "101": { "description": "The stream is open" } },
    });
}

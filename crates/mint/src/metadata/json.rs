//! A JSON tree that keeps numbers as they were written. `serde_json` does the grammar; its own
//! tree would read `1.10` as a float, and its feature against that would change the whole
//! workspace.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{MetadataRefusal, Problem, Reason, refusal};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// As written.
    Number(String),
    String(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

/// The deepest nesting of brackets outside strings. For JSON, the depth of the document; for
/// anything else, a number.
pub(super) fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Parses a document whose depth was checked.
pub(super) fn parse(bytes: &[u8]) -> Result<Json, MetadataRefusal> {
    // One pass over the whole document first: errors with their place, and then only what
    // `RawValue` does not look into can still be wrong.
    let not_json =
        |error: serde_json::Error| Reason::NotJson { line: error.line(), column: error.column() };
    let text = std::str::from_utf8(bytes).map_err(|error| refusal(place(bytes, error)))?;
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| refusal(not_json(error)))?;
    let raw = serde_json::from_str(text).map_err(|error| refusal(not_json(error)))?;
    build(raw, &mut String::new())
}

/// Line and column of the first byte that is not UTF-8.
fn place(bytes: &[u8], error: std::str::Utf8Error) -> Reason {
    let before = &bytes[..error.valid_up_to()];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    Reason::NotJson { line, column }
}

fn build(raw: &RawValue, pointer: &mut String) -> Result<Json, MetadataRefusal> {
    let text = raw.get();
    let fail = |pointer: &str, reason| MetadataRefusal {
        problems: vec![Problem { pointer: pointer.to_owned(), reason }],
    };
    let unsound = |_| fail(pointer, Reason::NotJson { line: 0, column: 0 });
    match text.as_bytes().first() {
        Some(b'n') => Ok(Json::Null),
        Some(b't') => Ok(Json::Bool(true)),
        Some(b'f') => Ok(Json::Bool(false)),
        // Here a lone surrogate shows, which JSON's grammar lets pass.
        Some(b'"') => serde_json::from_str(text).map(Json::String).map_err(unsound),
        Some(b'[') => {
            let entries: Vec<&RawValue> = serde_json::from_str(text).map_err(unsound)?;
            let mut array = Vec::with_capacity(entries.len());
            for (index, entry) in entries.into_iter().enumerate() {
                array.push(within(pointer, &index.to_string(), |p| build(entry, p))?);
            }
            Ok(Json::Array(array))
        }
        Some(b'{') => {
            let fields: Fields<'_> = serde_json::from_str(text).map_err(unsound)?;
            let mut object = BTreeMap::new();
            for (key, field) in fields.0 {
                let value = within(pointer, &key, |p| build(field, p))?;
                if object.contains_key(&key) {
                    let pointer = within(pointer, &key, |p| p.clone());
                    return Err(fail(&pointer, Reason::DuplicateKey));
                }
                object.insert(key, value);
            }
            Ok(Json::Object(object))
        }
        _ => Ok(Json::Number(text.to_owned())),
    }
}

/// Runs `inner` with `pointer` one step further (RFC 6901 §3).
pub(super) fn within<T>(
    pointer: &mut String,
    step: &str,
    inner: impl FnOnce(&mut String) -> T,
) -> T {
    let len = pointer.len();
    pointer.push('/');
    pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
    let result = inner(pointer);
    pointer.truncate(len);
    result
}

/// The fields of an object in order, repeated keys included.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields<'de>, M::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

impl Json {
    /// Appends the canonical form.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(text) => out.push_str(text),
            Self::String(text) => write_string(text, out),
            Self::Array(entries) => {
                out.push('[');
                for (index, entry) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    entry.write(out);
                }
                out.push(']');
            }
            Self::Object(fields) => {
                out.push('{');
                for (index, (key, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_string(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn write_string(text: &str, out: &mut String) {
    let quoted = serde_json::to_string(text).expect("invariant: a string has a JSON form");
    out.push_str(&quoted);
}

//! From values of the ABI's types to JSON: what [`crate::Function::encode`] takes gives it back.

use crate::kind::{Field, Kind, has_names};
use alloy_dyn_abi::DynSolValue;
use alloy_primitives::hex;
use serde_json::{Map, Value, json};

/// By name where all have one, else in order.
pub(crate) fn sequence(fields: &[Field], values: &[DynSolValue]) -> Value {
    let shown = fields.iter().zip(values).map(|(field, value)| show(&field.kind, value));
    if has_names(fields) && !fields.is_empty() {
        let names = fields.iter().map(|field| field.name.clone());
        Value::Object(names.zip(shown).collect::<Map<_, _>>())
    } else {
        Value::Array(shown.collect())
    }
}

pub(crate) fn show(kind: &Kind, value: &DynSolValue) -> Value {
    match (kind, value) {
        (Kind::Tuple(fields), DynSolValue::Tuple(values)) => sequence(fields, values),
        (
            Kind::Array(inner) | Kind::FixedArray(inner, _),
            DynSolValue::Array(values) | DynSolValue::FixedArray(values),
        ) => Value::Array(values.iter().map(|value| show(inner, value)).collect()),
        (_, DynSolValue::Bool(value)) => json!(value),
        (_, DynSolValue::Address(value)) => json!(value.to_checksum(None)),
        (_, DynSolValue::Uint(value, _)) => json!(value.to_string()),
        (_, DynSolValue::Int(value, _)) => json!(value.to_string()),
        (_, DynSolValue::FixedBytes(word, size)) => json!(hex::encode_prefixed(&word[..*size])),
        (_, DynSolValue::Bytes(bytes)) => json!(hex::encode_prefixed(bytes)),
        (_, DynSolValue::String(text)) => json!(text),
        // The values were decoded as these very kinds.
        _ => Value::Null,
    }
}

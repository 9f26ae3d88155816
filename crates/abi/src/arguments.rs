//! From JSON to values of the ABI's types.

use crate::{
    Fault,
    kind::{Field, Kind, has_names},
};
use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, I256, Sign, U256, hex};
use serde_json::{Map, Value};

/// Largest JSON number that is taken: beyond it readers of JSON round (RFC 8259, §6).
pub const NUMBER_MAX: u64 = 1 << 53;
/// Faults told at once.
const FAULTS_MAX: usize = 20;

/// Values for `fields` in order, by position (an array) or by name (an object).
pub(crate) fn values(
    fields: &[Field],
    given: &Value,
    pointer: &str,
) -> Result<Vec<DynSolValue>, Vec<Fault>> {
    let mut reader = Reader { faults: Vec::new() };
    let values = reader.sequence(fields, given, pointer);
    match values {
        Some(values) if reader.faults.is_empty() => Ok(values),
        _ => Err(reader.faults),
    }
}

struct Reader {
    faults: Vec<Fault>,
}

impl Reader {
    fn fail<T>(&mut self, pointer: &str, detail: impl Into<String>) -> Option<T> {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault::new(pointer, detail));
        }
        None
    }

    fn sequence(
        &mut self,
        fields: &[Field],
        given: &Value,
        pointer: &str,
    ) -> Option<Vec<DynSolValue>> {
        match given {
            Value::Array(items) if items.len() == fields.len() => {
                let parts = fields.iter().zip(items).enumerate();
                all(parts.map(|(i, (f, item))| self.value(&f.kind, item, &at(pointer, i))))
            }
            Value::Array(items) => {
                let (wanted, got) = (fields.len(), items.len());
                self.fail(pointer, format!("{wanted} values are needed, {got} were given"))
            }
            Value::Object(map) if has_names(fields) => self.by_name(fields, map, pointer),
            Value::Object(_) => {
                self.fail(pointer, "not all have names here: give an array, in order")
            }
            _ => self.fail(pointer, "an array, in order, or an object, by name"),
        }
    }

    fn by_name(
        &mut self,
        fields: &[Field],
        map: &Map<String, Value>,
        pointer: &str,
    ) -> Option<Vec<DynSolValue>> {
        for name in map.keys().filter(|name| !fields.iter().any(|f| f.name == **name)) {
            let _: Option<()> = self.fail(&at(pointer, escape(name)), "there is no such parameter");
        }
        all(fields.iter().map(|field| {
            let here = at(pointer, &field.name);
            match map.get(&field.name) {
                Some(item) => self.value(&field.kind, item, &here),
                None => self.fail(&here, format!("is missing: {}", field.kind.label())),
            }
        }))
    }

    fn value(&mut self, kind: &Kind, given: &Value, pointer: &str) -> Option<DynSolValue> {
        let found = match kind {
            Kind::Array(inner) => return self.list(inner, given, pointer).map(DynSolValue::Array),
            Kind::FixedArray(inner, count) => {
                let got = given.as_array().map_or(*count, Vec::len);
                if got != *count {
                    return self.fail(pointer, format!("{count} elements are needed, not {got}"));
                }
                return self.list(inner, given, pointer).map(DynSolValue::FixedArray);
            }
            Kind::Tuple(fields) => {
                return self.sequence(fields, given, pointer).map(DynSolValue::Tuple);
            }
            Kind::Bool => given.as_bool().map(DynSolValue::Bool).ok_or("true or false".to_owned()),
            Kind::String => text(given).map(|text| DynSolValue::String(text.to_owned())),
            Kind::Address => text(given).and_then(parse_address).map(DynSolValue::Address),
            Kind::Bytes => text(given).and_then(bytes).map(DynSolValue::Bytes),
            Kind::FixedBytes(size) => text(given).and_then(|text| fixed_bytes(text, *size)),
            Kind::Uint(bits) => parse_uint(given, *bits).map(|n| DynSolValue::Uint(n, *bits)),
            Kind::Int(bits) => int(given, *bits).map(|n| DynSolValue::Int(n, *bits)),
        };
        match found {
            Ok(value) => Some(value),
            Err(detail) => self.fail(pointer, detail),
        }
    }

    fn list(&mut self, inner: &Kind, given: &Value, pointer: &str) -> Option<Vec<DynSolValue>> {
        match given.as_array() {
            Some(items) => all(items
                .iter()
                .enumerate()
                .map(|(i, item)| self.value(inner, item, &at(pointer, i)))),
            None => self.fail(pointer, format!("an array of {}", inner.label())),
        }
    }
}

/// All, after all have been looked at, so that every fault is told.
fn all<T>(parts: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let mut whole = Some(Vec::new());
    for part in parts {
        match (part, &mut whole) {
            (Some(part), Some(list)) => list.push(part),
            _ => whole = None,
        }
    }
    whole
}

fn at(pointer: &str, part: impl std::fmt::Display) -> String {
    format!("{pointer}/{part}")
}

fn escape(name: &str) -> String {
    name.chars().take(64).collect::<String>().replace('~', "~0").replace('/', "~1")
}

fn text(given: &Value) -> Result<&str, String> {
    given.as_str().ok_or_else(|| "a string".to_owned())
}

/// `0x` and 40 hexadecimal digits, in one case or with the EIP-55 checksum.
///
/// # Errors
/// What is wrong, for people.
pub fn parse_address(text: &str) -> Result<Address, String> {
    let malformed = || "an address: `0x` and 40 hexadecimal digits".to_owned();
    let digits = text.strip_prefix("0x").ok_or_else(malformed)?;
    if digits.len() != 40 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(malformed());
    }
    let address: Address = text.parse().map_err(|_| malformed())?;
    let mixed = digits.bytes().any(|byte| byte.is_ascii_lowercase())
        && digits.bytes().any(|byte| byte.is_ascii_uppercase());
    if mixed && address.to_checksum(None) != text {
        return Err("mixed case, but not the EIP-55 checksum of the address".to_owned());
    }
    Ok(address)
}

fn bytes(text: &str) -> Result<Vec<u8>, String> {
    text.strip_prefix("0x")
        .and_then(|digits| hex::decode(digits).ok())
        .ok_or_else(|| "bytes: `0x` and an even number of hexadecimal digits".to_owned())
}

fn fixed_bytes(text: &str, size: usize) -> Result<DynSolValue, String> {
    let bytes = bytes(text)?;
    if bytes.len() != size {
        return Err(format!("{size} bytes are needed, {} were given", bytes.len()));
    }
    let mut word = B256::ZERO;
    word[..size].copy_from_slice(&bytes);
    Ok(DynSolValue::FixedBytes(word, size))
}

/// The decimal digits of an integer, and whether it is negative.
fn integer(given: &Value) -> Result<(bool, U256), String> {
    let shape = || "an integer: a decimal string, or a number up to 2^53".to_owned();
    let text = match given {
        Value::String(text) => text.clone(),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(n), _) if n <= NUMBER_MAX => n.to_string(),
            (_, Some(n)) if n.unsigned_abs() <= NUMBER_MAX => n.to_string(),
            (None, None) => return Err(shape()),
            _ => return Err("above 2^53: give it as a string".to_owned()),
        },
        _ => return Err(shape()),
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.as_str()),
    };
    let sound = (1..=78).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if !sound {
        return Err(shape());
    }
    let size = U256::from_str_radix(digits, 10).map_err(|_| "above 2^256 - 1".to_owned())?;
    Ok((negative && !size.is_zero(), size))
}

/// An unsigned integer of so many bits: a decimal string, or a number up to [`NUMBER_MAX`].
///
/// # Errors
/// What is wrong, for people.
pub fn parse_uint(given: &Value, bits: usize) -> Result<U256, String> {
    match integer(given)? {
        (false, size) if size.bit_len() <= bits => Ok(size),
        _ => Err(format!("outside of uint{bits}")),
    }
}

fn int(given: &Value, bits: usize) -> Result<I256, String> {
    let outside = || format!("outside of int{bits}");
    let (negative, size) = integer(given)?;
    let sign = if negative { Sign::Negative } else { Sign::Positive };
    let value = I256::checked_from_sign_and_abs(sign, size).ok_or_else(outside)?;
    let half = U256::from(1) << (bits - 1);
    let fits = if negative { size <= half } else { size < half };
    if fits { Ok(value) } else { Err(outside()) }
}

//! Types as the policy names them, and values of them read strictly from JSON.
//!
//! Arguments of calls and fields of typed messages have the same shapes, so that one kind of bound
//! fits both.

use std::sync::Arc;

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_json_abi::Param;
use alloy_primitives::{Address, B256, I256, U256, hex};
use serde_json::Value;

/// A type. Values are [`DynSolValue`]s; that of a record is a tuple.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// One word: an integer, an address, a truth value or up to 32 bytes.
    Word(DynSolType),
    Bytes,
    String,
    List(Arc<Shape>, Option<usize>),
    Record(Arc<Record>),
}

/// A struct or tuple.
#[derive(Debug)]
pub(crate) struct Record {
    /// Empty for tuples.
    pub(crate) name: String,
    /// EIP-712's hash of the type; zero for tuples, which have none.
    pub(crate) type_hash: B256,
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug)]
pub(crate) struct Part {
    /// Empty where the type has no names.
    pub(crate) name: String,
    pub(crate) shape: Shape,
}

impl Record {
    pub(crate) fn tuple(parts: Vec<Part>) -> Self {
        Self { name: String::new(), type_hash: B256::ZERO, parts }
    }

    /// Reads an object with exactly these fields, or for nameless parts an array of them.
    pub(crate) fn read(&self, json: &Value, at: &str) -> Result<DynSolValue, String> {
        let below =
            |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        let part = |number: usize, part: &Part, json: &Value| {
            let name = if part.name.is_empty() { &number.to_string() } else { &part.name };
            part.shape.read(json, &below(name))
        };
        let values: Result<Vec<_>, String> = match json {
            Value::Array(items) if items.len() == self.parts.len() && self.name.is_empty() => (0..)
                .zip(self.parts.iter().zip(items))
                .map(|(n, (p, json))| part(n, p, json))
                .collect(),
            Value::Object(fields) => {
                let stray = |field: &&String| !self.parts.iter().any(|part| part.name == **field);
                if let Some(field) = fields.keys().find(stray) {
                    return Err(format!("{} is not a field", below(field)));
                }
                let read = |(number, of): (usize, &Part)| {
                    let json = fields.get(&of.name).filter(|_| !of.name.is_empty());
                    part(number, of, json.ok_or_else(|| format!("{} is missing", below(&of.name)))?)
                };
                self.parts.iter().enumerate().map(read).collect()
            }
            _ => Err(format!("{} is no object with the fields of its type", place(at))),
        };
        values.map(DynSolValue::Tuple)
    }
}

impl Shape {
    /// Of a function's parameter; names of tuples' components are kept where the ABI has them.
    pub(crate) fn of_parameter(of: &DynSolType, components: &[Param]) -> Self {
        match of {
            DynSolType::Bytes => Self::Bytes,
            DynSolType::String => Self::String,
            DynSolType::Array(inner) => {
                Self::List(Arc::new(Self::of_parameter(inner, components)), None)
            }
            DynSolType::FixedArray(inner, count) => {
                Self::List(Arc::new(Self::of_parameter(inner, components)), Some(*count))
            }
            DynSolType::Tuple(types) => {
                let part = |(number, of): (usize, &DynSolType)| {
                    let param = components.get(number);
                    let inner = param.map_or(&[][..], |param| &param.components);
                    let name = param.map(|param| param.name.clone()).unwrap_or_default();
                    Part { name, shape: Self::of_parameter(of, inner) }
                };
                Self::Record(Arc::new(Record::tuple(types.iter().enumerate().map(part).collect())))
            }
            word => Self::Word(word.clone()),
        }
    }

    /// Reads a value; `at` says where it stands, for errors. Integers are decimal or `0x` strings,
    /// or JSON integers; addresses and bytes are `0x` strings.
    pub(crate) fn read(&self, json: &Value, at: &str) -> Result<DynSolValue, String> {
        let wrong = |what: &str| format!("{} is no {what}", place(at));
        match self {
            Self::Word(word) => read_word(word, json).ok_or_else(|| wrong(&word.sol_type_name())),
            Self::Bytes => {
                let bytes = json.as_str().and_then(read_bytes);
                bytes.map(DynSolValue::Bytes).ok_or_else(|| wrong("bytes"))
            }
            Self::String => {
                let text = json.as_str().map(|text| DynSolValue::String(text.to_owned()));
                text.ok_or_else(|| wrong("string"))
            }
            Self::List(item, count) => {
                let items = json.as_array().ok_or_else(|| wrong("list"))?;
                if count.is_some_and(|count| count != items.len()) {
                    return Err(wrong("list of its fixed length"));
                }
                let read =
                    |(number, json): (usize, &Value)| item.read(json, &format!("{at}.{number}"));
                let values = items.iter().enumerate().map(read).collect::<Result<_, _>>()?;
                Ok(match count {
                    Some(_) => DynSolValue::FixedArray(values),
                    None => DynSolValue::Array(values),
                })
            }
            Self::Record(record) => record.read(json, at),
        }
    }
}

fn place(at: &str) -> &str {
    if at.is_empty() { "it" } else { at }
}

fn read_word(word: &DynSolType, json: &Value) -> Option<DynSolValue> {
    match (word, json) {
        (DynSolType::Bool, Value::Bool(truth)) => Some(DynSolValue::Bool(*truth)),
        (DynSolType::Address, Value::String(text)) => {
            let bytes: [u8; 20] = read_bytes(text)?.try_into().ok()?;
            Some(DynSolValue::Address(Address::from(bytes)))
        }
        (DynSolType::FixedBytes(size), Value::String(text)) => {
            let bytes = read_bytes(text).filter(|bytes| bytes.len() == *size)?;
            Some(DynSolValue::FixedBytes(B256::right_padding_from(&bytes), *size))
        }
        (DynSolType::Uint(bits), _) => {
            let number = read_uint(json)?;
            (number.bit_len() <= *bits).then_some(DynSolValue::Uint(number, *bits))
        }
        (DynSolType::Int(bits), _) => {
            let number = read_int(json)?;
            (number.bits() as usize <= *bits).then_some(DynSolValue::Int(number, *bits))
        }
        _ => None,
    }
}

fn read_bytes(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}

pub(crate) fn read_uint(json: &Value) -> Option<U256> {
    match json {
        Value::Number(number) => number.as_u64().map(U256::from),
        Value::String(text) => match text.strip_prefix("0x") {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
                U256::from_str_radix(digits, 16).ok()
            }
            Some(_) => None,
            None => read_decimal(text),
        },
        _ => None,
    }
}

pub(crate) fn read_int(json: &Value) -> Option<I256> {
    match json {
        Value::Number(number) => match number.as_i64() {
            Some(number) => I256::try_from(number).ok(),
            None => number.as_u64().and_then(|number| I256::try_from(number).ok()),
        },
        Value::String(text) => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            read_decimal(digits)?;
            I256::from_dec_str(text).ok()
        }
        _ => None,
    }
}

fn read_decimal(text: &str) -> Option<U256> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { U256::from_str_radix(text, 10).ok() } else { None }
}

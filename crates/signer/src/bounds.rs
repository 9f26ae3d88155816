//! What arguments of calls and fields of messages may be: the value at a path within bounds.

use std::collections::{BTreeMap, HashSet};

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, B256, I256, U256, keccak256};
use serde::Deserialize;
use serde_json::Value;

use crate::shape::{Record, Shape, read_int, read_uint};

/// Stands for the signing key's address.
pub(crate) const SELF: &str = "self";
const DEPTH_MAX: usize = 16;

/// A bound as the policy file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BoundFile {
    min: Option<Value>,
    max: Option<Value>,
    #[serde(rename = "in")]
    one_of: Option<Vec<Value>>,
    equal: Option<Value>,
    length_min: Option<u64>,
    length_max: Option<u64>,
}

/// All bounds of one call or message. Every one of them must hold.
#[derive(Debug, Default)]
pub(crate) struct Bounds(Vec<Bound>);

#[derive(Debug)]
struct Bound {
    path: Path,
    tests: Vec<Test>,
}

/// Where a value is: `recipients.*.amount`.
#[derive(Debug)]
pub(crate) struct Path {
    text: String,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Part(usize),
    Item(usize),
    Each,
}

#[derive(Debug)]
enum Test {
    Uint { min: U256, max: U256 },
    Int { min: I256, max: I256 },
    Length { min: u64, max: u64 },
    OneOf { listed: HashSet<B256>, own: bool },
}

impl Bounds {
    pub(crate) fn parse(of: &Record, file: BTreeMap<String, BoundFile>) -> Result<Self, String> {
        let parse = |(text, bound): (String, BoundFile)| {
            let (path, shape) = Path::parse(of, &text)?;
            let tests = parse_tests(shape, bound).map_err(|reason| format!("{text}: {reason}"))?;
            Ok(Bound { path, tests })
        };
        file.into_iter().map(parse).collect::<Result<_, String>>().map(Self)
    }

    /// Judges the parts of a call or message asked of the key `own`.
    pub(crate) fn check(&self, values: &[DynSolValue], own: Address) -> Result<(), String> {
        self.0.iter().try_for_each(|bound| {
            let mut judge = |value: &DynSolValue, at: &str| {
                bound.tests.iter().try_for_each(|test| test.judge(value, own, at))
            };
            bound.path.visit(values, &mut judge)
        })
    }
}

impl Path {
    /// The path and the type at its end.
    pub(crate) fn parse<'s>(of: &'s Record, text: &str) -> Result<(Self, &'s Shape), String> {
        let mut steps = Vec::new();
        let mut shape: Option<&Shape> = None;
        for name in text.split('.') {
            let lost = || format!("path {text:?}: there is no {name:?}");
            let record = match shape {
                None => Some(of),
                Some(Shape::Record(record)) => Some(&**record),
                Some(_) => None,
            };
            let (step, next) = match (record, shape) {
                (Some(record), _) => {
                    let named =
                        record.parts.iter().position(|part| !name.is_empty() && part.name == name);
                    let at = named.or_else(|| number(name)).ok_or_else(lost)?;
                    (Step::Part(at), &record.parts.get(at).ok_or_else(lost)?.shape)
                }
                (None, Some(Shape::List(item, count))) => match (name, number(name)) {
                    ("*", _) => (Step::Each, &**item),
                    (_, Some(at)) if count.is_none_or(|count| at < count) => {
                        (Step::Item(at), &**item)
                    }
                    _ => return Err(lost()),
                },
                _ => return Err(lost()),
            };
            steps.push(step);
            shape = Some(next);
            if steps.len() > DEPTH_MAX {
                return Err(format!("path {text:?} is too long"));
            }
        }
        let shape = shape.ok_or_else(|| "an empty path".to_owned())?;
        Ok((Self { text: text.to_owned(), steps }, shape))
    }

    pub(crate) fn is_single(&self) -> bool {
        !self.steps.iter().any(|step| matches!(step, Step::Each))
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Calls `judge` with each value on the path and its place. A list without the item that the
    /// path names is an error: what can't be looked at can't be within bounds.
    pub(crate) fn visit(
        &self,
        values: &[DynSolValue],
        judge: &mut impl FnMut(&DynSolValue, &str) -> Result<(), String>,
    ) -> Result<(), String> {
        match self.steps.split_first() {
            Some((Step::Part(at), rest)) => match values.get(*at) {
                Some(value) => descend(value, rest, &self.text, judge),
                None => Err(format!("{}: there is no such value", self.text)),
            },
            _ => Err(format!("{}: there is no such value", self.text)),
        }
    }
}

fn descend(
    value: &DynSolValue,
    steps: &[Step],
    at: &str,
    judge: &mut impl FnMut(&DynSolValue, &str) -> Result<(), String>,
) -> Result<(), String> {
    let Some((step, rest)) = steps.split_first() else { return judge(value, at) };
    let items = match value {
        DynSolValue::Tuple(items) | DynSolValue::Array(items) | DynSolValue::FixedArray(items) => {
            items
        }
        _ => return Err(format!("{at}: there is no such value")),
    };
    match step {
        Step::Part(number) | Step::Item(number) => {
            let item =
                items.get(*number).ok_or_else(|| format!("{at}: there is no item {number}"))?;
            descend(item, rest, at, judge)
        }
        Step::Each => (0..).zip(items).try_for_each(|(number, item)| {
            let number: usize = number;
            descend(item, rest, &format!("{at} (item {number})"), judge)
        }),
    }
}

fn number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|number: &usize| number.to_string() == text)
}

fn parse_tests(shape: &Shape, file: BoundFile) -> Result<Vec<Test>, String> {
    let mut tests = Vec::new();
    if file.min.is_some() || file.max.is_some() {
        tests.push(parse_range(shape, file.min, file.max)?);
    }
    if file.length_min.is_some() || file.length_max.is_some() {
        if !matches!(shape, Shape::List(..) | Shape::Bytes | Shape::String) {
            return Err("only lists, bytes and strings have a length".to_owned());
        }
        let (min, max) = (file.length_min.unwrap_or(0), file.length_max.unwrap_or(u64::MAX));
        if min > max {
            return Err("length_min is above length_max".to_owned());
        }
        tests.push(Test::Length { min, max });
    }
    if let Some(equal) = file.equal {
        tests.push(parse_one_of(shape, std::slice::from_ref(&equal))?);
    }
    if let Some(one_of) = file.one_of {
        tests.push(parse_one_of(shape, &one_of)?);
    }
    if tests.is_empty() {
        return Err("a bound that bounds nothing".to_owned());
    }
    Ok(tests)
}

fn parse_range(shape: &Shape, min: Option<Value>, max: Option<Value>) -> Result<Test, String> {
    let wrong = || "min and max are integers of the type, as decimal strings".to_owned();
    match shape {
        Shape::Word(DynSolType::Uint(_)) => {
            let read = |value: Option<Value>, none| match value {
                Some(json) => read_uint(&json).ok_or_else(wrong),
                None => Ok(none),
            };
            let (min, max) = (read(min, U256::ZERO)?, read(max, U256::MAX)?);
            if min > max {
                return Err("min is above max".to_owned());
            }
            Ok(Test::Uint { min, max })
        }
        Shape::Word(DynSolType::Int(_)) => {
            let read = |value: Option<Value>, none| match value {
                Some(json) => read_int(&json).ok_or_else(wrong),
                None => Ok(none),
            };
            let (min, max) = (read(min, I256::MIN)?, read(max, I256::MAX)?);
            if min > max {
                return Err("min is above max".to_owned());
            }
            Ok(Test::Int { min, max })
        }
        _ => Err("min and max are for integers only".to_owned()),
    }
}

fn parse_one_of(shape: &Shape, values: &[Value]) -> Result<Test, String> {
    let (mut listed, mut own) = (HashSet::new(), false);
    for json in values {
        match (shape, json.as_str()) {
            (Shape::Word(DynSolType::Address), Some(SELF)) => own = true,
            (Shape::Word(DynSolType::Address), Some(text)) => {
                let address = crate::policy::parse_address(text)?;
                listed.insert(address.into_word());
            }
            (Shape::Word(_) | Shape::Bytes | Shape::String, _) => {
                let value = shape.read(json, "a listed value")?;
                listed.insert(leaf(&value).ok_or("cannot be compared")?);
            }
            _ => return Err("lists and tuples are bounded by their parts".to_owned()),
        }
    }
    if listed.is_empty() && !own {
        return Err("an empty list of values".to_owned());
    }
    Ok(Test::OneOf { listed, own })
}

/// What values are compared by: the word, or the hash of what is longer.
fn leaf(value: &DynSolValue) -> Option<B256> {
    match value {
        DynSolValue::Bytes(bytes) => Some(keccak256(bytes)),
        DynSolValue::String(text) => Some(keccak256(text)),
        value => value.as_word(),
    }
}

impl Test {
    fn judge(&self, value: &DynSolValue, own: Address, at: &str) -> Result<(), String> {
        match self {
            Self::Uint { min, max } => {
                let Some((asked, _)) = value.as_uint() else { return Err(no_match(at)) };
                within(&asked, min, max, at, "")
            }
            Self::Int { min, max } => {
                let Some((asked, _)) = value.as_int() else { return Err(no_match(at)) };
                within(&asked, min, max, at, "")
            }
            Self::Length { min, max } => {
                let length = match value {
                    DynSolValue::Array(items) | DynSolValue::FixedArray(items) => items.len(),
                    DynSolValue::Bytes(bytes) => bytes.len(),
                    DynSolValue::String(text) => text.len(),
                    _ => return Err(no_match(at)),
                };
                within(&(length as u64), min, max, at, "length ")
            }
            Self::OneOf { listed, own: own_listed } => {
                let word = leaf(value).ok_or_else(|| no_match(at))?;
                if listed.contains(&word) || (*own_listed && word == own.into_word()) {
                    return Ok(());
                }
                Err(format!("{at}: {} is not listed", shown(value)))
            }
        }
    }
}

fn within<T: PartialOrd + std::fmt::Display>(
    asked: &T,
    min: &T,
    max: &T,
    at: &str,
    what: &str,
) -> Result<(), String> {
    match () {
        () if asked > max => Err(format!("{at}: {what}{asked} is above {max}")),
        () if asked < min => Err(format!("{at}: {what}{asked} is below {min}")),
        () => Ok(()),
    }
}

fn no_match(at: &str) -> String {
    format!("{at}: the value is not of the bound's type")
}

/// A value for an error: short, whatever was asked.
fn shown(value: &DynSolValue) -> String {
    match value {
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::Uint(number, _) => number.to_string(),
        DynSolValue::Int(number, _) => number.to_string(),
        DynSolValue::Bool(truth) => truth.to_string(),
        DynSolValue::FixedBytes(word, size) => {
            alloy_primitives::hex::encode_prefixed(&word[..(*size).min(32)])
        }
        _ => "the value".to_owned(),
    }
}

#[cfg(test)]
mod tests;

//! Typed messages of EIP-712: types from the policy's text, domain, hash.
//!
//! <https://eips.ethereum.org/EIPS/eip-712>. Recursive types are refused; `function`, tuples and
//! the aliases `uint` and `int` are no types of a message.

use std::{collections::BTreeMap, collections::BTreeSet, sync::Arc};

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{B256, Keccak256, keccak256};

use crate::{
    shape::{Part, Record, Shape},
    wire::TypedDomain,
};

const STRUCTS_MAX: usize = 64;
const LIST_MAX: usize = 1 << 16;

/// The type of a message, from what EIP-712 calls `encodeType`: the primary type first, the others
/// behind it in order of their names, `Mail(Person from,Person to)Person(string name)`.
pub(crate) fn parse_type(text: &str) -> Result<Arc<Record>, String> {
    let mut definitions = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (definition, behind) = rest.split_once(')').ok_or("a type does not end with )")?;
        let (name, fields) = definition.split_once('(').ok_or("a type has no (")?;
        definitions.push((name, parse_fields(name, fields)?));
        rest = behind;
    }
    let (primary, _) = definitions.first().ok_or("the type is empty")?;
    let names: BTreeSet<&str> = definitions.iter().map(|(name, _)| *name).collect();
    if names.len() != definitions.len() || names.len() > STRUCTS_MAX {
        return Err("a type is defined twice, or there are more than 64".to_owned());
    }
    let mut types = Types { text: definitions.iter().cloned().collect(), done: BTreeMap::new() };
    let record = types.record(primary, &mut Vec::new())?;
    let canonical = types.encode_type(primary);
    if canonical != text {
        return Err(format!("the type must be written {canonical:?}"));
    }
    Ok(record)
}

type Fields<'a> = Vec<(&'a str, &'a str)>;

fn parse_fields<'a>(of: &str, text: &'a str) -> Result<Fields<'a>, String> {
    if !is_name(of) {
        return Err(format!("{of:?} is no name of a type"));
    }
    let mut fields = Vec::new();
    for field in text.split(',') {
        let (kind, name) =
            field.split_once(' ').ok_or_else(|| format!("{of}: {field:?} is no field"))?;
        if !is_name(name) || fields.iter().any(|(_, other)| *other == name) {
            return Err(format!("{of}: {name:?} is no name, or stands twice"));
        }
        fields.push((kind, name));
    }
    Ok(fields)
}

fn is_name(text: &str) -> bool {
    let first = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'_' | b'$');
    text.bytes().next().is_some_and(first) && text.bytes().all(|b| first(b) || b.is_ascii_digit())
}

struct Types<'a> {
    text: BTreeMap<&'a str, Fields<'a>>,
    done: BTreeMap<&'a str, Arc<Record>>,
}

impl<'a> Types<'a> {
    fn record(&mut self, name: &'a str, within: &mut Vec<&'a str>) -> Result<Arc<Record>, String> {
        if let Some(done) = self.done.get(name) {
            return Ok(done.clone());
        }
        if within.contains(&name) {
            return Err(format!("{name} contains itself"));
        }
        let fields = self.text.get(name).cloned();
        let fields = fields.ok_or_else(|| format!("{name:?} is no type"))?;
        within.push(name);
        let mut parts = Vec::new();
        for (kind, field) in fields {
            let shape = self.shape(kind, within)?;
            parts.push(Part { name: field.to_owned(), shape });
        }
        within.pop();
        let type_hash = keccak256(self.encode_type(name));
        let record = Arc::new(Record { name: name.to_owned(), type_hash, parts });
        self.done.insert(name, record.clone());
        Ok(record)
    }

    fn shape(&mut self, kind: &'a str, within: &mut Vec<&'a str>) -> Result<Shape, String> {
        if let Some(list) = kind.strip_suffix(']') {
            let (item, count) = list.rsplit_once('[').ok_or_else(|| format!("{kind:?}?"))?;
            let count = match count {
                "" => None,
                digits => Some(
                    digits
                        .parse()
                        .ok()
                        .filter(|n: &usize| (1..=LIST_MAX).contains(n) && n.to_string() == digits)
                        .ok_or_else(|| format!("{kind:?} has no sensible length"))?,
                ),
            };
            return Ok(Shape::List(Arc::new(self.shape(item, within)?), count));
        }
        if let Some(shape) = elementary(kind) {
            return Ok(shape);
        }
        self.record(kind, within).map(Shape::Record)
    }

    /// Of a type whose parts are all defined.
    fn encode_type(&self, primary: &str) -> String {
        let (mut found, mut open) = (BTreeSet::new(), vec![primary]);
        while let Some(name) = open.pop() {
            for (kind, _) in self.text.get(name).into_iter().flatten() {
                let root = kind.split('[').next().unwrap_or(kind);
                if root != primary && self.text.contains_key(root) && found.insert(root) {
                    open.push(root);
                }
            }
        }
        let define = |name: &str| {
            let fields = self.text.get(name).into_iter().flatten();
            let fields: Vec<_> = fields.map(|(kind, name)| format!("{kind} {name}")).collect();
            format!("{name}({})", fields.join(","))
        };
        std::iter::once(primary).chain(found).map(define).collect()
    }
}

fn elementary(name: &str) -> Option<Shape> {
    let parsed = DynSolType::parse(name).ok().filter(|of| of.sol_type_name() == name)?;
    match parsed {
        DynSolType::Bytes => Some(Shape::Bytes),
        DynSolType::String => Some(Shape::String),
        DynSolType::Bool
        | DynSolType::Address
        | DynSolType::Uint(_)
        | DynSolType::Int(_)
        | DynSolType::FixedBytes(_) => Some(Shape::Word(parsed)),
        _ => None,
    }
}

/// What `encodeData` makes of a value: a word, or the hash of what is longer.
pub(crate) fn word(shape: &Shape, value: &DynSolValue) -> B256 {
    match (shape, value) {
        (Shape::List(item, _), DynSolValue::Array(items) | DynSolValue::FixedArray(items)) => {
            let mut hash = Keccak256::new();
            items.iter().for_each(|value| hash.update(word(item, value)));
            hash.finalize()
        }
        (Shape::Record(record), DynSolValue::Tuple(values)) => hash_struct(record, values),
        (_, DynSolValue::Bytes(bytes)) => keccak256(bytes),
        (_, DynSolValue::String(text)) => keccak256(text),
        (_, value) => value.as_word().unwrap_or_default(),
    }
}

fn hash_struct(record: &Record, values: &[DynSolValue]) -> B256 {
    let mut hash = Keccak256::new();
    hash.update(record.type_hash);
    for (part, value) in record.parts.iter().zip(values) {
        hash.update(word(&part.shape, value));
    }
    hash.finalize()
}

/// Hash of a domain; absent fields are not part of its type.
pub(crate) fn domain_separator(domain: &TypedDomain) -> B256 {
    let mut fields = Vec::new();
    let mut words = Vec::new();
    if let Some(name) = &domain.name {
        fields.push("string name");
        words.push(keccak256(name));
    }
    if let Some(version) = &domain.version {
        fields.push("string version");
        words.push(keccak256(version));
    }
    if let Some(chain_id) = domain.chain_id {
        fields.push("uint256 chainId");
        words.push(B256::left_padding_from(&chain_id.to_be_bytes()));
    }
    if let Some(contract) = domain.verifying_contract {
        fields.push("address verifyingContract");
        words.push(contract.into_word());
    }
    if let Some(salt) = domain.salt {
        fields.push("bytes32 salt");
        words.push(salt);
    }
    let mut hash = Keccak256::new();
    hash.update(keccak256(format!("EIP712Domain({})", fields.join(","))));
    words.iter().for_each(|word| hash.update(word));
    hash.finalize()
}

/// The hash that is signed.
pub(crate) fn signing_hash(separator: B256, message: B256) -> B256 {
    let mut hash = Keccak256::new();
    hash.update([0x19, 0x01]);
    hash.update(separator);
    hash.update(message);
    hash.finalize()
}

#[cfg(test)]
mod tests;

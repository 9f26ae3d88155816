//! Judging calldata by the types of the policy: only the canonical ABI encoding passes.
//!
//! A contract reads calldata by following offsets, so several encodings mean the same to it and
//! some of them decode differently elsewhere. The signer takes only the one that re-encoding
//! gives. The layout is walked first, in time linear in the data: offsets that overlap would let
//! a small calldata decode into gigabytes.

use std::collections::HashMap;

use alloy_dyn_abi::{DynSolType, DynSolValue, JsonAbiExt, Specifier};
use alloy_json_abi::Function;
use alloy_primitives::U256;

use crate::shape::{Part, Record, Shape};

const WORD: usize = 32;

pub(crate) type Functions = HashMap<[u8; 4], FunctionRule>;

/// One allowed function, which may have any arguments of its types.
#[derive(Debug)]
pub(crate) struct FunctionRule {
    function: Function,
    inputs: Vec<DynSolType>,
}

impl FunctionRule {
    /// From a human-readable signature, `transfer(address,uint256)`.
    pub(crate) fn parse(signature: &str) -> Result<Self, String> {
        let function = Function::parse(signature)
            .map_err(|error| format!("function {signature:?}: {error}"))?;
        let inputs = function
            .inputs
            .iter()
            .map(|input| input.resolve())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("function {signature:?}: {error}"))?;
        if inputs.iter().any(has_empty_part) {
            return Err(format!("function {signature:?} has a type of no size"));
        }
        Ok(Self { function, inputs })
    }

    /// The arguments as one tuple with the names that the signature gives.
    pub(crate) fn arguments(&self) -> Record {
        let parts = self.function.inputs.iter().zip(&self.inputs).map(|(input, of)| Part {
            name: input.name.clone(),
            shape: Shape::of_parameter(of, &input.components),
        });
        Record::tuple(parts.collect())
    }

    pub(crate) fn selector(&self) -> [u8; 4] {
        self.function.selector().0
    }

    /// Calldata for values of [`Self::arguments`].
    pub(crate) fn encode(&self, values: &[DynSolValue]) -> Result<Vec<u8>, String> {
        self.function
            .abi_encode_input(values)
            .map_err(|error| format!("arguments of {}: {error}", self.function.name))
    }

    /// The values, if `arguments` is the canonical encoding of this function's arguments.
    pub(crate) fn decode(&self, arguments: &[u8]) -> Result<Vec<DynSolValue>, String> {
        let layout = Layout { data: arguments };
        let heads = heads_size(&self.inputs);
        let end = layout.sequence(self.inputs.iter(), heads, 0)?;
        if end != arguments.len() {
            return Err("bytes after the arguments".to_owned());
        }
        let values = self
            .function
            .abi_decode_input(arguments)
            .map_err(|error| format!("arguments of {}: {error}", self.function.name))?;
        let again = self
            .function
            .abi_encode_input_raw(&values)
            .map_err(|error| format!("arguments of {}: {error}", self.function.name))?;
        if again != arguments {
            return Err("the arguments are not canonically encoded".to_owned());
        }
        Ok(values)
    }
}

/// Walks the head-and-tail layout of the contract ABI specification.
struct Layout<'a> {
    data: &'a [u8],
}

impl Layout<'_> {
    /// A tuple whose heads of `heads` bytes start at `base`, with the tails behind them in order
    /// and without gaps. Returns where it ends.
    fn sequence<'t>(
        &self,
        types: impl Iterator<Item = &'t DynSolType>,
        heads: usize,
        base: usize,
    ) -> Result<usize, &'static str> {
        let mut head = base;
        let mut tail = self.skip(base, heads)?;
        for part in types {
            if is_dynamic(part) {
                if self.number(head)? != tail - base {
                    return Err("an offset is not where the encoding puts it");
                }
                tail = self.tail(part, tail)?;
            } else {
                self.words(part, head)?;
            }
            head += head_size(part);
        }
        Ok(tail)
    }

    /// The tail of one dynamic part; returns where it ends.
    fn tail(&self, part: &DynSolType, at: usize) -> Result<usize, &'static str> {
        match part {
            DynSolType::Array(inner) => {
                let count = self.number(at)?;
                let heads = count.saturating_mul(head_size(inner));
                self.sequence(std::iter::repeat_n(&**inner, count), heads, at + WORD)
            }
            DynSolType::FixedArray(inner, count) => {
                let heads = count.saturating_mul(head_size(inner));
                self.sequence(std::iter::repeat_n(&**inner, *count), heads, at)
            }
            DynSolType::Tuple(parts) => self.sequence(parts.iter(), heads_size(parts), at),
            // bytes and string
            _ => {
                let length = self.number(at)?;
                let start = at + WORD;
                let end = self.skip(start, length.saturating_add(WORD - 1) / WORD * WORD)?;
                if self.data[start + length..end].iter().any(|byte| *byte != 0) {
                    return Err("padding is not zero");
                }
                Ok(end)
            }
        }
    }

    /// A part of fixed size; its bytes are known to be there.
    fn words(&self, part: &DynSolType, at: usize) -> Result<(), &'static str> {
        match part {
            DynSolType::FixedArray(inner, count) => {
                let size = head_size(inner);
                (0..*count).try_for_each(|number| self.words(inner, at + number * size))
            }
            DynSolType::Tuple(parts) => {
                let mut at = at;
                parts.iter().try_for_each(|inner| {
                    let here = at;
                    at += head_size(inner);
                    self.words(inner, here)
                })
            }
            leaf => match word_fits(leaf, &self.data[at..at + WORD]) {
                true => Ok(()),
                false => Err("a value is outside its type"),
            },
        }
    }

    fn skip(&self, at: usize, bytes: usize) -> Result<usize, &'static str> {
        at.checked_add(bytes)
            .filter(|end| *end <= self.data.len())
            .ok_or("the arguments end too early")
    }

    fn number(&self, at: usize) -> Result<usize, &'static str> {
        let end = self.skip(at, WORD)?;
        usize::try_from(U256::from_be_slice(&self.data[at..end]))
            .map_err(|_| "a length or offset is too large")
    }
}

/// Whether a word is a value of a type of one word. The decoder doesn't look: it takes 256 for an
/// `uint8`.
fn word_fits(leaf: &DynSolType, word: &[u8]) -> bool {
    let zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    match leaf {
        DynSolType::Bool => zero(&word[..31]) && word[31] <= 1,
        DynSolType::Address => zero(&word[..12]),
        DynSolType::Function => zero(&word[24..]),
        DynSolType::FixedBytes(size) => zero(&word[*size..]),
        DynSolType::Uint(bits) => zero(&word[..WORD - bits / 8]),
        DynSolType::Int(bits) => {
            let sign = if word[WORD - bits / 8] & 0x80 == 0 { 0 } else { 0xff };
            word[..WORD - bits / 8].iter().all(|byte| *byte == sign)
        }
        _ => false,
    }
}

fn is_dynamic(part: &DynSolType) -> bool {
    match part {
        DynSolType::Bytes | DynSolType::String | DynSolType::Array(_) => true,
        DynSolType::FixedArray(inner, _) => is_dynamic(inner),
        DynSolType::Tuple(parts) => parts.iter().any(is_dynamic),
        _ => false,
    }
}

fn head_size(part: &DynSolType) -> usize {
    match part {
        _ if is_dynamic(part) => WORD,
        DynSolType::FixedArray(inner, count) => head_size(inner).saturating_mul(*count),
        DynSolType::Tuple(parts) => heads_size(parts),
        _ => WORD,
    }
}

fn heads_size(parts: &[DynSolType]) -> usize {
    parts.iter().map(head_size).fold(0, usize::saturating_add)
}

/// An array of parts without size could have any length in no space.
fn has_empty_part(part: &DynSolType) -> bool {
    match part {
        DynSolType::Array(inner) => has_empty_part(inner),
        DynSolType::FixedArray(inner, count) => *count == 0 || has_empty_part(inner),
        DynSolType::Tuple(parts) => parts.is_empty() || parts.iter().any(has_empty_part),
        _ => false,
    }
}

#[cfg(test)]
mod tests;

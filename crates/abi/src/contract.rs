//! A contract by its ABI.

use crate::{
    Fault, arguments,
    event::{Event, Logged},
    kind::{Field, is_shallow, tuple_of},
    show,
};
use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_json_abi::{AbiItem, Param, StateMutability};
use alloy_primitives::{B256, Selector, keccak256};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// Functions, errors and events of one contract.
pub const ABI_ITEMS_MAX: usize = 1_000;
/// Parameters of a function, fields of a tuple.
pub const PARAMETERS_MAX: usize = 64;
/// What a contract answers is decoded up to here; the rest of a large answer is noise.
pub(crate) const ANSWER_BYTES_MAX: usize = 16 * 1024;
pub(crate) const NAME_LEN_MAX: usize = 128;

/// How deep the types of a bare signature may nest.
const SIGNATURE_DEPTH_MAX: usize = 8;

/// The selector of a function's signature in canonical form: `transfer(address,uint256)`. None when
/// it is not one: a space, a parameter's name, a type that does not exist or has a longer name.
#[must_use]
pub fn selector_of(signature: &str) -> Option<[u8; 4]> {
    let name_len = signature.find('(')?;
    let (name, types) = signature.split_at(name_len);
    let letter = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$');
    let sound = name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit());
    if !sound || types.matches('(').count() > SIGNATURE_DEPTH_MAX {
        return None;
    }
    let parsed = DynSolType::parse(types).ok()?;
    let tuple = matches!(parsed, DynSolType::Tuple(_));
    // Rust's way of writing a tuple of one is not Solidity's.
    let canonical = parsed.sol_type_name().replace(",)", ")") == types;
    let [a, b, c, d, ..] = keccak256(signature).0;
    (tuple && canonical).then_some([a, b, c, d])
}

/// The functions, errors and events of a contract.
#[derive(Clone, Debug, Default)]
pub struct Contract {
    functions: Vec<Function>,
    by_selector: HashMap<Selector, usize>,
    by_name: BTreeMap<String, Vec<usize>>,
    errors: HashMap<Selector, Signed>,
    /// By first topic.
    events: HashMap<B256, Event>,
}

/// One function.
#[derive(Clone, Debug)]
pub struct Function {
    inputs: Signed,
    outputs: Vec<Field>,
    mutability: StateMutability,
}

/// Name and parameters.
#[derive(Clone, Debug)]
struct Signed {
    name: String,
    signature: String,
    selector: Selector,
    fields: Vec<Field>,
}

/// Why a text names no function of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoFunction {
    Unknown,
    /// Several have this name; these are their signatures.
    Ambiguous(Vec<String>),
}

/// A call, decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Called {
    pub function: String,
    pub signature: String,
    pub args: Value,
}

/// A contract's error, decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    pub name: String,
    pub signature: String,
    pub args: Value,
}

impl Contract {
    /// From a JSON ABI: the array of items that compilers write. Events that can't be read from
    /// logs are left out.
    ///
    /// # Errors
    /// What is wrong, with pointers into `abi`.
    pub fn parse(abi: &Value) -> Result<Self, Vec<Fault>> {
        let items = abi.as_array().ok_or_else(|| vec![Fault::new("", "an array of ABI items")])?;
        if items.len() > ABI_ITEMS_MAX {
            return Err(vec![Fault::new("", format!("more than {ABI_ITEMS_MAX} items"))]);
        }
        let mut contract = Self::default();
        let mut faults = Vec::new();
        for (i, item) in items.iter().enumerate() {
            // By text: the items borrow from what they are read from.
            let parsed = serde_json::from_str::<AbiItem<'_>>(&item.to_string());
            let added = match parsed {
                Ok(item) => contract.add(&item),
                Err(error) => Err(error.to_string()),
            };
            if let Err(detail) = added {
                faults.push(Fault::new(format!("/{i}"), detail));
            }
        }
        if faults.is_empty() {
            Ok(contract)
        } else {
            faults.truncate(20);
            Err(faults)
        }
    }

    fn add(&mut self, item: &AbiItem<'_>) -> Result<(), String> {
        match item {
            AbiItem::Function(function) => {
                let inputs = Signed::of(&function.name, &function.inputs)?;
                let outputs = fields(&function.outputs)?;
                let place = self.functions.len();
                if self.by_selector.insert(inputs.selector, place).is_some() {
                    return Err(format!("`{}` is there twice", inputs.signature));
                }
                self.by_name.entry(inputs.name.clone()).or_default().push(place);
                let mutability = function.state_mutability;
                self.functions.push(Function { inputs, outputs, mutability });
            }
            AbiItem::Error(error) => {
                let error = Signed::of(&error.name, &error.inputs)?;
                self.errors.insert(error.selector, error);
            }
            AbiItem::Event(event) if !event.anonymous => {
                // An event that we can't show does no harm to calls.
                if let Ok(event) = Event::of(event) {
                    self.events.insert(event.topic(), event);
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn declared(&self) -> impl Iterator<Item = (B256, String)> {
        self.events.iter().map(|(topic, event)| (*topic, event.signature().to_owned()))
    }

    /// What a log says; none when it is of no event here, or not what the event's types make.
    #[must_use]
    pub fn decode_log(&self, topics: &[B256], data: &[u8]) -> Option<Logged> {
        let (first, rest) = topics.split_first()?;
        self.events.get(first)?.decode(rest, data)
    }

    /// In the order of the ABI.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.iter()
    }

    /// By name, or by signature (`transfer(address,uint256)`), which tells overloads apart.
    ///
    /// # Errors
    /// [`NoFunction`]
    pub fn function(&self, text: &str) -> Result<&Function, NoFunction> {
        if text.contains('(') {
            let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            let found = self.functions.iter().find(|f| f.inputs.signature == bare);
            return found.ok_or(NoFunction::Unknown);
        }
        match self.by_name.get(text).map(Vec::as_slice) {
            Some([one]) => Ok(&self.functions[*one]),
            Some(several) => {
                let signatures = several.iter().map(|i| self.functions[*i].signature().to_owned());
                Err(NoFunction::Ambiguous(signatures.collect()))
            }
            None => Err(NoFunction::Unknown),
        }
    }

    /// What calldata asks for; none when it is of no function here, or damaged.
    #[must_use]
    pub fn decode_call(&self, input: &[u8]) -> Option<Called> {
        let (selector, data) = input.split_first_chunk::<4>()?;
        let function = &self.functions[*self.by_selector.get(&Selector::from(*selector))?];
        // Calldata of ours was encoded from these types: larger than answers, but not hostile.
        let args = decoded(&function.inputs.fields, data)?;
        Some(Called {
            function: function.inputs.name.clone(),
            signature: function.inputs.signature.clone(),
            args,
        })
    }

    /// Which of the contract's errors this is; none for others.
    #[must_use]
    pub fn decode_error(&self, data: &[u8]) -> Option<Failed> {
        let (selector, rest) = data.split_first_chunk::<4>()?;
        let error = self.errors.get(&Selector::from(*selector))?;
        let args = if rest.len() <= ANSWER_BYTES_MAX { decoded(&error.fields, rest) } else { None };
        Some(Failed {
            name: error.name.clone(),
            signature: error.signature.clone(),
            args: args.unwrap_or(Value::Null),
        })
    }
}

/// Solidity's own errors, `Error(string)` and `Panic(uint256)`.
#[must_use]
pub fn builtin_error(data: &[u8]) -> Option<Failed> {
    let (selector, rest) = data.split_first_chunk::<4>()?;
    let (name, kind) = match selector {
        [0x08, 0xc3, 0x79, 0xa0] => ("Error", DynSolType::String),
        [0x4e, 0x48, 0x7b, 0x71] => ("Panic", DynSolType::Uint(256)),
        _ => return None,
    };
    let signature = format!("{name}({kind})");
    let values = DynSolType::Tuple(vec![kind]).abi_decode_params(rest).ok()?;
    let args = match values.as_tuple()? {
        [DynSolValue::String(text)] => {
            json!([text.chars().take(500).collect::<String>()])
        }
        [DynSolValue::Uint(code, _)] => json!([code.to_string()]),
        _ => return None,
    };
    Some(Failed { name: name.to_owned(), signature, args })
}

impl Signed {
    fn of(name: &str, inputs: &[Param]) -> Result<Self, String> {
        if name.len() > NAME_LEN_MAX {
            return Err(format!("a name has at most {NAME_LEN_MAX} characters"));
        }
        let fields = fields(inputs)?;
        let types: Vec<String> = fields.iter().map(|field| field.kind.label()).collect();
        let signature = format!("{name}({})", types.join(","));
        let hash = keccak256(&signature);
        let selector = Selector::from_slice(&hash[..4]);
        Ok(Self { name: name.to_owned(), signature, selector, fields })
    }
}

pub(crate) fn fields(params: &[Param]) -> Result<Vec<Field>, String> {
    if params.len() > PARAMETERS_MAX {
        return Err(format!("more than {PARAMETERS_MAX} parameters"));
    }
    params.iter().map(Field::of).collect()
}

fn decoded(fields: &[Field], data: &[u8]) -> Option<Value> {
    if fields.is_empty() {
        return Some(json!([]));
    }
    if !is_shallow(fields) {
        return None;
    }
    let values = tuple_of(fields).abi_decode_params(data).ok()?;
    Some(show::sequence(fields, values.as_tuple()?))
}

impl Function {
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inputs.name
    }

    /// `name(type,…)`: what the selector is the hash of.
    #[must_use]
    pub fn signature(&self) -> &str {
        &self.inputs.signature
    }

    #[must_use]
    pub fn selector(&self) -> Selector {
        self.inputs.selector
    }

    /// It refuses calls that carry value.
    #[must_use]
    pub fn refuses_value(&self) -> bool {
        self.mutability != StateMutability::Payable
    }

    /// It changes nothing: there is no use in a transaction.
    #[must_use]
    pub fn only_reads(&self) -> bool {
        matches!(self.mutability, StateMutability::Pure | StateMutability::View)
    }

    /// Calldata for arguments given by position or by name.
    ///
    /// # Errors
    /// What is wrong with them; pointers start with `pointer`.
    pub fn encode(&self, args: &Value, pointer: &str) -> Result<Vec<u8>, Vec<Fault>> {
        let values = arguments::values(&self.inputs.fields, args, pointer)?;
        let mut input = self.inputs.selector.to_vec();
        input.extend(DynSolValue::Tuple(values).abi_encode_params());
        Ok(input)
    }

    /// What the function answered; none when there is nothing, or it is damaged or too large.
    #[must_use]
    pub fn decode_answer(&self, data: &[u8]) -> Option<Value> {
        if self.outputs.is_empty() || data.len() > ANSWER_BYTES_MAX {
            return None;
        }
        decoded(&self.outputs, data)
    }
}

//! Events, and what logs say.

use crate::{
    contract::{ANSWER_BYTES_MAX, NAME_LEN_MAX, PARAMETERS_MAX, fields},
    kind::{Field, Kind, has_names, is_shallow, tuple_of},
    show::show,
};
use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{B256, hex, keccak256};
use serde_json::{Value, json};

/// Topics after the first.
const INDEXED_MAX: usize = 3;

/// A log, decoded. Of an indexed argument of a type that does not fit into a topic there is only
/// the hash, which stands in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    pub event: String,
    pub signature: String,
    pub args: Value,
}

/// One event.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    name: String,
    signature: String,
    /// In their order, and whether each one is a topic.
    fields: Vec<Field>,
    indexed: Vec<bool>,
}

impl Event {
    /// # Errors
    /// Why its logs can't be read.
    pub(crate) fn of(event: &alloy_json_abi::Event) -> Result<Self, String> {
        if event.name.len() > NAME_LEN_MAX || event.inputs.len() > PARAMETERS_MAX {
            return Err("its name or its list of parameters is too long".to_owned());
        }
        let params: Vec<_> = event
            .inputs
            .iter()
            .map(|input| alloy_json_abi::Param {
                ty: input.ty.clone(),
                name: input.name.clone(),
                components: input.components.clone(),
                internal_type: None,
            })
            .collect();
        let indexed: Vec<bool> = event.inputs.iter().map(|input| input.indexed).collect();
        if indexed.iter().filter(|indexed| **indexed).count() > INDEXED_MAX {
            return Err("more indexed parameters than topics".to_owned());
        }
        let fields = fields(&params)?;
        let types: Vec<String> = fields.iter().map(|field| field.kind.label()).collect();
        let signature = format!("{}({})", event.name, types.join(","));
        Ok(Self { name: event.name.clone(), signature, fields, indexed })
    }

    pub(crate) fn signature(&self) -> &str {
        &self.signature
    }

    pub(crate) fn topic(&self) -> B256 {
        keccak256(&self.signature)
    }

    /// `topics` without the first.
    pub(crate) fn decode(&self, topics: &[B256], data: &[u8]) -> Option<Logged> {
        let plain: Vec<Field> = self
            .fields
            .iter()
            .zip(&self.indexed)
            .filter(|(_, indexed)| !**indexed)
            .map(|(field, _)| field.clone())
            .collect();
        let count = self.fields.len() - plain.len();
        if topics.len() != count || data.len() > ANSWER_BYTES_MAX || !is_shallow(&plain) {
            return None;
        }
        let values = if plain.is_empty() {
            Vec::new()
        } else {
            match tuple_of(&plain).abi_decode_params(data).ok()? {
                DynSolValue::Tuple(values) => values,
                _ => return None,
            }
        };
        let (mut topics, mut values) = (topics.iter(), values.iter());
        let mut shown = Vec::with_capacity(self.fields.len());
        for (field, indexed) in self.fields.iter().zip(&self.indexed) {
            shown.push(if *indexed {
                of_topic(&field.kind, topics.next()?)?
            } else {
                show(&field.kind, values.next()?)
            });
        }
        let args = if has_names(&self.fields) && !self.fields.is_empty() {
            Value::Object(self.fields.iter().map(|field| field.name.clone()).zip(shown).collect())
        } else {
            Value::Array(shown)
        };
        Some(Logged { event: self.name.clone(), signature: self.signature.clone(), args })
    }
}

/// A value that fits into a topic, or the hash of one that does not.
fn of_topic(kind: &Kind, topic: &B256) -> Option<Value> {
    match kind {
        Kind::Bool | Kind::Address | Kind::Uint(_) | Kind::Int(_) | Kind::FixedBytes(_) => {
            Some(show(kind, &kind.to_dyn().abi_decode(topic.as_slice()).ok()?))
        }
        _ => Some(json!(hex::encode_prefixed(topic))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Contract;
    use alloy_primitives::{Address, U256};

    fn word(n: u64) -> B256 {
        B256::from(U256::from(n))
    }

    #[test]
    fn logs_are_shown_by_name_and_in_order() {
        let input = |name: &str, ty: &str, indexed: bool| -> Value {
            json!({ "name": name, "type": ty, "indexed": indexed })
        };
        let abi = json!([
            { "type": "event", "name": "Moved", "anonymous": false, "inputs": [
                input("from", "address", true), input("note", "string", true),
                input("amount", "uint256", false), input("tags", "bytes2[]", false),
            ]},
            { "type": "event", "name": "Bare", "anonymous": false, "inputs": [
                input("", "bool", true), input("", "int8", false),
            ]},
            { "type": "event", "name": "Hidden", "anonymous": true, "inputs": [] },
        ]);
        let contract = Contract::parse(&abi).unwrap();
        let a = Address::repeat_byte(0xaa);
        let first = keccak256("Moved(address,string,uint256,bytes2[])");
        let mut tag = [0; 32];
        tag[..2].copy_from_slice(&[0xbe, 0xef]);
        let data = [word(7).0, word(64).0, word(1).0, tag].concat();
        let topics = [first, a.into_word(), word(9)];
        let found = contract.decode_log(&topics, &data).unwrap();
        assert_eq!((found.event.as_str(), found.signature.len()), ("Moved", 38));
        let args = json!({ "from": a.to_checksum(None), "note": word(9).to_string(),
                           "amount": "7", "tags": ["0xbeef"] });
        assert_eq!(found.args, args);
        let bare = [keccak256("Bare(bool,int8)"), word(1)];
        let minus = [0xff; 32];
        assert_eq!(contract.decode_log(&bare, &minus).unwrap().args, json!([true, "-1"]));
        // Other indexing, data cut short, more than is shown, unknown, none.
        assert_eq!(contract.decode_log(&topics[..2], &data), None);
        assert_eq!(contract.decode_log(&topics, &data[..64]), None);
        assert_eq!(contract.decode_log(&topics, &vec![0; 1 << 20]), None);
        assert_eq!(contract.decode_log(&[word(1)], &[]), None);
        assert_eq!(contract.decode_log(&[], &[]), None);
        assert_eq!(contract.decode_log(&[keccak256("Hidden()")], &[]), None);
    }
}

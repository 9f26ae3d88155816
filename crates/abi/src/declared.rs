//! Events as Solidity declares them: `event Swap(address indexed sender, uint256 amount)`.

use crate::{Contract, Fault};
use alloy_json_abi::Event;
use serde_json::Value;

/// Longest declaration.
const LEN_MAX: usize = 2_000;

/// The JSON ABI of these events.
///
/// # Errors
/// What is wrong, with pointers into `texts`.
pub fn declared_events<T: AsRef<str>>(texts: &[T]) -> Result<Value, Vec<Fault>> {
    let (mut items, mut faults) = (Vec::new(), Vec::new());
    for (place, text) in texts.iter().map(AsRef::as_ref).enumerate() {
        match declared(text) {
            Ok(item) => items.push(item),
            Err(detail) => faults.push(Fault::new(format!("/{place}"), detail)),
        }
    }
    if faults.is_empty() { Ok(Value::Array(items)) } else { Err(faults) }
}

fn declared(text: &str) -> Result<Value, String> {
    if text.len() > LEN_MAX {
        return Err(format!("a declaration has at most {LEN_MAX} characters"));
    }
    let event = Event::parse(text.trim().trim_end_matches(';'));
    let event = event.map_err(|_| "not an event as Solidity declares it".to_owned())?;
    if event.anonymous {
        return Err("an anonymous event can't be told from others".to_owned());
    }
    crate::event::Event::of(&event)?;
    serde_json::to_value(&event).map_err(|error| error.to_string())
}

impl Contract {
    /// First topic and signature of each event that can be read from logs, by topic.
    #[must_use]
    pub fn event_topics(&self) -> Vec<(alloy_primitives::B256, String)> {
        let mut topics: Vec<_> = self.declared().collect();
        topics.sort_unstable();
        topics
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use alloy_primitives::keccak256;

    #[test]
    fn declarations_are_read_as_solidity_has_them() {
        let sound = [
            "event PairCreated(address indexed token0, address indexed token1, address pair, uint)",
            "Moved(bytes32[] what, string indexed note);",
        ];
        let contract = Contract::parse(&declared_events(&sound).unwrap()).unwrap();
        let mut wanted =
            vec!["PairCreated(address,address,address,uint256)", "Moved(bytes32[],string)"];
        wanted.sort_by_key(|signature| keccak256(signature));
        let found = contract.event_topics();
        assert!(found.iter().all(|(topic, signature)| *topic == keccak256(signature)));
        assert_eq!(found.iter().map(|(_, signature)| signature).collect::<Vec<_>>(), wanted);
        let long = format!("event {}()", "a".repeat(LEN_MAX));
        for bad in [
            "",
            "event",
            "event X(",
            "event X(uint257)",
            "function x()",
            &long,
            "event X(uint256) anonymous",
            "event X(bool indexed, bool indexed, bool indexed, bool indexed)",
        ] {
            let faults = declared_events(&[sound[0], bad]).unwrap_err();
            assert_eq!(faults[0].pointer, "/1", "{bad}: {faults:?}");
        }
    }
}

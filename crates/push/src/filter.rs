//! Which facts of a topic a subscription wants.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Equality on attributes; all of them must hold. Empty lets everything through. On a fact that
/// takes something back, a value may stand in `previous_<name>` as well: whoever follows a state
/// hears of it being left, and whoever follows the one before hears of its return.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Filter(pub BTreeMap<String, String>);

impl Filter {
    /// True when the fact's attributes hold each wanted value, as a string.
    #[must_use]
    pub fn matches(&self, attributes: &Value, reverting: bool) -> bool {
        let holds = |name: &str, wanted: &str| {
            attributes.get(name).and_then(Value::as_str).is_some_and(|value| value == wanted)
        };
        self.0.iter().all(|(name, wanted)| {
            holds(name, wanted) || (reverting && holds(&format!("previous_{name}"), wanted))
        })
    }

    /// The same condition for `journal::load_between`; none when there is nothing to ask.
    pub(crate) fn as_attributes(&self) -> Option<Value> {
        (!self.0.is_empty()).then(|| {
            Value::Object(self.0.iter().map(|(k, v)| (k.clone(), v.clone().into())).collect())
        })
    }
}

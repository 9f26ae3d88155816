//! Which facts of a topic a subscription wants.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Equality on attributes; all of them must hold. Empty lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Filter(pub BTreeMap<String, String>);

impl Filter {
    /// True when the fact's attributes hold each wanted value, as a string.
    #[must_use]
    pub fn matches(&self, attributes: &Value) -> bool {
        self.0.iter().all(|(name, wanted)| {
            attributes.get(name).and_then(Value::as_str).is_some_and(|value| value == wanted)
        })
    }

    /// The same condition for `attributes @> …`; none when there is nothing to ask.
    pub(crate) fn as_attributes(&self) -> Option<Value> {
        (!self.0.is_empty()).then(|| {
            Value::Object(self.0.iter().map(|(k, v)| (k.clone(), v.clone().into())).collect())
        })
    }
}

//! What an ID token says beside what every one does, and who it is about.

use openidconnect::AdditionalClaims;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Values of one claim that are looked at, and the longest of them.
const VALUES_MAX: usize = 1_000;
const VALUE_LEN_MAX: usize = 256;
const NAME_LEN_MAX: usize = 120;

/// Claims without a meaning of their own.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Others(Map<String, Value>);

impl AdditionalClaims for Others {}

/// Who signed in with a provider.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    /// Theirs at the issuer, for ever.
    pub subject: String,
    /// As the provider calls them; never what looks like an e-mail address.
    pub name: Option<String>,
    /// Of the claim that was asked for.
    pub values: Vec<String>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Others {
    /// The values of a claim, by its name or, with a leading `/`, by a JSON pointer: a text or a
    /// list of texts. Everything else counts for nothing.
    pub(crate) fn values(&self, claim: &str) -> Vec<String> {
        let found = match claim.strip_prefix('/') {
            None => self.0.get(claim),
            // The first part names the claim, the others lead into it.
            Some(path) => {
                let (first, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
                self.0.get(first).and_then(|value| value.pointer(rest))
            }
        };
        let texts: Vec<&str> = match found {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let short = texts.into_iter().filter(|text| text.len() <= VALUE_LEN_MAX);
        short.take(VALUES_MAX).map(str::to_owned).collect()
    }
}

/// A name that may be shown to admins and stored in the open.
pub(crate) fn plain_name(text: &str) -> Option<String> {
    let name: String = text.trim().chars().take(NAME_LEN_MAX).collect();
    let plain = !name.is_empty() && !name.contains('@') && !name.chars().any(char::is_control);
    plain.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_found_by_name_and_by_pointer() {
        let claims = json!({
            "groups": ["a", "b", 3, null], "role": "chief", "realm": { "roles": ["c"], "n": 1 },
            "https://x.example/groups": ["d"], "/odd": ["e"],
        });
        let others: Others = serde_json::from_value(claims).unwrap();
        let cases: [(&str, &[&str]); 9] = [
            ("groups", &["a", "b"]),
            ("role", &["chief"]),
            ("/realm/roles", &["c"]),
            ("/groups", &["a", "b"]),
            ("https://x.example/groups", &["d"]),
            ("realm", &[]),
            ("/realm/n", &[]),
            ("/realm/none", &[]),
            ("none", &[]),
        ];
        for (claim, expected) in cases {
            assert_eq!(others.values(claim), expected, "{claim}");
        }
        let many = json!({ "groups": vec!["g"; 5_000], "long": ["x".repeat(300), "y".to_owned()] });
        let others: Others = serde_json::from_value(many).unwrap();
        assert_eq!(others.values("groups").len(), VALUES_MAX);
        assert_eq!(others.values("long"), ["y"]);
    }

    #[test]
    fn a_name_that_could_be_an_address_is_none() {
        assert_eq!(plain_name(" Ada Lovelace "), Some("Ada Lovelace".to_owned()));
        for bad in ["", "  ", "ada@example.org", "a\nb", "\u{7}"] {
            assert_eq!(plain_name(bad), None, "{bad:?}");
        }
        assert_eq!(plain_name(&"x".repeat(500)).map(|name| name.len()), Some(NAME_LEN_MAX));
    }
}

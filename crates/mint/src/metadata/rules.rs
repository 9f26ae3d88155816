//! What the fields of a document may hold (ERC-721's metadata schema, and the extensions that
//! marketplaces read).

use std::collections::BTreeMap;

use super::json::{Json, within};
use super::{
    ATTRIBUTE_CHARS_MAX, ATTRIBUTES_MAX, DATA_URI_LEN_MAX, DESCRIPTION_CHARS_MAX, MetadataRefusal,
    NAME_CHARS_MAX, PROBLEMS_MAX, Problem, Reason, URI_LEN_MAX,
};

type Fields = BTreeMap<String, Json>;

/// The fields that the caller is told about.
pub(super) struct Found {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) image: String,
    pub(super) animation_url: Option<String>,
}

/// Types of content that `data:` URIs may carry. No HTML: wallets open such URIs in a page.
const IMAGE_DATA: &[&str] = &["image/"];
const MEDIA_DATA: &[&str] = &["image/", "audio/", "video/", "model/"];
const NO_DATA: &[&str] = &[];

/// Checks all fields; lists all problems.
pub(super) fn check(fields: &Fields) -> Result<Found, MetadataRefusal> {
    let mut check = Check { pointer: String::new(), problems: Vec::new() };
    let name = check.required(fields, "name", |check, value| {
        let text = check.text(value, NAME_CHARS_MAX)?;
        if text.is_empty() {
            check.problem(Reason::Empty);
        }
        Some(text)
    });
    let image = check.required(fields, "image", |check, value| check.uri(value, IMAGE_DATA));
    let description = check
        .optional(fields, "description", |check, value| check.text(value, DESCRIPTION_CHARS_MAX));
    let animation_url =
        check.optional(fields, "animation_url", |check, value| check.uri(value, MEDIA_DATA));
    check.optional(fields, "external_url", |check, value| check.uri(value, NO_DATA));
    check.optional(fields, "background_color", Check::color);
    check.optional(fields, "attributes", Check::attributes);
    match (name, image) {
        (Some(name), Some(image)) if check.problems.is_empty() => {
            Ok(Found { name, description, image, animation_url })
        }
        _ => Err(MetadataRefusal { problems: check.problems }),
    }
}

struct Check {
    pointer: String,
    problems: Vec<Problem>,
}

impl Check {
    fn problem(&mut self, reason: Reason) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { pointer: self.pointer.clone(), reason });
        }
    }

    /// Runs `inner` on the value one step further down.
    fn at<T>(&mut self, step: &str, inner: impl FnOnce(&mut Self) -> T) -> T {
        let mut pointer = std::mem::take(&mut self.pointer);
        let result = within(&mut pointer, step, |pointer| {
            self.pointer = std::mem::take(pointer);
            let result = inner(self);
            *pointer = std::mem::take(&mut self.pointer);
            result
        });
        self.pointer = pointer;
        result
    }

    fn required<T>(
        &mut self,
        fields: &Fields,
        key: &str,
        rule: impl FnOnce(&mut Self, &Json) -> Option<T>,
    ) -> Option<T> {
        if !fields.contains_key(key) {
            self.at(key, |check| check.problem(Reason::Missing));
        }
        self.optional(fields, key, rule)
    }

    fn optional<T>(
        &mut self,
        fields: &Fields,
        key: &str,
        rule: impl FnOnce(&mut Self, &Json) -> Option<T>,
    ) -> Option<T> {
        let value = fields.get(key)?;
        self.at(key, |check| rule(check, value))
    }

    fn wrong<T>(&mut self, expected: &'static str) -> Option<T> {
        self.problem(Reason::WrongType { expected });
        None
    }

    fn text(&mut self, value: &Json, max: usize) -> Option<String> {
        let Json::String(text) = value else { return self.wrong("a string") };
        if text.chars().count() > max {
            self.problem(Reason::TooLong { max });
        }
        Some(text.clone())
    }

    fn uri(&mut self, value: &Json, data_types: &[&str]) -> Option<String> {
        let Json::String(uri) = value else { return self.wrong("a string") };
        match uri_problem(uri, data_types) {
            Some(reason) => self.problem(reason),
            None => return Some(uri.clone()),
        }
        None
    }

    fn color(&mut self, value: &Json) -> Option<()> {
        let Json::String(color) = value else { return self.wrong("a string") };
        if color.len() != 6 || !color.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            self.problem(Reason::NotColor);
        }
        Some(())
    }

    fn attributes(&mut self, value: &Json) -> Option<()> {
        let Json::Array(attributes) = value else { return self.wrong("an array") };
        if attributes.len() > ATTRIBUTES_MAX {
            self.problem(Reason::TooMany { max: ATTRIBUTES_MAX });
        }
        for (index, attribute) in attributes.iter().take(ATTRIBUTES_MAX).enumerate() {
            self.at(&index.to_string(), |check| check.attribute(attribute));
        }
        Some(())
    }

    fn attribute(&mut self, value: &Json) -> Option<()> {
        let Json::Object(fields) = value else { return self.wrong("an object") };
        self.required(fields, "value", |check, value| match value {
            Json::String(_) => check.text(value, ATTRIBUTE_CHARS_MAX).map(drop),
            Json::Number(_) | Json::Bool(_) => Some(()),
            _ => check.wrong("a string, a number or a boolean"),
        });
        for key in ["trait_type", "display_type"] {
            self.optional(fields, key, |check, value| check.text(value, ATTRIBUTE_CHARS_MAX));
        }
        self.optional(fields, "max_value", |check, value| match value {
            Json::Number(_) => Some(()),
            _ => check.wrong("a number"),
        })
    }
}

/// Why `uri` is not allowed in a field which takes `data:` URIs of these types.
fn uri_problem(uri: &str, data_types: &[&str]) -> Option<Reason> {
    if uri.is_empty() {
        return Some(Reason::Empty);
    }
    let Some((scheme, rest)) = uri.split_once(':') else { return Some(Reason::NotUri) };
    let data = scheme.eq_ignore_ascii_case("data");
    let max = if data { DATA_URI_LEN_MAX } else { URI_LEN_MAX };
    if uri.len() > max {
        return Some(Reason::TooLong { max });
    }
    // An SVG in a `data:` URI often holds plain spaces; elsewhere they break links.
    let stray = |c: char| c.is_control() || (c.is_whitespace() && !(data && c == ' '));
    if uri.chars().any(stray) {
        return Some(Reason::NotUri);
    }
    if data {
        let Some((head, _)) = rest.split_once(',') else { return Some(Reason::NotUri) };
        let head = head.to_ascii_lowercase();
        let allowed = data_types.iter().any(|prefix| head.starts_with(prefix));
        return if data_types.is_empty() {
            Some(Reason::SchemeNotAllowed)
        } else {
            (!allowed).then_some(Reason::DataTypeNotAllowed)
        };
    }
    if !["ipfs", "ar", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Some(Reason::SchemeNotAllowed);
    }
    let host = rest.strip_prefix("//").unwrap_or_default();
    (host.is_empty() || host.starts_with(['/', '?', '#'])).then_some(Reason::NotUri)
}

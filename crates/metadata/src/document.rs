//! What a metadata document says (ERC-721, ERC-1155, and the habits of marketplaces), bounded and
//! made fit to be stored.

use crate::Reason;
use serde::Serialize;
use serde_json::{Map, Number, Value};

/// Most characters of each.
pub const NAME_LEN_MAX: usize = 512;
pub const DESCRIPTION_LEN_MAX: usize = 8_192;
pub const LINK_LEN_MAX: usize = 2_048;
/// Of a picture inside its link (`data:`), in bytes.
pub const INLINE_LEN_MAX: usize = 131_072;
pub const ATTRIBUTES_MAX: usize = 200;
/// Of all of them together as JSON, in bytes.
pub const ATTRIBUTES_LEN_MAX: usize = 8_192;
pub const TRAIT_LEN_MAX: usize = 128;
/// Longer values are cut, and can't be searched by.
pub const VALUE_LEN_MAX: usize = 256;
/// Arrays and objects inside each other.
const DEPTH_MAX: usize = 32;

/// The parts of a document that are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    pub name: Option<String>,
    pub description: Option<String>,
    pub image: Option<String>,
    pub animation_url: Option<String>,
    pub external_url: Option<String>,
    pub attributes: Vec<Attribute>,
}

/// One trait of a token.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attribute {
    pub trait_type: Option<String>,
    /// A string, a number or a boolean.
    pub value: Value,
    /// How a marketplace should show it: `number`, `date`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_type: Option<String>,
}

impl Attribute {
    /// The value as text, for searching.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// Read a document.
///
/// # Errors
/// The [`Reason`] why it is none.
pub fn parse(bytes: &[u8]) -> Result<Document, Reason> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| Reason::NotUtf8)?;
    if depth(text) > DEPTH_MAX {
        return Err(Reason::TooDeep);
    }
    let value: Value = serde_json::from_str(text).map_err(|_| Reason::NotJson)?;
    let Value::Object(fields) = value else { return Err(Reason::NotAnObject) };
    Ok(Document {
        name: text_of(&fields, "name", NAME_LEN_MAX),
        description: text_of(&fields, "description", DESCRIPTION_LEN_MAX),
        image: picture(&fields),
        animation_url: media_of(&fields, "animation_url"),
        external_url: fields
            .get("external_url")
            .and_then(Value::as_str)
            .and_then(|text| link(text, &["https:", "http:"])),
        attributes: attributes(&fields),
    })
}

/// How deep arrays and objects go, told without building anything.
fn depth(text: &str) -> usize {
    let (mut now, mut most, mut inside, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match (inside, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => inside = !inside,
            (false, b'{' | b'[') => {
                now += 1;
                most = most.max(now);
            }
            (false, b'}' | b']') => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

fn text_of(fields: &Map<String, Value>, name: &str, most: usize) -> Option<String> {
    let text = match fields.get(name)? {
        Value::String(text) => cleaned(text, most),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Trimmed, cut, and without what Postgres or a reader could stumble over: control characters
/// become U+FFFD, marks that turn the direction of writing are left out.
fn cleaned(text: &str, most: usize) -> String {
    let turns = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let sound = |c: char| {
        if c.is_control() && !matches!(c, '\n' | '\t' | '\r') { '\u{fffd}' } else { c }
    };
    text.trim().chars().filter(|c| !turns(c)).map(sound).take(most).collect()
}

const MEDIA: [&str; 4] = ["ipfs:", "ar:", "https:", "http:"];

/// `image`, or what some write in its place.
fn picture(fields: &Map<String, Value>) -> Option<String> {
    let named = ["image", "image_url", "imageUrl"].iter().find_map(|name| media_of(fields, name));
    named.or_else(|| {
        let drawing = fields.get("image_data")?.as_str()?.trim();
        if drawing.starts_with("<svg") {
            let encoded =
                percent_encoding::utf8_percent_encode(drawing, percent_encoding::NON_ALPHANUMERIC);
            return data_link(&format!("data:image/svg+xml,{encoded}"));
        }
        media(drawing)
    })
}

fn media_of(fields: &Map<String, Value>, name: &str) -> Option<String> {
    media(fields.get(name)?.as_str()?)
}

fn media(text: &str) -> Option<String> {
    data_link(text).or_else(|| link(text, &MEDIA))
}

/// A picture, film, sound, model or page inside its link. Never a script by itself.
fn data_link(text: &str) -> Option<String> {
    let text = text.trim();
    let head = text.get(..5).filter(|head| head.eq_ignore_ascii_case("data:"))?;
    let kind = text[head.len()..].trim_start().to_ascii_lowercase();
    let shown = ["image/", "video/", "audio/", "model/", "text/html"];
    let fits = text.len() <= INLINE_LEN_MAX && !text.contains('\0');
    (fits && shown.iter().any(|shown| kind.starts_with(shown))).then(|| text.to_owned())
}

/// A link of one of these schemes. It is shown to users, never followed here.
fn link(text: &str, schemes: &[&str]) -> Option<String> {
    let text = text.trim();
    let sound = (1..=LINK_LEN_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    let known = |scheme: &&str| {
        text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    };
    (sound && schemes.iter().any(known)).then(|| text.to_owned())
}

/// Lists of `{trait_type, value}`, and what else is found: an object of names and values, a list of
/// values alone.
fn attributes(fields: &Map<String, Value>) -> Vec<Attribute> {
    let found = ["attributes", "traits", "properties"]
        .iter()
        .filter_map(|name| fields.get(*name))
        .find(|value| matches!(value, Value::Array(_) | Value::Object(_)));
    match found {
        Some(Value::Array(list)) => bounded(list.iter().filter_map(attribute)),
        Some(Value::Object(map)) => bounded(map.iter().filter_map(|(n, v)| named(n, v))),
        _ => Vec::new(),
    }
}

/// The first ones, as long as they fit.
fn bounded(found: impl Iterator<Item = Attribute>) -> Vec<Attribute> {
    let mut left = ATTRIBUTES_LEN_MAX;
    found
        .take(ATTRIBUTES_MAX)
        .take_while(|attribute| {
            let length = serde_json::to_string(attribute).map_or(usize::MAX, |text| text.len());
            let fits = length < left;
            left = left.saturating_sub(length + 1);
            fits
        })
        .collect()
}

fn attribute(value: &Value) -> Option<Attribute> {
    let Value::Object(fields) = value else {
        return Some(Attribute { trait_type: None, value: scalar(value)?, display_type: None });
    };
    let label = |name: &str| text_of(fields, name, TRAIT_LEN_MAX);
    Some(Attribute {
        trait_type: label("trait_type").or_else(|| label("name")).or_else(|| label("key")),
        value: scalar(fields.get("value")?)?,
        display_type: text_of(fields, "display_type", 64),
    })
}

/// One of an object of attributes: a value, or an object that holds it (ERC-1155's `properties`).
fn named(name: &str, value: &Value) -> Option<Attribute> {
    let inner = match value {
        Value::Object(fields) => fields.get("value")?,
        other => other,
    };
    let trait_type = Some(cleaned(name, TRAIT_LEN_MAX)).filter(|name| !name.is_empty());
    Some(Attribute { trait_type, value: scalar(inner)?, display_type: None })
}

fn scalar(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => Some(Value::String(cleaned(text, VALUE_LEN_MAX))),
        Value::Number(number) => Some(Value::Number(plain(number))),
        Value::Bool(_) => Some(value.clone()),
        _ => None,
    }
}

/// 5.0 is 5: what is searched by should not depend on who wrote the document.
fn plain(number: &Number) -> Number {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT => {
            Number::from(float as i64)
        }
        _ => number.clone(),
    }
}

#[cfg(test)]
mod tests;

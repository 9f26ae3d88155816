//! The media type an answer carries, from its first bytes. Never a type that a browser runs.

use crate::media::MediaType;

/// Bytes that `sniff` looks at.
pub const SNIFF_LEN: usize = 512;

pub(super) const JSON: &str = "application/json";
const OTHER: &str = "application/octet-stream";

/// Images by their magic numbers, JSON if the text begins like an object, else octets.
pub fn sniff(head: &[u8]) -> &'static str {
    let head = &head[..head.len().min(SNIFF_LEN)];
    match MediaType::from_magic(head) {
        Some(image) => image.as_str(),
        None if begins_json_object(head) => JSON,
        None => OTHER,
    }
}

fn begins_json_object(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The cut at SNIFF_LEN may fall inside a character.
        Err(cut) if cut.error_len().is_none() => {
            let Ok(text) = std::str::from_utf8(&head[..cut.valid_up_to()]) else { return false };
            text
        }
        Err(_) => return false,
    };
    let space = [' ', '\t', '\r', '\n'];
    let Some(inside) = text.trim_start_matches(space).strip_prefix('{') else { return false };
    inside.trim_start_matches(space).starts_with(['"', '}'])
}

//! Which ERC-721 metadata is accepted, and the bytes that stand for it.
//!
//! ```text
//! bytes ─► size ─► depth (a scan, nothing built) ─► JSON tree ─► rules ─► Metadata
//! ```
//! Accepted metadata has one canonical form: keys sorted by code point, no white space, strings
//! with the fewest escapes, numbers kept exactly as written. So the same document, however it was
//! laid out, is stored once and under one CID. Keys we do not know are kept.

mod json;
mod rules;

use json::Json;

/// Bytes of a document at most: it is stored as one raw block.
pub const DOCUMENT_LEN_MAX: usize = 1024 * 1024;
/// Nesting of arrays and objects at most; the document itself is the first level.
pub const DEPTH_MAX: usize = 32;
/// Characters of `name` at most.
pub const NAME_CHARS_MAX: usize = 256;
/// Characters of `description` at most.
pub const DESCRIPTION_CHARS_MAX: usize = 10_000;
/// Entries of `attributes` at most.
pub const ATTRIBUTES_MAX: usize = 256;
/// Characters of a text inside an attribute at most.
pub const ATTRIBUTE_CHARS_MAX: usize = 1_000;
/// Bytes of a URI at most, unless it carries its content (`data:`).
pub const URI_LEN_MAX: usize = 2_048;
/// Bytes of a `data:` URI at most.
pub const DATA_URI_LEN_MAX: usize = 256 * 1024;
/// Problems listed at most.
pub const PROBLEMS_MAX: usize = 32;

/// Accepted metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    pub name: String,
    pub description: Option<String>,
    /// URI of the picture: ipfs, ar, https or data.
    pub image: String,
    pub animation_url: Option<String>,
    canonical: String,
}

impl Metadata {
    /// The one form of this document: what is stored and hashed. Never longer than what was sent.
    pub fn canonical(&self) -> &[u8] {
        self.canonical.as_bytes()
    }
}

/// Why metadata was refused: each problem found, at least one, at most [`PROBLEMS_MAX`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("metadata has {} problem(s), first: {}", problems.len(), first(problems))]
pub struct MetadataRefusal {
    pub problems: Vec<Problem>,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at \"{pointer}\": {reason}")]
pub struct Problem {
    /// JSON pointer (RFC 6901) to the value; empty for the whole document.
    pub pointer: String,
    pub reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("longer than {max} bytes")]
    TooLarge { max: usize },
    #[error("nested deeper than {max} levels")]
    TooDeep { max: usize },
    #[error("not valid JSON at line {line}, column {column}")]
    NotJson { line: usize, column: usize },
    #[error("the same key twice in one object")]
    DuplicateKey,
    #[error("required")]
    Missing,
    #[error("must be {expected}")]
    WrongType { expected: &'static str },
    #[error("must not be empty")]
    Empty,
    #[error("longer than {max} characters")]
    TooLong { max: usize },
    #[error("more than {max} entries")]
    TooMany { max: usize },
    #[error("not a URI")]
    NotUri,
    #[error("scheme not allowed here")]
    SchemeNotAllowed,
    #[error("data URI of a type not allowed here")]
    DataTypeNotAllowed,
    #[error("must be six hexadecimal digits without #")]
    NotColor,
}

impl Reason {
    /// A stable word for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::TooDeep { .. } => "too_deep",
            Self::NotJson { .. } => "not_json",
            Self::DuplicateKey => "duplicate_key",
            Self::Missing => "missing",
            Self::WrongType { .. } => "wrong_type",
            Self::Empty => "empty",
            Self::TooLong { .. } => "too_long",
            Self::TooMany { .. } => "too_many",
            Self::NotUri => "not_uri",
            Self::SchemeNotAllowed => "scheme_not_allowed",
            Self::DataTypeNotAllowed => "data_type_not_allowed",
            Self::NotColor => "not_color",
        }
    }
}

/// Parses and checks a document. The cost is bounded by [`DOCUMENT_LEN_MAX`] and [`DEPTH_MAX`],
/// both checked before a value is built.
pub fn parse(bytes: &[u8]) -> Result<Metadata, MetadataRefusal> {
    if bytes.len() > DOCUMENT_LEN_MAX {
        return Err(refusal(Reason::TooLarge { max: DOCUMENT_LEN_MAX }));
    }
    if json::depth(bytes) > DEPTH_MAX {
        return Err(refusal(Reason::TooDeep { max: DEPTH_MAX }));
    }
    let document = json::parse(bytes)?;
    let Json::Object(fields) = &document else {
        return Err(refusal(Reason::WrongType { expected: "an object" }));
    };
    let found = rules::check(fields)?;
    let mut canonical = String::with_capacity(bytes.len());
    document.write(&mut canonical);
    Ok(Metadata {
        name: found.name,
        description: found.description,
        image: found.image,
        animation_url: found.animation_url,
        canonical,
    })
}

fn refusal(reason: Reason) -> MetadataRefusal {
    MetadataRefusal { problems: vec![Problem { pointer: String::new(), reason }] }
}

fn first(problems: &[Problem]) -> String {
    problems.first().map(Problem::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests;

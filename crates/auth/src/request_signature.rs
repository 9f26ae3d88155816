//! Signatures over requests (RFC 9421), as far as this engine takes them: one signature, by
//! `hmac-sha256` or `ed25519`, over at least what makes a request what it is, good for 30 seconds.
//!
//! Structured fields are read and written by `sfv`. Nothing here asks a database or knows whose a
//! key is: see `key_check`.

mod components;

use crate::ed25519;
use hmac::{Hmac, KeyInit, Mac};
use sfv::{Dictionary, FieldType, InnerList, ListEntry, Parameters, Parser};
use sha2::Sha256;
use time::{Duration, OffsetDateTime};

/// How old, and how far ahead of us, a signature may be.
pub const SIGNATURE_WINDOW: Duration = Duration::seconds(30);
/// Components that one signature may cover.
const COMPONENTS_MAX: usize = 32;
const NONCE_LEN_MIN: usize = 16;
const NONCE_LEN_MAX: usize = 64;
const SHA256_LEN: usize = 32;

/// A request, as far as signatures speak of it.
#[derive(Clone, Copy)]
pub struct RequestParts<'a> {
    pub method: &'a str,
    /// Host and port, as the client addressed them.
    pub authority: &'a str,
    /// As sent.
    pub path: &'a str,
    /// What follows `?`; none when there is none.
    pub query: Option<&'a str>,
    pub has_body: bool,
    /// The value of a field by its lower-case name, lines joined by `, ` (RFC 9421 §2.1).
    pub field: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

impl std::fmt::Debug for RequestParts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestParts").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Why a signature is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// It can't be read, or says what is not supported.
    #[error("{0}")]
    Malformed(&'static str),
    /// It leaves out what it must cover or say; with what.
    #[error("{0}")]
    Incomplete(String),
    /// Made too long ago or in the future, or it has expired.
    #[error("the signature is not of now")]
    Expired,
    /// Nobody's that is known, or not over this request.
    #[error("the signature is not right")]
    Wrong,
    /// Its nonce was used before.
    #[error("the nonce was used before")]
    Replayed,
    /// `Content-Digest` can't be read, or has no SHA-256.
    #[error("{0}")]
    Digest(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    HmacSha256,
    Ed25519,
}

/// A signature as shown with a request: complete, and not verified.
#[derive(Clone, Debug)]
pub struct ShownSignature {
    components: Vec<String>,
    /// The list of components with its parameters, as the signature covers it.
    params: String,
    created: i64,
    expires: Option<i64>,
    key_id: String,
    nonce: String,
    algorithm: Algorithm,
    signature: Vec<u8>,
    digest: Option<[u8; SHA256_LEN]>,
}

impl ShownSignature {
    /// The signature of a request; none when it has none.
    ///
    /// # Errors
    /// [`SignatureFault::Malformed`], [`SignatureFault::Incomplete`], [`SignatureFault::Digest`].
    pub fn read(request: &RequestParts<'_>) -> Result<Option<Self>, SignatureFault> {
        let (input, signature) = ((request.field)("signature-input"), (request.field)("signature"));
        let (input, signature) = match (input, signature) {
            (None, None) => return Ok(None),
            (Some(input), Some(signature)) => (input, signature),
            _ => {
                let said = "`Signature-Input` and `Signature` come together";
                return Err(SignatureFault::Malformed(said));
            }
        };
        let (list, signature) = one(&input, &signature)?;
        let components = components(&list)?;
        let shown = Self {
            params: written(&list)?,
            created: integer(&list.params, "created")?
                .ok_or_else(|| SignatureFault::Incomplete("no `created`".to_owned()))?,
            expires: integer(&list.params, "expires")?,
            key_id: text(&list.params, "keyid")?,
            nonce: nonce(&list.params)?,
            algorithm: algorithm(&list.params)?,
            digest: digest(request)?,
            signature,
            components,
        };
        shown.check_coverage(request)?;
        Ok(Some(shown))
    }

    /// Whose it says it is.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    #[must_use]
    pub(crate) fn nonce(&self) -> &str {
        &self.nonce
    }

    /// What the body hashes to, by SHA-256; the signature covers it. None: there is no body.
    #[must_use]
    pub const fn digest(&self) -> Option<[u8; SHA256_LEN]> {
        self.digest
    }

    /// Was it made just now?
    pub(crate) fn check_time(&self, now: OffsetDateTime) -> Result<(), SignatureFault> {
        let now = now.unix_timestamp();
        let fresh = now.abs_diff(self.created) <= SIGNATURE_WINDOW.whole_seconds().unsigned_abs();
        if fresh && self.expires.is_none_or(|end| end > now) {
            Ok(())
        } else {
            Err(SignatureFault::Expired)
        }
    }

    /// Is it over this request, by the holder of this secret?
    pub(crate) fn is_by_secret(&self, request: &RequestParts<'_>, secret: &[u8]) -> bool {
        self.algorithm == Algorithm::HmacSha256
            && self.holds(request, |base| {
                let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret);
                mac.is_ok_and(|mac| mac.chain_update(base).verify_slice(&self.signature).is_ok())
            })
    }

    /// Is it over this request, by the holder of the secret behind this public key?
    pub(crate) fn is_by_public(&self, request: &RequestParts<'_>, key: &[u8]) -> bool {
        self.algorithm == Algorithm::Ed25519
            && self.holds(request, |base| ed25519::verify(key, base, &self.signature))
    }

    /// The scheme is not ours to tell where somebody else ends TLS: both are tried.
    fn holds(&self, request: &RequestParts<'_>, check: impl Fn(&[u8]) -> bool) -> bool {
        ["https", "http"].iter().any(|scheme| {
            let base = components::base(&self.components, &self.params, request, scheme);
            base.is_ok_and(|base| check(base.as_bytes()))
        })
    }

    /// Nothing that makes the request what it is may be left out.
    fn check_coverage(&self, request: &RequestParts<'_>) -> Result<(), SignatureFault> {
        let covers = |name: &str| self.components.iter().any(|component| component == name);
        let missing =
            |what: &str| Err(SignatureFault::Incomplete(format!("{what} is not covered")));
        if !covers("@method") {
            return missing("`@method`");
        }
        let parts = covers("@authority") && covers("@path") && covers("@query");
        if !covers("@target-uri") && !parts {
            return missing("`@target-uri` (or `@authority`, `@path` and `@query`)");
        }
        if request.has_body && (self.digest.is_none() || !covers("content-digest")) {
            return missing("`content-digest`");
        }
        if (request.field)("idempotency-key").is_some() && !covers("idempotency-key") {
            return missing("`idempotency-key`");
        }
        // All that is covered must be there; the scheme does not matter for that.
        components::base(&self.components, &self.params, request, "https").map(drop)
    }
}

/// The one signature of a request: what it covers, and its bytes.
fn one(input: &str, signature: &str) -> Result<(InnerList, Vec<u8>), SignatureFault> {
    let read = |text: &str| {
        let read = Parser::new(text).parse::<Dictionary>();
        read.map_err(|_| SignatureFault::Malformed("not a dictionary of structured fields"))
    };
    let (input, signature) = (read(input)?, read(signature)?);
    let single = SignatureFault::Malformed("there must be one signature, and one only");
    let (Some((label, covered)), Some((same, bytes))) = (input.first(), signature.first()) else {
        return Err(single);
    };
    if input.len() != 1 || signature.len() != 1 || label != same {
        return Err(single);
    }
    let ListEntry::InnerList(list) = covered else {
        return Err(SignatureFault::Malformed("`Signature-Input` is no list of components"));
    };
    let bytes = match bytes {
        ListEntry::Item(item) => item.bare_item.as_byte_sequence(),
        ListEntry::InnerList(_) => None,
    };
    let bytes = bytes.ok_or(SignatureFault::Malformed("`Signature` is no byte sequence"))?;
    Ok((list.clone(), bytes.to_vec()))
}

fn components(list: &InnerList) -> Result<Vec<String>, SignatureFault> {
    if list.items.len() > COMPONENTS_MAX {
        return Err(SignatureFault::Malformed("at most 32 components"));
    }
    let mut names: Vec<String> = Vec::with_capacity(list.items.len());
    for item in &list.items {
        let name = item.bare_item.as_string().filter(|_| item.params.is_empty());
        let plain = "components are plain names, without parameters";
        let name = name.ok_or(SignatureFault::Malformed(plain))?.as_str();
        if names.iter().any(|known| known == name) {
            return Err(SignatureFault::Malformed("a component is there twice"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// As RFC 9421 §2.3 has it signed.
fn written(list: &InnerList) -> Result<String, SignatureFault> {
    let list = vec![ListEntry::InnerList(list.clone())];
    list.serialize().ok_or(SignatureFault::Malformed("nothing is covered"))
}

fn integer(params: &Parameters, name: &'static str) -> Result<Option<i64>, SignatureFault> {
    let Some(value) = params.get(name) else { return Ok(None) };
    let said = SignatureFault::Malformed("`created` and `expires` are whole seconds");
    Ok(Some(i64::from(value.as_integer().ok_or(said)?)))
}

fn text(params: &Parameters, name: &'static str) -> Result<String, SignatureFault> {
    let value =
        params.get(name).ok_or_else(|| SignatureFault::Incomplete(format!("no `{name}`")))?;
    let said = SignatureFault::Malformed("`keyid`, `nonce` and `alg` are strings");
    Ok(value.as_string().ok_or(said)?.as_str().to_owned())
}

fn nonce(params: &Parameters) -> Result<String, SignatureFault> {
    let nonce = text(params, "nonce")?;
    if (NONCE_LEN_MIN..=NONCE_LEN_MAX).contains(&nonce.len()) {
        Ok(nonce)
    } else {
        Err(SignatureFault::Malformed("a nonce has 16 to 64 characters"))
    }
}

fn algorithm(params: &Parameters) -> Result<Algorithm, SignatureFault> {
    match text(params, "alg")?.as_str() {
        "hmac-sha256" => Ok(Algorithm::HmacSha256),
        "ed25519" => Ok(Algorithm::Ed25519),
        _ => Err(SignatureFault::Malformed("`alg` is hmac-sha256 or ed25519")),
    }
}

/// Of `Content-Digest` (RFC 9530) the SHA-256; other algorithms beside it are passed over.
fn digest(request: &RequestParts<'_>) -> Result<Option<[u8; SHA256_LEN]>, SignatureFault> {
    let Some(value) = (request.field)("content-digest") else { return Ok(None) };
    let read = Parser::new(&value).parse::<Dictionary>();
    let read = read.map_err(|_| SignatureFault::Digest("no dictionary of structured fields"))?;
    let found = match read.get("sha-256") {
        Some(ListEntry::Item(item)) => item.bare_item.as_byte_sequence(),
        _ => None,
    };
    let bytes = found.and_then(|bytes| bytes.try_into().ok());
    bytes.map(Some).ok_or(SignatureFault::Digest("it must have a `sha-256` of 32 bytes"))
}

#[cfg(test)]
mod tests;

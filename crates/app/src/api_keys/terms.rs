//! What is decided about a key, from what was asked.

use abi::Fault;
use auth::{Networks, Scope};
use base64::{Engine, engine::general_purpose::STANDARD};
use db::api_keys::KeyTerms;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

const NAME_MAX: usize = 100;
const EXPIRY_MAX: Duration = Duration::days(3_650);

/// What is asked for; what is absent stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct TermsSpec<'a> {
    pub name: Option<&'a str>,
    pub scopes: Option<&'a [String]>,
    /// Addresses and networks; none: from anywhere.
    pub allowed_ips: Option<&'a [String]>,
    pub signature_required: Option<bool>,
    /// Ed25519, 32 bytes in base64; inner none: no longer.
    pub public_key: Option<Option<&'a str>>,
    /// RFC 3339; inner none: it does not end.
    pub expires_at: Option<Option<&'a str>>,
}

/// Bring terms in line with what is asked. All that is wrong is told at once.
pub(super) fn apply(terms: &mut KeyTerms, spec: &TermsSpec<'_>, now: OffsetDateTime) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(name) = spec.name {
        let sound = name.chars().count() <= NAME_MAX && !name.chars().any(char::is_control);
        if !sound || name.trim() != name {
            faults.push(Fault::new("/name", "at most 100 characters, no control characters"));
        }
        terms.name = name.to_owned();
    }
    if let Some(scopes) = spec.scopes {
        terms.scopes = read_scopes(scopes, &mut faults);
    }
    if let Some(texts) = spec.allowed_ips {
        match Networks::parse(texts) {
            Ok(networks) => terms.allowed_ips = networks.texts(),
            Err(fault) => {
                faults.push(Fault::new(format!("/allowed_ips/{}", fault.place), fault.reason));
            }
        }
    }
    if let Some(required) = spec.signature_required {
        terms.signature_required = required;
    }
    if let Some(key) = spec.public_key {
        match key.map(read_public_key).transpose() {
            Ok(key) => terms.public_key = key,
            Err(detail) => faults.push(Fault::new("/public_key", detail)),
        }
    }
    if let Some(time) = spec.expires_at {
        match time.map(|text| read_expiry(text, now)).transpose() {
            Ok(time) => terms.expires_at = time,
            Err(detail) => faults.push(Fault::new("/expires_at", detail)),
        }
    }
    faults
}

fn read_scopes(given: &[String], faults: &mut Vec<Fault>) -> Vec<String> {
    if given.is_empty() || given.len() > Scope::ALL.len() {
        faults.push(Fault::new("/scopes", "some of the scopes there are, each once"));
        return Vec::new();
    }
    let mut scopes: Vec<Scope> = Vec::new();
    for (place, text) in given.iter().enumerate() {
        match text.parse::<Scope>() {
            Ok(scope) if !scopes.contains(&scope) => scopes.push(scope),
            Ok(_) => faults.push(Fault::new(format!("/scopes/{place}"), "it is there twice")),
            Err(()) => faults.push(Fault::new(format!("/scopes/{place}"), "no scope of ours")),
        }
    }
    scopes.sort_unstable();
    scopes.iter().map(ToString::to_string).collect()
}

fn read_public_key(text: &str) -> Result<Vec<u8>, &'static str> {
    let said = "an Ed25519 public key: 32 bytes in base64";
    if text.len() > 64 {
        return Err(said);
    }
    let bytes = STANDARD.decode(text).map_err(|_| said)?;
    if auth::is_public_key(&bytes) { Ok(bytes) } else { Err(said) }
}

fn read_expiry(text: &str, now: OffsetDateTime) -> Result<OffsetDateTime, &'static str> {
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "a time as of RFC 3339")?;
    if time <= now || time - now > EXPIRY_MAX {
        return Err("a time to come, within ten years");
    }
    Ok(time)
}

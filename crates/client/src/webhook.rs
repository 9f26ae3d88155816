//! What a webhook brings (Standard Webhooks 1.0).

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use http::HeaderMap;
use ring::{hmac, signature};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

/// A request may be so much older or newer than now, in seconds.
const TOLERANCE: i64 = 300;

/// It does not come from who holds the secret, or not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRefused {
    #[error("a header of the signature is missing")]
    Header,
    #[error("the timestamp is not of now")]
    Timestamp,
    #[error("no signature is by this secret")]
    Signature,
    #[error("not the secret of a webhook")]
    Secret,
    #[error("the body is not understood")]
    Body,
}

/// What was delivered.
#[derive(Clone, Debug, Deserialize)]
pub struct Delivered {
    /// The same when it comes again: keep those that you have seen.
    #[serde(skip)]
    pub id: String,
    /// The kind of the fact, or `test`.
    #[serde(rename = "type")]
    pub kind: String,
    pub timestamp: String,
    /// The fact: `topic`, `epoch`, `seq`, `type`, `data` and more.
    pub data: Value,
}

/// Check a request, and read it. `secret` is the `whsec_…` of an endpoint, or its `whpk_…` with
/// signatures by Ed25519. `body` as it came: not parsed and written again.
///
/// # Errors
/// [`WebhookRefused`]
pub fn verify_webhook(
    secret: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Delivered, WebhookRefused> {
    verify_at(secret, headers, body, OffsetDateTime::now_utc().unix_timestamp())
}

fn verify_at(
    secret: &str,
    headers: &HeaderMap,
    body: &[u8],
    now: i64,
) -> Result<Delivered, WebhookRefused> {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.ok_or(WebhookRefused::Header)
    };
    let (id, sent) = (header("webhook-id")?, header("webhook-timestamp")?);
    let signatures = header("webhook-signature")?;
    let at: i64 = sent.parse().map_err(|_| WebhookRefused::Timestamp)?;
    if now.abs_diff(at) > TOLERANCE.unsigned_abs() {
        return Err(WebhookRefused::Timestamp);
    }
    let content = [format!("{id}.{sent}.").as_bytes(), body].concat();
    if !is_signed(secret, &content, signatures)? {
        return Err(WebhookRefused::Signature);
    }
    let mut delivered: Delivered =
        serde_json::from_slice(body).map_err(|_| WebhookRefused::Body)?;
    id.clone_into(&mut delivered.id);
    Ok(delivered)
}

fn is_signed(secret: &str, content: &[u8], signatures: &str) -> Result<bool, WebhookRefused> {
    let decode = |text: &str| BASE64.decode(text).ok().filter(|bytes| !bytes.is_empty());
    let of = |version: &'static str| {
        signatures.split(' ').filter_map(move |one| one.strip_prefix(version)).filter_map(decode)
    };
    if let Some(text) = secret.strip_prefix("whpk_") {
        let bytes = decode(text).ok_or(WebhookRefused::Secret)?;
        let key = signature::UnparsedPublicKey::new(&signature::ED25519, bytes);
        return Ok(of("v1a,").any(|signature| key.verify(content, &signature).is_ok()));
    }
    let text = secret.strip_prefix("whsec_").ok_or(WebhookRefused::Secret)?;
    let bytes = decode(text).ok_or(WebhookRefused::Secret)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
    // In constant time.
    Ok(of("v1,").any(|signature| hmac::verify(&key, content, &signature).is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the documentation of Standard Webhooks.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"type":"test","timestamp":"2026-11-22T12:00:00Z","data":{}}"#;
    const SENT: i64 = 1_614_265_330;

    fn signed() -> HeaderMap {
        let key = BASE64.decode(&SECRET[6..]).unwrap();
        let content = [format!("msg_1.{SENT}.").as_bytes(), BODY].concat();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &content);
        let signature = format!("v1,AAAA v1,{}", BASE64.encode(tag.as_ref()));
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", "msg_1".parse().unwrap());
        headers.insert("webhook-timestamp", SENT.to_string().parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        headers
    }

    #[test]
    fn what_is_signed_is_believed_and_nothing_else() {
        let headers = signed();
        let told = verify_at(SECRET, &headers, BODY, SENT + TOLERANCE).unwrap();
        assert_eq!((told.id.as_str(), told.kind.as_str()), ("msg_1", "test"));
        let late = verify_at(SECRET, &headers, BODY, SENT + TOLERANCE + 1);
        assert_eq!(late.unwrap_err(), WebhookRefused::Timestamp);
        let early = verify_at(SECRET, &headers, BODY, SENT - TOLERANCE - 1);
        assert_eq!(early.unwrap_err(), WebhookRefused::Timestamp);
        let other = verify_at("whsec_b3RoZXI=", &headers, BODY, SENT);
        assert_eq!(other.unwrap_err(), WebhookRefused::Signature);
        let altered = verify_at(SECRET, &headers, b"{}", SENT);
        assert_eq!(altered.unwrap_err(), WebhookRefused::Signature);
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let mut less = headers.clone();
            less.remove(name);
            let refused = verify_at(SECRET, &less, BODY, SENT).unwrap_err();
            assert_eq!(refused, WebhookRefused::Header, "{name}");
        }
        for bad in ["", "whsec_", "whsec_!", "whpk_"] {
            let refused = verify_at(bad, &headers, BODY, SENT).unwrap_err();
            assert_eq!(refused, WebhookRefused::Secret, "{bad}");
        }
    }
}

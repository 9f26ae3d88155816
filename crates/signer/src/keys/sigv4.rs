//! AWS Signature Version 4, as far as one POST to `/` needs it.
//!
//! Ours because the official SDK would add some thirty crates to the process that holds keys;
//! checked against AWS's published example and, in tests of the back end, against botocore.

use alloy_primitives::hex;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Who asks.
pub(super) struct Credentials {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: Zeroizing<String>,
    /// With temporary credentials only.
    pub(super) session_token: Option<Zeroizing<String>>,
}

/// What is signed besides the credentials.
pub(super) struct Scope<'a> {
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    /// UTC, `YYYYMMDDTHHMMSSZ`.
    pub(super) time: &'a str,
}

/// The value of the header `Authorization`. `headers`: lower-case names in alphabetical order,
/// values trimmed, with `host` and `x-amz-date` among them.
pub(super) fn authorization(
    credentials: &Credentials,
    scope: &Scope<'_>,
    request: &[u8],
    headers: &[(&str, &str)],
) -> String {
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let body = hex::encode(Sha256::digest(request));
    let canonical = format!("POST\n/\n\n{lines}\n{names}\n{body}");
    let day = scope.time.get(..8).unwrap_or_default();
    let place = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{}\n{place}\n{}",
        scope.time,
        hex::encode(Sha256::digest(canonical))
    );
    let signature = hex::encode(mac(&signing_key(credentials, scope, day), to_sign.as_bytes()));
    format!(
        "AWS4-HMAC-SHA256 Credential={}/{place}, SignedHeaders={names}, Signature={signature}",
        credentials.access_key_id
    )
}

fn signing_key(credentials: &Credentials, scope: &Scope<'_>, day: &str) -> Zeroizing<Vec<u8>> {
    let first = Zeroizing::new(format!("AWS4{}", *credentials.secret_access_key));
    let mut key = Zeroizing::new(first.as_bytes().to_vec());
    for part in [day, scope.region, scope.service, "aws4_request"] {
        key = Zeroizing::new(mac(&key, part.as_bytes()));
    }
    key
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).expect("invariant: HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in AWS's documentation of how a signing key is derived.
    #[test]
    fn the_signing_key_is_that_of_the_published_example() {
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned().into(),
            session_token: None,
        };
        let scope = Scope { region: "us-east-1", service: "iam", time: "20150830T123600Z" };
        let key = signing_key(&credentials, &scope, "20150830");
        assert_eq!(
            hex::encode(&*key),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
        );
    }
}

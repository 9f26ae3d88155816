//! What is signed (RFC 9421 §2.5): a line for each component, and one for the parameters.

use super::{RequestParts, SignatureFault};

/// The signature base, if all that is covered is there.
pub(super) fn base(
    components: &[String],
    params: &str,
    request: &RequestParts<'_>,
    scheme: &str,
) -> Result<String, SignatureFault> {
    let mut base = String::with_capacity(512);
    for name in components {
        let value = value(name, request, scheme)?;
        base.push_str(&format!("\"{name}\": {value}\n"));
    }
    base.push_str(&format!("\"@signature-params\": {params}"));
    Ok(base)
}

fn value(name: &str, request: &RequestParts<'_>, scheme: &str) -> Result<String, SignatureFault> {
    let path = if request.path.is_empty() { "/" } else { request.path };
    match name {
        "@method" => Ok(request.method.to_owned()),
        "@scheme" => Ok(scheme.to_owned()),
        "@authority" => Ok(authority(request.authority, scheme)),
        "@path" => Ok(path.to_owned()),
        "@query" => Ok(format!("?{}", request.query.unwrap_or_default())),
        "@target-uri" => {
            let query = request.query.map(|query| format!("?{query}")).unwrap_or_default();
            Ok(format!("{scheme}://{}{path}{query}", authority(request.authority, scheme)))
        }
        _ if name.starts_with('@') => {
            Err(SignatureFault::Malformed("a derived component that is not supported"))
        }
        _ if name.bytes().any(|b| b.is_ascii_uppercase()) => {
            Err(SignatureFault::Malformed("names of fields are in lower case"))
        }
        // What is signed can't cover its own signature.
        "signature" | "signature-input" => {
            Err(SignatureFault::Malformed("a signature does not cover signatures"))
        }
        _ => {
            let absent = || SignatureFault::Incomplete(format!("there is no field `{name}`"));
            (request.field)(name).ok_or_else(absent)
        }
    }
}

/// Lower case, without the port that the scheme implies (RFC 9421 §2.2.3).
fn authority(text: &str, scheme: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let usual = if scheme == "https" { ":443" } else { ":80" };
    lower.strip_suffix(usual).map_or(lower.clone(), str::to_owned)
}

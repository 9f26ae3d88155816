use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};
use time::macros::datetime;

/// The request of RFC 9421, appendix B.2.
const TARGET: (&str, &str, &str) = ("example.com", "/foo", "param=Value&Pet=dog");
const FIELDS: [(&str, &str); 5] = [
    ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
    ("content-type", "application/json"),
    ("content-length", "18"),
    (
        "content-digest",
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHW\
         XvJwew==:",
    ),
    ("host", "example.com"),
];
/// Appendix B.1.5 and B.1.4.
const SECRET: &str = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8js\
                      asjlTMtDQ==";
const PUBLIC: &str = "JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=";

fn with_request<T>(fields: &[(&str, &str)], run: impl FnOnce(&RequestParts<'_>) -> T) -> T {
    let field = |name: &str| {
        let found = fields.iter().filter(|(known, _)| *known == name).map(|(_, value)| *value);
        let all: Vec<&str> = found.collect();
        (!all.is_empty()).then(|| all.join(", "))
    };
    let (authority, path, query) = TARGET;
    run(&RequestParts {
        method: "POST",
        authority,
        path,
        query: Some(query),
        has_body: true,
        field: &field,
    })
}

/// A signature of the RFC, which leaves out what this engine wants covered.
fn of_rfc(covered: &str, algorithm: Algorithm, signature: &str) -> ShownSignature {
    let (list, bytes) =
        one(&format!("sig={covered}"), &format!("sig=:{signature}:")).expect("of the RFC");
    ShownSignature {
        components: components(&list).unwrap(),
        params: written(&list).unwrap(),
        created: 0,
        expires: None,
        key_id: String::new(),
        nonce: String::new(),
        algorithm,
        signature: bytes,
        digest: None,
    }
}

#[test]
fn appendix_b_2_5_of_rfc_9421() {
    let covered = "(\"date\" \"@authority\" \"content-type\");created=1618884473;\
                   keyid=\"test-shared-secret\"";
    let signature = "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=";
    let shown = of_rfc(covered, Algorithm::HmacSha256, signature);
    assert_eq!(shown.params, covered);
    let secret = STANDARD.decode(SECRET).unwrap();
    with_request(&FIELDS, |request| {
        assert!(shown.is_by_secret(request, &secret));
        assert!(!shown.is_by_secret(request, &secret[1..]));
        assert!(!shown.is_by_public(request, &STANDARD.decode(PUBLIC).unwrap()));
        assert!(
            !shown.is_by_secret(&RequestParts { authority: "example.org", ..*request }, &secret)
        );
        assert!(
            shown.is_by_secret(&RequestParts { authority: "EXAMPLE.com:443", ..*request }, &secret)
        );
    });
}

#[test]
fn appendix_b_2_6_of_rfc_9421() {
    let covered = "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \
                   \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
    let signature = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5W\
                     PpBKRCw==";
    let shown = of_rfc(covered, Algorithm::Ed25519, signature);
    let public = STANDARD.decode(PUBLIC).unwrap();
    with_request(&FIELDS, |request| {
        assert!(shown.is_by_public(request, &public));
        assert!(!shown.is_by_secret(request, &public));
        for other in [
            RequestParts { method: "PUT", ..*request },
            RequestParts { path: "/fop", ..*request },
            RequestParts { authority: "example.net", ..*request },
        ] {
            assert!(!shown.is_by_public(&other, &public));
        }
    });
}

const DIGEST: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
const COMPLETE: &str = "(\"@method\" \"@target-uri\" \"content-digest\");created=1618884473;\
                        keyid=\"k\";nonce=\"0123456789abcdef\";alg=\"hmac-sha256\"";

fn read(input: &str, more: &[(&str, &str)]) -> Result<Option<ShownSignature>, SignatureFault> {
    let input = format!("sig={input}");
    let own = [("signature-input", input.as_str()), ("signature", "sig=:AAAA:")];
    let fields: Vec<(&str, &str)> = own.iter().chain(more).copied().collect();
    with_request(&fields, ShownSignature::read)
}

#[test]
fn what_must_be_covered_and_said() {
    let digest = ("content-digest", DIGEST);
    let complete = read(COMPLETE, &[digest]).unwrap().unwrap();
    assert_eq!((complete.key_id(), complete.nonce()), ("k", "0123456789abcdef"));
    assert!(complete.digest().is_some());
    let in_parts = COMPLETE.replace("@target-uri", "@authority\" \"@path\" \"@query");
    assert!(read(&in_parts, &[digest]).is_ok());
    let incomplete = [
        ("\"@method\" ", ""),
        ("\"@target-uri\"", "\"@path\" \"@query\""),
        (" \"content-digest\"", ""),
        (";created=1618884473", ""),
        (";keyid=\"k\"", ""),
        (";nonce=\"0123456789abcdef\"", ""),
        (";alg=\"hmac-sha256\"", ""),
        (" \"content-digest\"", " \"content-digest\" \"x-absent\""),
    ];
    for (from, to) in incomplete {
        let read = read(&COMPLETE.replace(from, to), &[digest]);
        assert!(matches!(read, Err(SignatureFault::Incomplete(_))), "{from} {read:?}");
    }
    let keyed = read(COMPLETE, &[digest, ("idempotency-key", "a")]);
    assert!(matches!(keyed, Err(SignatureFault::Incomplete(_))));
    assert!(matches!(read(COMPLETE, &[]), Err(SignatureFault::Incomplete(_))), "no digest at all");
    let malformed = [
        ("0123456789abcdef", "0123456789abcde"),
        ("hmac-sha256", "rsa-pss-sha512"),
        ("created=1618884473", "created=\"1618884473\""),
        ("keyid=\"k\"", "keyid=k"),
        ("\"@method\"", "\"@method\" \"@method\""),
        ("\"@method\"", "\"@method\";req"),
        ("\"@method\"", "\"@method\" \"@status\""),
        ("\"@method\"", "\"@method\" \"Content-Type\""),
        ("\"@method\"", "\"@method\" \"signature\""),
        ("(", "(\"\u{7f}\" "),
        (")", ""),
    ];
    for (from, to) in malformed {
        let read = read(&COMPLETE.replacen(from, to, 1), &[digest]);
        assert!(matches!(read, Err(SignatureFault::Malformed(_))), "{from} {read:?}");
    }
    let two = format!("{COMPLETE}, other={COMPLETE}");
    assert!(matches!(read(&two, &[digest]), Err(SignatureFault::Malformed(_))));
    for bad in ["sha-256=:AAAA:", "sha-512=:AAAA:", "sha-256=abc", "sha-256", "\u{7f}"] {
        let read = read(COMPLETE, &[("content-digest", bad)]);
        assert!(matches!(read, Err(SignatureFault::Digest(_))), "{bad} {read:?}");
    }
    let lonely = with_request(&[("signature", "sig=:AAAA:")], ShownSignature::read);
    assert!(matches!(lonely, Err(SignatureFault::Malformed(_))));
    assert!(with_request(&[], ShownSignature::read).unwrap().is_none());
}

#[test]
fn a_signature_is_of_now() {
    let made = datetime!(2021-04-20 02:07:53 UTC);
    assert_eq!(made.unix_timestamp(), 1_618_884_473);
    let fresh = |input: &str, at: i64| {
        let shown = read(input, &[("content-digest", DIGEST)]).unwrap().unwrap();
        shown.check_time(made + Duration::seconds(at)).is_ok()
    };
    for (at, expected) in [(0, true), (30, true), (31, false), (-30, true), (-31, false)] {
        assert_eq!(fresh(COMPLETE, at), expected, "{at}");
    }
    let ends = COMPLETE.replace(";keyid", ";expires=1618884483;keyid");
    for (at, expected) in [(9, true), (10, false)] {
        assert_eq!(fresh(&ends, at), expected, "{at}");
    }
}

use super::*;
use proptest::prelude::*;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);
const NONCE: &str = "4k1sPz0QmVb7Yc2nRtXw9a";
const ADDRESS: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

fn with<T>(look: impl FnOnce(&Challenge<'_>) -> T) -> T {
    let origin: Origin = "https://app.example.org".parse().expect("an origin");
    look(&Challenge {
        nonce: NONCE,
        address: ADDRESS.parse().expect("an address"),
        chain_id: ChainId(31_337),
        origin: &origin,
        statement: "Sign in to Stoa.",
        issued_at: NOW,
        expires_at: NOW + Duration::minutes(5),
    })
}

fn text() -> String {
    with(|challenge| challenge.text().expect("a message"))
}

/// The fields at fault in a message made of ours by writing `new` for `old`; none: it is no message.
fn faults(old: &str, new: &str) -> Option<Vec<&'static str>> {
    faults_at(NOW, &text().replacen(old, new, 1))
}

fn faults_at(now: OffsetDateTime, text: &str) -> Option<Vec<&'static str>> {
    let message = SignInMessage::parse(text).ok()?;
    let checked = with(|challenge| message.check(challenge, now));
    Some(checked.err().unwrap_or_default().into_iter().map(|fault| fault.field).collect())
}

#[test]
fn a_challenge_is_written_as_the_eip_says() {
    let expected = "\
https://app.example.org wants you to sign in with your Ethereum account:
0x70997970C51812dc3A010C7d01b50e0d17dc79C8

Sign in to Stoa.

URI: https://app.example.org
Version: 1
Chain ID: 31337
Nonce: 4k1sPz0QmVb7Yc2nRtXw9a
Issued At: 2026-11-20T12:00:00Z
Expiration Time: 2026-11-20T12:05:00Z";
    assert_eq!(text(), expected);
    assert_eq!(faults("", ""), Some(vec![]));
}

/// The three messages that EIP-4361 shows.
#[test]
fn the_messages_of_the_eip_are_read() {
    let body = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2\n\n\
         I accept the ExampleOrg Terms of Service: https://example.com/tos\n\n\
         URI: https://example.com/login\nVersion: 1\nChain ID: 1\nNonce: 32891756\n\
         Issued At: 2021-09-30T16:25:24Z\nResources:\n\
         - ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/\n\
         - https://example.com/my-web2-claim.json";
    for domain in ["example.com", "example.com:3388", "https://example.com"] {
        let text = format!("{domain} wants you to sign in with your Ethereum account:\n{body}");
        let message = SignInMessage::parse(&text).unwrap_or_else(|e| panic!("{domain}: {e}"));
        assert_eq!(message.nonce(), "32891756");
        let found = faults_at(NOW, &text).expect("a message");
        for field in ["domain", "address", "statement", "uri", "chain-id", "nonce", "resources"] {
            let differs = field != "domain" || domain != "https://app.example.org";
            assert_eq!(found.contains(&field), differs, "{domain}: {field}");
        }
    }
}

#[test]
fn every_field_must_be_what_was_asked_for() {
    let issued = "Issued At: 2026-11-20T12:00:00Z";
    let ends = "Expiration Time: 2026-11-20T12:05:00Z";
    let none: &[&str] = &[];
    let cases: [(&str, &str, &[&str]); 25] = [
        ("https://app.example.org wants", "app.example.org wants", none),
        ("https://app.example.org wants", "http://app.example.org wants", &["scheme"]),
        ("https://app.example.org wants", "https://evil.example wants", &["domain"]),
        ("https://app.example.org wants", "https://APP.example.org wants", &["domain"]),
        ("https://app.example.org wants", "https://x@app.example.org wants", &["domain"]),
        ("https://app.example.org wants", "https://app.example.org:443 wants", &["domain"]),
        (ADDRESS, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", &["address"]),
        ("Sign in to Stoa.", "Give everything to me.", &["statement"]),
        ("Sign in to Stoa.\n\n", "\n", &["statement"]),
        ("URI: https://app.example.org", "URI: https://app.example.org/login", none),
        ("URI: https://app.example.org", "URI: https://evil.example", &["uri"]),
        ("URI: https://app.example.org", "URI: https://app.example.org.evil.example", &["uri"]),
        ("URI: https://app.example.org", "URI: http://app.example.org", &["uri"]),
        ("Chain ID: 31337", "Chain ID: 1", &["chain-id"]),
        (NONCE, "4k1sPz0QmVb7Yc2nRtXw9b", &["nonce"]),
        (issued, "Issued At: 2026-11-20T11:59:29Z", &["issued-at"]),
        (issued, "Issued At: 2026-11-20T12:00:31Z", &["issued-at"]),
        (issued, "Issued At: 2026-11-20T13:00:30.5+01:00", &["issued-at"]),
        (ends, "Expiration Time: 2026-11-20T12:00:00Z", &["expiration-time", "expiration-time"]),
        (ends, "Expiration Time: 2026-11-20T11:00:00Z", &["expiration-time", "expiration-time"]),
        (ends, "Not Before: 2026-11-20T12:00:01Z", &["not-before"]),
        (ends, "Expiration Time: 2026-11-20T12:00:01Z\nNot Before: 2026-11-20T11:00:00Z", none),
        (
            ends,
            "Expiration Time: 2026-11-20T12:00:01Z\nNot Before: 2026-11-20T12:00:01Z",
            &["not-before", "expiration-time"],
        ),
        (ends, "Request ID: 7", &["request-id"]),
        (ends, "Resources:\n- https://app.example.org/all", &["resources"]),
    ];
    for (old, new, expected) in cases {
        assert_eq!(faults(old, new).as_deref(), Some(expected), "{new}");
    }
    // What the signer leaves open is bounded by the challenge.
    let open = text().replace(&format!("\n{ends}"), "");
    assert_eq!(faults_at(NOW + Duration::seconds(299), &open), Some(vec![]));
    assert_eq!(faults_at(NOW + Duration::seconds(300), &open), Some(vec!["nonce"]));
}

#[test]
fn what_can_be_written_in_two_ways_is_refused() {
    let lower = ADDRESS.to_lowercase();
    let upper = format!("0x{}", ADDRESS[2..].to_uppercase());
    let cases = [
        ("\n\nURI", "\nURI"),
        ("\n\nURI", "\n\n\nURI"),
        ("account:\n", "account:\n\n"),
        ("Stoa.\n\n", "Stoa.\n\nURI: https://evil.example\n\n"),
        ("Stoa.", "Stoa.\r"),
        ("Stoa.", "St\u{f6}a."),
        ("Stoa.", "Stoa.\u{7f}"),
        ("Stoa.", "\u{202e}Stoa."),
        ("Version: 1", "Version: 2"),
        ("Version: 1", "Version: 01"),
        ("Version: 1", "version: 1"),
        ("Chain ID: 31337", "Chain ID: +31337"),
        ("Chain ID: 31337", "Chain ID: 031337"),
        ("Chain ID: 31337", "Chain ID: 0x7a69"),
        ("Chain ID: 31337", "Chain ID: -1"),
        ("Chain ID: 31337", "Chain ID: 18446744073709551616"),
        (NONCE, "4k1sPz0"),
        (NONCE, "4k1sPz0Q mVb7Yc2nRtXw9a"),
        (NONCE, "4k1sPz0Q-mVb7Yc2nRtXw9a"),
        ("Issued At: 2026-11-20T12:00:00Z\n", ""),
        ("Issued At: 2026-11-20T12:00:00Z", "Issued At: yesterday"),
        ("Issued At: 2026-11-20T12:00:00Z", "Issued At: 2026-13-20T12:00:00Z"),
        ("Expiration Time", "Not Before: 2026-11-20T12:00:00Z\nExpiration Time"),
        ("Expiration Time", "Unknown: x\nExpiration Time"),
        ("Expiration Time: 2026-11-20T12:05:00Z", "Resources:"),
        ("Expiration Time: 2026-11-20T12:05:00Z", "Expiration Time: 2026-11-20T12:05:00Z\n"),
        (ADDRESS, &lower),
        (ADDRESS, &upper),
        (ADDRESS, "0x70997970c51812dc3A010C7d01b50e0d17dc79C8"),
        (ADDRESS, &ADDRESS[2..]),
        (ADDRESS, &ADDRESS[..41]),
    ];
    for (old, new) in cases {
        assert_eq!(faults(old, new), None, "{new:?}");
    }
    let long = text().replace("Stoa.", &"S".repeat(MESSAGE_LEN_MAX));
    assert!(SignInMessage::parse(&long).is_err());
    assert!(SignInMessage::parse("").is_err());
}

#[test]
fn a_statement_is_one_line_of_printable_ascii() {
    for (text, good) in [
        ("Sign in to Stoa.", true),
        ("", false),
        ("two\nlines", false),
        ("tab\t", false),
        ("\u{f6}", false),
    ] {
        assert_eq!(is_statement(text), good, "{text:?}");
    }
    assert!(is_statement(&"x".repeat(500)) && !is_statement(&"x".repeat(501)));
}

proptest! {
    /// Whatever is done to one byte of a message, it is either refused or was about the times.
    #[test]
    fn one_changed_byte_never_passes(at in 0usize..400, byte in 0u8..=255) {
        let mut bytes = text().into_bytes();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        let Ok(changed) = String::from_utf8(bytes) else { return Ok(()) };
        if faults_at(NOW, &changed) == Some(vec![]) {
            // Another time within bounds, in a form of its own.
            let line = |text: &str| {
                let before = text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count();
                text.lines().nth(before).unwrap_or_default().to_owned()
            };
            let changed = line(&changed);
            prop_assert!(
                changed.starts_with("Issued At: ") || changed.starts_with("Expiration Time: "),
                "{}", changed
            );
        }
    }

    /// No text makes the parser fail other than by refusing.
    #[test]
    fn any_text_is_answered(text in "\\PC{0,300}") {
        let _ = SignInMessage::parse(&text);
    }

    #[test]
    fn any_tail_is_refused(tail in "[ -~\n]{1,60}") {
        let message = format!("{}{tail}", text());
        prop_assert!(faults_at(NOW, &message) != Some(vec![]));
    }
}

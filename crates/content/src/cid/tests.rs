#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

const EMPTY: &str = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

#[test]
fn parse_accepts_only_canonical_supported_cids() {
    let cases: &[(&str, Result<Codec, CidError>)] = &[
        (EMPTY, Ok(Codec::Raw)),
        ("bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", Ok(Codec::DagPb)),
        ("", Err(CidError::Malformed)),
        ("b", Err(CidError::Malformed)),
        // CIDv0 and base58 belong to older profiles.
        ("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n", Err(CidError::Malformed)),
        ("zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA", Err(CidError::Malformed)),
        // dag-cbor, and identity instead of SHA-256
        ("bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", Err(CidError::Unsupported)),
        ("bafkqaaa0", Err(CidError::Malformed)),
        ("bafkqabtimvwgy3yk", Err(CidError::Unsupported)),
        ("BAFKREIHDWDCEFGH4DQKJV67UZCMW7OJEE6XEDZDETOJUZJEVTENXQUVYKU", Err(CidError::Malformed)),
        ("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyk", Err(CidError::Malformed)),
        ("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykv", Err(CidError::Malformed)),
        ("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku=", Err(CidError::Malformed)),
        ("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku/a", Err(CidError::Malformed)),
        ("../../../../etc/passwd", Err(CidError::Malformed)),
        ("bäfkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyk", Err(CidError::Malformed)),
    ];
    for (text, want) in cases {
        assert_eq!(text.parse::<Cid>().map(|cid| cid.codec()), *want, "{text:?}");
    }
}

#[test]
fn from_uri_takes_no_path() {
    let cid: Cid = EMPTY.parse().unwrap();
    assert_eq!(Cid::from_uri(&format!("ipfs://{EMPTY}")), Ok(cid));
    assert_eq!(cid.to_uri(), format!("ipfs://{EMPTY}"));
    assert_eq!(Cid::from_uri(EMPTY), Err(CidError::NotIpfsUri));
    assert_eq!(Cid::from_uri(&format!("IPFS://{EMPTY}")), Err(CidError::NotIpfsUri));
    for tail in ["/", "/a.png", "?x", "#x", " "] {
        assert_eq!(Cid::from_uri(&format!("ipfs://{EMPTY}{tail}")), Err(CidError::Malformed));
    }
}

proptest! {
    #[test]
    fn text_and_json_round_trip(digest: [u8; 32], raw: bool) {
        let cid = Cid::from_digest(if raw { Codec::Raw } else { Codec::DagPb }, digest);
        let text = cid.to_string();
        prop_assert_eq!(text.len(), TEXT_LEN);
        prop_assert_eq!(text.parse::<Cid>(), Ok(cid));
        let json = serde_json::to_string(&cid).unwrap();
        prop_assert_eq!(serde_json::from_str::<Cid>(&json).unwrap(), cid);
        prop_assert_eq!(&cid.to_bytes()[4..], &digest);
    }

    #[test]
    fn parse_never_panics_and_is_exact(text in "b?[ -~]{0,70}") {
        if let Ok(cid) = text.parse::<Cid>() {
            prop_assert_eq!(cid.to_string(), text);
        }
    }
}

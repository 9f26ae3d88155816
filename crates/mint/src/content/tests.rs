#![allow(clippy::unwrap_used)]

use super::*;
use ContentMode::{BaseUri, Digest, FreeUri};

const RAW: &str = "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
const DAG_PB: &str = "ipfs://bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
const BASE: &str = "https://stoa.example/items/";

#[test]
fn each_mode_takes_what_it_can_express() {
    let refused = UriNotRepresentable::NotRawIpfs;
    let below = |id: &str| Ok(ItemContent::BaseUri { asserted_token_id: Some(id.into()) });
    let outside = Err(UriNotRepresentable::NotBelowBase);
    let long = format!("https://x/{}", "a".repeat(URI_LEN_MAX - 10));
    let longer = format!("{long}a");
    let shouted = RAW.replace("bafk", "BAFK");
    let stray_bits = format!("{}v", &RAW[..RAW.len() - 1]);
    let path = format!("{RAW}/1.json");
    let id = |id: &str| format!("{BASE}{id}");
    let (seven, zero, padded, named, none) = (id("7"), id("0"), id("07"), id("7.json"), id(""));
    let cases: Vec<(ContentMode, Option<&str>, Result<ItemContent, UriNotRepresentable>)> = vec![
        (Digest, Some(DAG_PB), Err(refused)),
        (Digest, Some(&path), Err(refused)),
        (Digest, Some(&shouted), Err(refused)),
        (Digest, Some("ipfs://QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"), Err(refused)),
        (Digest, Some("https://x/y"), Err(refused)),
        (Digest, Some(&RAW[..RAW.len() - 1]), Err(refused)),
        // The last character carries two bits that must be zero.
        (Digest, Some(&stray_bits), Err(refused)),
        (Digest, None, Err(UriNotRepresentable::Missing)),
        (BaseUri, None, Ok(ItemContent::BaseUri { asserted_token_id: None })),
        (BaseUri, Some(&seven), below("7")),
        (BaseUri, Some(&zero), below("0")),
        (BaseUri, Some(&padded), outside.clone()),
        (BaseUri, Some(&named), outside.clone()),
        (BaseUri, Some(&none), outside.clone()),
        (BaseUri, Some(RAW), outside),
        (FreeUri, Some(&long), Ok(ItemContent::FreeUri(long.clone()))),
        (FreeUri, Some(&longer), Err(UriNotRepresentable::TooLong)),
        (FreeUri, Some(""), Err(UriNotRepresentable::Malformed)),
        (FreeUri, Some("https://x/a b"), Err(UriNotRepresentable::Malformed)),
        (FreeUri, Some("https://x/\u{0}"), Err(UriNotRepresentable::Malformed)),
        (FreeUri, None, Err(UriNotRepresentable::Missing)),
    ];
    for (mode, uri, want) in cases {
        assert_eq!(represent(mode, BASE, uri), want, "{mode:?} {uri:?}");
    }
}

#[test]
fn digest_mode_gives_the_sha256_of_the_block() {
    // SHA-256 of nothing.
    let want = *b"\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24\
                  \x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4\x95\x99\x1b\x78\x52\xb8\x55";
    assert_eq!(represent(Digest, "", Some(RAW)), Ok(ItemContent::Digest(want)));
}

use super::*;

const V1: &str = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
const V0: &str = "QmeSjSinHpPnmXmspMjwiXyN6zS4E9zccariGR3jxcaWtq";
const TX: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO-_";

fn parse(uri: &str) -> Result<Place, Reason> {
    Place::parse(uri, 1_000)
}

fn gateway(uri: &str) -> Result<String, Reason> {
    let gateway: Url = "https://gateway.example/base/".parse().unwrap();
    match parse(uri)? {
        Place::Ipfs(path) => path.at(&gateway).map(Into::into),
        Place::Arweave(place) => arweave_at(&gateway, &place).map(Into::into),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_stands_behind_gateways() {
    let cases = [
        (format!("ipfs://{V1}"), format!("ipfs/{V1}")),
        (format!("ipfs://{V0}/1.json"), format!("ipfs/{V0}/1.json")),
        (format!("IPFS://ipfs/{V0}/a b"), format!("ipfs/{V0}/a%20b")),
        (format!("ipfs://{V0}/#1.json?x"), format!("ipfs/{V0}/%231.json%3Fx")),
        (format!("ipfs://{V0}/"), format!("ipfs/{V0}")),
        (format!("/ipfs/{V0}/1"), format!("ipfs/{V0}/1")),
        (format!("  {V0} "), format!("ipfs/{V0}")),
        (format!("ar://{TX}/1"), format!("{TX}/1")),
    ];
    for (uri, expect) in cases {
        let expect = format!("https://gateway.example/base/{expect}");
        assert_eq!(gateway(&uri), Ok(expect), "{uri}");
    }
}

#[test]
fn nothing_leads_out_of_a_gateway() {
    for path in ["../../api/v0/add", "a/../../b", "%2e%2e/x", ".%2E/x", "..\\x", "%5c..%5cx", "./a"]
    {
        let uri = format!("ipfs://{V0}/{path}");
        assert_eq!(gateway(&uri), Err(Reason::UriMalformed), "{uri}");
        let uri = format!("ar://{TX}/{path}");
        assert_eq!(gateway(&uri), Err(Reason::UriMalformed), "{uri}");
    }
    let short = ["ipfs://", "ipfs://abc", "ipfs://a.example/", "ipfs://user@x", "ar://x", "ar://"];
    for uri in short {
        assert_eq!(parse(uri), Err(Reason::UriMalformed), "{uri}");
    }
}

#[test]
fn what_is_not_followed() {
    let long = format!("https://a.example/{}", "x".repeat(2_048));
    let large = format!("data:,{}", "x".repeat(1_001));
    let cases = [
        ("", Reason::UriMissing),
        (" \0 ", Reason::UriMissing),
        ("file:///etc/passwd", Reason::SchemeUnsupported),
        ("ftp://a.example/1", Reason::SchemeUnsupported),
        ("gopher://127.0.0.1:6379/_x", Reason::SchemeUnsupported),
        ("javascript:alert(1)", Reason::SchemeUnsupported),
        ("1.json", Reason::SchemeUnsupported),
        ("https://", Reason::UriMalformed),
        ("https://a b/", Reason::UriMalformed),
        ("https://a.example/\n", Reason::UriMalformed),
        ("data:application/json", Reason::UriMalformed),
        ("data:;base64,%%%", Reason::UriMalformed),
        (&long, Reason::UriTooLong),
        (&large, Reason::TooLarge),
    ];
    for (uri, reason) in cases {
        // White space around a URI is nothing.
        let expect = if uri.ends_with('\n') { Ok(()) } else { Err(reason) };
        assert_eq!(parse(uri).map(drop), expect, "{uri}");
    }
}

#[test]
fn documents_in_the_uri() {
    let cases = [
        ("data:application/json,{\"a\":1}", "{\"a\":1}"),
        ("data:application/json;utf8,{\"name\":\"#1 100%\"}", "{\"name\":\"#1 100%\"}"),
        ("data:application/json,%7B%22a%22%3A1%7D", "{\"a\":1}"),
        ("data:application/json;base64,eyJhIjoxfQ==", "{\"a\":1}"),
        ("DATA:application/json;charset=utf-8;BASE64,eyJhIjoxfQ", "{\"a\":1}"),
        ("data:;base64,eyJh IjoxfQ%3D%3D", "{\"a\":1}"),
        ("data:,", ""),
    ];
    for (uri, text) in cases {
        assert_eq!(parse(uri), Ok(Place::Inline(text.into())), "{uri}");
    }
}

#[test]
fn ids_are_put_in_as_the_standard_says() {
    let id = U256::from(0x4_cce0_u64);
    let expect =
        "https://t.example/000000000000000000000000000000000000000000000000000000000004cce0.json";
    assert_eq!(substitute_id("https://t.example/{id}.json", id), expect);
    assert!(substitute_id("{id}", U256::MAX).bytes().all(|byte| byte == b'f'));
}

#[test]
fn bytes_are_compared_with_what_the_cid_names() {
    let named = |root: &str| IpfsPath::parse(&format!("//{root}")).unwrap().named();
    let hello = b"hello world";
    let raw = content::unixfs::cid_of(hello).to_string();
    assert_eq!(named(&raw).unwrap().check(hello), Some(true));
    assert_eq!(named(&raw).unwrap().check(b"hello"), Some(false));
    // As kubo adds "hello world" with CIDs of version 0.
    let v0 = named("Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD").unwrap();
    assert_eq!(v0.check(hello), Some(true));
    assert_eq!(v0.check(b"hello"), None);
    assert_eq!(IpfsPath::parse(&format!("//{V0}/1")).unwrap().named(), None);
}

#[test]
fn hosts_and_gateways_wait_in_queues_of_their_own() {
    let host = |uri: &str| parse(uri).unwrap().host();
    assert_eq!(host("https://A.Example/x").as_deref(), Some("a.example:443"));
    assert_eq!(host("http://a.example:81/x").as_deref(), Some("a.example:81"));
    assert_eq!(host(&format!("ipfs://{V0}")).as_deref(), Some("ipfs:"));
    assert_eq!(host("data:,{}"), None);
    // All ways to write an address are one host.
    for address in ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1"] {
        assert_eq!(host(&format!("http://{address}/")).as_deref(), Some("127.0.0.1:80"));
    }
}

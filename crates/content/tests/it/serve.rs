//! Answers of the content origin.

use content::serve::{ContentBody, Span, parse_range, serve, sniff};
use content::{BlockStore, Cid};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use http_body_util::BodyExt;
use proptest::prelude::*;

use crate::fixture_bytes;

async fn store() -> (tempfile::TempDir, BlockStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = BlockStore::open_at(dir.path()).await.unwrap();
    (dir, store)
}

async fn ask(
    store: &BlockStore,
    cid: &Cid,
    method: Method,
    headers: &[(&'static str, &str)],
) -> Response<ContentBody> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    serve(store, cid, &method, &headers).await.unwrap()
}

fn header<'a>(response: &'a Response<ContentBody>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn body(response: Response<ContentBody>) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

#[tokio::test]
async fn content_is_answered_inert_and_cached_for_ever() {
    let (_dir, store) = store().await;
    let html = b"<html><script>alert(1)</script></html>".to_vec();
    let cases = [
        (fixture_bytes("plain.png"), "image/png", ""),
        (fixture_bytes("sequential.jpg"), "image/jpeg", ""),
        (fixture_bytes("still.gif"), "image/gif", ""),
        (fixture_bytes("lossy.webp"), "image/webp", ""),
        (br#" {"name":"A"}"#.to_vec(), "application/json", "json"),
        (html, "application/octet-stream", "bin"),
        (b"<svg onload='x()'/>".to_vec(), "application/octet-stream", "bin"),
        (vec![], "application/octet-stream", "bin"),
    ];
    for (bytes, media_type, extension) in cases {
        let cid = store.put(&bytes).await.unwrap().cid;
        for method in [Method::GET, Method::HEAD] {
            let response = ask(&store, &cid, method.clone(), &[]).await;
            assert_eq!(response.status(), 200);
            assert_eq!(header(&response, "content-type"), media_type);
            assert_eq!(header(&response, "content-length"), bytes.len().to_string());
            assert_eq!(header(&response, "etag"), format!("\"{cid}\""));
            assert_eq!(header(&response, "x-content-type-options"), "nosniff");
            assert_eq!(header(&response, "access-control-allow-origin"), "*");
            assert_eq!(header(&response, "cross-origin-resource-policy"), "cross-origin");
            assert_eq!(header(&response, "accept-ranges"), "bytes");
            let cache = header(&response, "cache-control");
            assert_eq!(cache, "public, max-age=31536000, immutable");
            let policy = header(&response, "content-security-policy");
            assert!(policy.starts_with("sandbox; default-src 'none';"), "{policy}");
            let disposition = match extension {
                "" => String::new(),
                extension => format!("attachment; filename=\"{cid}.{extension}\""),
            };
            assert_eq!(header(&response, "content-disposition"), disposition);
            let want = if method == Method::GET { bytes.clone() } else { vec![] };
            assert_eq!(body(response).await, want);
        }
    }
}

#[tokio::test]
async fn ranges_conditions_and_other_methods() {
    let (_dir, store) = store().await;
    let bytes: Vec<u8> = (0..200_000u32).map(|i| (i % 253) as u8).collect();
    let cid = store.put(&bytes).await.unwrap().cid;
    let (etag, other) = (format!("\"{cid}\""), "\"other\"".to_owned());
    let weak = format!("{other}, W/{etag}");
    type Case<'a> = (&'a [(&'static str, &'a str)], u16, std::ops::Range<usize>);
    let cases: [Case<'_>; 12] = [
        (&[("range", "bytes=0-0")], 206, 0..1),
        (&[("range", "bytes=70000-140000")], 206, 70_000..140_001),
        (&[("range", "bytes=199999-")], 206, 199_999..200_000),
        (&[("range", "bytes=-5")], 206, 199_995..200_000),
        (&[("range", "bytes=200000-")], 416, 0..0),
        (&[("range", "bytes=1-2,4-5")], 200, 0..200_000),
        (&[("range", "lines=1-2")], 200, 0..200_000),
        (&[("range", "bytes=1-2"), ("if-range", &etag)], 206, 1..3),
        (&[("range", "bytes=1-2"), ("if-range", &other)], 200, 0..200_000),
        (&[("if-none-match", &weak)], 304, 0..0),
        (&[("if-none-match", "*"), ("range", "bytes=1-2")], 304, 0..0),
        (&[("if-none-match", &other)], 200, 0..200_000),
    ];
    for (headers, status, span) in cases {
        let response = ask(&store, &cid, Method::GET, headers).await;
        assert_eq!(response.status(), status, "{headers:?}");
        let range = match status {
            206 => format!("bytes {}-{}/200000", span.start, span.end - 1),
            416 => "bytes */200000".into(),
            _ => String::new(),
        };
        assert_eq!(header(&response, "content-range"), range, "{headers:?}");
        assert!(!header(&response, "content-security-policy").is_empty());
        assert_eq!(body(response).await, &bytes[span], "{headers:?}");
    }
    assert_eq!(ask(&store, &cid, Method::HEAD, &[("range", "bytes=0-0")]).await.status(), 200);
    let response = ask(&store, &cid, Method::POST, &[]).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "allow")),
        (405, "GET, HEAD, OPTIONS")
    );
    let response = ask(&store, &cid, Method::OPTIONS, &[]).await;
    assert_eq!(response.status(), 204);
    assert!(header(&response, "access-control-allow-headers").contains("range"));
    let unknown = Cid::from_digest(content::Codec::Raw, [7; 32]);
    let response = ask(&store, &unknown, Method::GET, &[]).await;
    assert_eq!((response.status().as_u16(), header(&response, "cache-control")), (404, "no-store"));
}

#[tokio::test]
async fn a_file_that_became_shorter_is_not_answered_as_whole() {
    let (_dir, store) = store().await;
    let cid = store.put(&vec![1; 300_000]).await.unwrap().cid;
    let response = ask(&store, &cid, Method::GET, &[]).await;
    std::fs::OpenOptions::new().write(true).open(store.path_of(&cid)).unwrap().set_len(10).unwrap();
    assert!(response.into_body().collect().await.is_err());
}

#[test]
fn range_headers_are_decided() {
    use Span::{Full, Part, Unsatisfiable};
    let part = |first, last| Part { first, last };
    let cases = [
        ("bytes=0-9", 10, part(0, 9)),
        ("bytes=0-99", 10, part(0, 9)),
        ("bytes=9-", 10, part(9, 9)),
        ("BYTES=2-3", 10, part(2, 3)),
        ("bytes=-3", 10, part(7, 9)),
        ("bytes=-30", 10, part(0, 9)),
        ("bytes=99999999999999999999-", 10, Unsatisfiable),
        ("bytes=0-99999999999999999999", 10, part(0, 9)),
        ("bytes=10-", 10, Unsatisfiable),
        ("bytes=-0", 10, Unsatisfiable),
        ("bytes=0-", 0, Unsatisfiable),
        ("bytes=-1", 0, Unsatisfiable),
        ("bytes=3-2", 10, Full),
        ("bytes=", 10, Full),
        ("bytes=-", 10, Full),
        ("bytes=a-b", 10, Full),
        ("bytes=+1-2", 10, Full),
        ("bytes=1-2,3-4", 10, Full),
        ("bytes", 10, Full),
        ("items=0-1", 10, Full),
        ("", 10, Full),
    ];
    for (text, len, want) in cases {
        assert_eq!(parse_range(text, len), want, "{text}");
    }
}

#[test]
fn json_is_told_by_its_beginning() {
    let long = format!("{{\"a\":\"{}", "é".repeat(600));
    for (head, json) in [
        (&b"{}"[..], true),
        (b"\n{ \"a\":1}", true),
        (long.as_bytes(), true),
        (&long.as_bytes()[..long.len() - 1], true),
        (b"{a}", false),
        (b"{", false),
        (b"[1]", false),
        (b"{\"\xff\xff", false),
        (b"<html>{\"a\"}", false),
    ] {
        let want = if json { "application/json" } else { "application/octet-stream" };
        assert_eq!(sniff(head), want, "{head:?}");
    }
}

proptest! {
    #[test]
    fn a_span_lies_within_the_content(text in "bytes=[0-9]{0,3}-[0-9]{0,3}", len in 0u64..300) {
        if let Span::Part { first, last } = parse_range(&text, len) {
            prop_assert!(first <= last && last < len);
        }
    }

    #[test]
    fn any_header_is_answered(text in "[ -~]{0,40}", len: u64) {
        parse_range(&text, len);
    }
}

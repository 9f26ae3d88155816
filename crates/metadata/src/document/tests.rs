use super::*;
use serde_json::json;

fn read(value: &Value) -> Document {
    parse(value.to_string().as_bytes()).unwrap()
}

fn traits(value: Value) -> Vec<(Option<String>, String, Option<String>)> {
    let document = read(&json!({ "attributes": value }));
    document
        .attributes
        .into_iter()
        .map(|a| (a.trait_type.clone(), a.text(), a.display_type))
        .collect()
}

#[test]
fn a_plain_document() {
    let document = read(&json!({
        "name": " Dawn ", "description": "Line\nline", "image": "ipfs://x/1.png",
        "animation_url": "https://a.example/1.mp4", "external_url": "https://a.example/1",
        "attributes": [{ "trait_type": "Sky", "value": "Red" }], "unknown": { "a": [1] },
    }));
    assert_eq!(document.name.as_deref(), Some("Dawn"));
    assert_eq!(document.description.as_deref(), Some("Line\nline"));
    assert_eq!(document.image.as_deref(), Some("ipfs://x/1.png"));
    assert_eq!(document.animation_url.as_deref(), Some("https://a.example/1.mp4"));
    assert_eq!(document.external_url.as_deref(), Some("https://a.example/1"));
    assert_eq!(document.attributes.len(), 1);
}

#[test]
fn what_is_no_document() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let odd = format!("{{\"a\":{}{}}}", "[".repeat(31), "]".repeat(31));
    let cases: [(&[u8], Option<Reason>); 13] = [
        (b"", Some(Reason::NotJson)),
        (b"<html>", Some(Reason::NotJson)),
        (b"{\"a\":1", Some(Reason::NotJson)),
        (b"{\"a\":1e999}", Some(Reason::NotJson)),
        (b"{} {}", Some(Reason::NotJson)),
        (b"[]", Some(Reason::NotAnObject)),
        (b"\"name\"", Some(Reason::NotAnObject)),
        (b"null", Some(Reason::NotAnObject)),
        (b"{\"name\":\"\xff\"}", Some(Reason::NotUtf8)),
        (b"\xff\xfe{\0}\0", Some(Reason::NotUtf8)),
        (deep.as_bytes(), Some(Reason::TooDeep)),
        (odd.as_bytes(), None),
        (b"\xef\xbb\xbf{\"name\":\"[[[[\\\"[[[[\"}", None),
    ];
    for (bytes, reason) in cases {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
        assert_eq!(parse(bytes).err(), reason, "{shown}");
    }
}

#[test]
fn texts_are_bounded_and_clean() {
    let document = read(&json!({
        "name": "a\0b\u{202e}c\u{1b}[31m", "description": "x".repeat(10_000), "image": 7,
        "external_url": "javascript:alert(1)", "animation_url": ["https://a.example"],
    }));
    assert_eq!(document.name.as_deref(), Some("a\u{fffd}bc\u{fffd}[31m"));
    assert_eq!(document.description.map(|text| text.len()), Some(DESCRIPTION_LEN_MAX));
    assert_eq!((document.image, document.external_url, document.animation_url), (None, None, None));
    let document = read(&json!({ "name": 5, "description": {}, "image": "" }));
    assert_eq!((document.name.as_deref(), document.description), (Some("5"), None));
    assert_eq!(read(&json!({ "name": "😀".repeat(600) })).name.unwrap().chars().count(), 512);
}

#[test]
fn links_that_may_be_shown() {
    let svg = "data:image/svg+xml;base64,PHN2Zy8+";
    let large = format!("data:image/png;base64,{}", "A".repeat(INLINE_LEN_MAX));
    let long = format!("https://a.example/{}", "x".repeat(3_000));
    let cases = [
        (svg, true),
        ("ipfs://x", true),
        ("ar://x", true),
        ("HTTPS://a.example/1.png", true),
        ("data:application/javascript,alert(1)", false),
        ("data:text/plain,x", false),
        ("javascript:alert(1)", false),
        ("file:///etc/passwd", false),
        ("https://a.example/\u{7}", false),
        (&large, false),
        (&long, false),
        ("1.png", false),
    ];
    for (image, kept) in cases {
        let found = read(&json!({ "image": image })).image;
        assert_eq!(found.is_some(), kept, "{}", &image[..image.len().min(40)]);
    }
    let drawn = read(&json!({ "image_data": "<svg onload=\"x\"></svg>" })).image.unwrap();
    assert!(drawn.starts_with("data:image/svg+xml,%3Csvg%20onload"), "{drawn}");
}

#[test]
fn attributes_of_odd_shapes() {
    let some = |text: &str| Some(text.to_owned());
    let list = json!([
        { "trait_type": "Level", "value": 5 }, { "trait_type": "Level", "value": 5.0 },
        { "trait_type": "Speed", "value": 1.5, "display_type": "number" },
        { "trait_type": "Born", "value": 1_546_360_800, "display_type": "date" },
        { "trait_type": "Rare", "value": true }, { "value": "alone" }, "bare", 7, null, [],
        { "trait_type": "Nested", "value": { "a": 1 } }, { "trait_type": "None", "value": null },
        { "trait_type": { "a": 1 }, "value": "odd" }, { "trait_type": "T\0", "value": "V\0" },
    ]);
    let expect = [
        (some("Level"), "5".to_owned(), None),
        (some("Level"), "5".to_owned(), None),
        (some("Speed"), "1.5".to_owned(), some("number")),
        (some("Born"), "1546360800".to_owned(), some("date")),
        (some("Rare"), "true".to_owned(), None),
        (None, "alone".to_owned(), None),
        (None, "bare".to_owned(), None),
        (None, "7".to_owned(), None),
        (None, "odd".to_owned(), None),
        (some("T\u{fffd}"), "V\u{fffd}".to_owned(), None),
    ];
    assert_eq!(traits(list), expect);
    let map = json!({ "Sky": "Red", "Level": 3, "Deep": { "value": "x" }, "Odd": [1] });
    let found = traits(map);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.contains(&(some("Deep"), "x".to_owned(), None)));
    for odd in [json!("x"), json!(1), json!(null), json!([])] {
        assert_eq!(traits(odd), []);
    }
    let many: Vec<Value> = (0..500).map(|n| json!({ "trait_type": "n", "value": n })).collect();
    assert_eq!(traits(json!(many)).len(), ATTRIBUTES_MAX);
    let large: Vec<Value> =
        (0..200).map(|n| json!({ "trait_type": n, "value": "v".repeat(200) })).collect();
    let kept = read(&json!({ "attributes": large })).attributes;
    let length = serde_json::to_string(&kept).unwrap().len();
    assert!(kept.len() > 30 && length <= ATTRIBUTES_LEN_MAX, "{} of {length} bytes", kept.len());
    let long = json!([{ "trait_type": "t".repeat(999), "value": "v".repeat(999) }]);
    assert_eq!(traits(long)[0].1.len(), VALUE_LEN_MAX);
}

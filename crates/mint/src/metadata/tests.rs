#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn canonical(text: &str) -> String {
    String::from_utf8(parse(text.as_bytes()).unwrap().canonical().to_vec()).unwrap()
}

fn problems(bytes: &[u8]) -> Vec<(String, &'static str)> {
    let refusal = parse(bytes).unwrap_err();
    refusal.problems.iter().map(|p| (p.pointer.clone(), p.reason.code())).collect()
}

/// A sound document with `fields` added or, where null, removed.
fn document(fields: Value) -> Vec<u8> {
    let mut document = json!({"name": "A", "image": "ipfs://bafk"});
    for (key, value) in fields.as_object().unwrap() {
        match value {
            Value::Null => document.as_object_mut().unwrap().remove(key),
            value => document.as_object_mut().unwrap().insert(key.clone(), value.clone()),
        };
    }
    serde_json::to_vec(&document).unwrap()
}

#[test]
fn the_canonical_form_does_not_depend_on_layout() {
    let want = r#"{"attributes":[{"trait_type":"é","value":1.10},{"value":1e400}],"image":"ar://x","name":"A\n","z":{"a":null,"b":[-0,true,12345678901234567890123]}}"#;
    let texts = [
        want,
        r#" { "name" : "A\u000a", "z": {"b":[ -0 ,true, 12345678901234567890123 ],"a":null},
             "image": "ar:\/\/x", "attributes":[{"value":1.10,"trait_type":"\u00e9"},{"value":1e400}]} "#,
    ];
    for text in texts {
        assert_eq!(canonical(text), want);
    }
    assert_ne!(canonical(&want.replace("1.10", "1.1")), want, "numbers are kept as written");
}

#[test]
fn known_fields_are_returned() {
    let bytes = document(json!({"description": "d", "animation_url": "https://x/y", "own": [1]}));
    let metadata = parse(&bytes).unwrap();
    assert_eq!((metadata.name.as_str(), metadata.image.as_str()), ("A", "ipfs://bafk"));
    assert_eq!(metadata.description.as_deref(), Some("d"));
    assert_eq!(metadata.animation_url.as_deref(), Some("https://x/y"));
    assert!(canonical(std::str::from_utf8(&bytes).unwrap()).contains(r#""own":[1]"#));
}

#[test]
fn documents_that_are_no_documents() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n)).into_bytes();
    let nested = |n: usize| {
        let value = String::from_utf8(deep(n)).unwrap();
        format!(r#"{{"name":"A","image":"ar://x","x":{value}}}"#).into_bytes()
    };
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", vec![], "not_json"),
        ("text", b"hello".to_vec(), "not_json"),
        ("html", b"<html></html>".to_vec(), "not_json"),
        ("cut", br#"{"name":"A""#.to_vec(), "not_json"),
        ("two", b"{}{}".to_vec(), "not_json"),
        ("comma", br#"{"name":"A",}"#.to_vec(), "not_json"),
        ("nan", br#"{"name":NaN}"#.to_vec(), "not_json"),
        ("zero", br#"{"name":01}"#.to_vec(), "not_json"),
        ("bom", b"\xef\xbb\xbf{}".to_vec(), "not_json"),
        ("latin1", b"{\"name\":\"\xe9\"}".to_vec(), "not_json"),
        ("control", b"{\"name\":\"\x01\"}".to_vec(), "not_json"),
        ("surrogate", br#"{"name":"\ud800"}"#.to_vec(), "not_json"),
        ("array", b"[]".to_vec(), "wrong_type"),
        ("string", br#""{}""#.to_vec(), "wrong_type"),
        ("10 MB", vec![b' '; 10_000_000], "too_large"),
        ("1 MiB and 1", vec![b' '; DOCUMENT_LEN_MAX + 1], "too_large"),
        ("1,000 deep", nested(1000), "too_deep"),
        ("33 deep", nested(DEPTH_MAX), "too_deep"),
        ("a million brackets", vec![b'['; DOCUMENT_LEN_MAX], "too_deep"),
        ("twice", br#"{"name":"A","name":"B","image":"ar://x"}"#.to_vec(), "duplicate_key"),
    ];
    for (name, bytes, want) in cases {
        let found = problems(&bytes);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!(found[0].1, want, "{name}");
    }
    parse(&nested(DEPTH_MAX - 1)).unwrap();
    parse(&document(json!({"x": "[".repeat(1000), "y": "\"{\\".repeat(50)}))).unwrap();
    let inner = br#"{"name":"A","image":"ar://x","a~/b":{"c":1,"c":1}}"#;
    assert_eq!(problems(inner), [("/a~0~1b/c".into(), "duplicate_key")]);
}

#[test]
fn fields_that_are_refused() {
    let long = |n: usize| "é".repeat(n);
    let data = |n: usize| format!("data:image/png;base64,{}", "A".repeat(n));
    let cases: Vec<(Value, &str, &str)> = vec![
        (json!({"name": null}), "/name", "missing"),
        (json!({"image": null}), "/image", "missing"),
        (json!({"name": ""}), "/name", "empty"),
        (json!({"name": 7}), "/name", "wrong_type"),
        (json!({"name": long(257)}), "/name", "too_long"),
        (json!({"description": long(10_001)}), "/description", "too_long"),
        (json!({"description": ["x"]}), "/description", "wrong_type"),
        (json!({"image": ""}), "/image", "empty"),
        (json!({"image": {}}), "/image", "wrong_type"),
        (json!({"image": "a.png"}), "/image", "not_uri"),
        (json!({"image": "ipfs://"}), "/image", "not_uri"),
        (json!({"image": "ipfs:bafk"}), "/image", "not_uri"),
        (json!({"image": "https:///x"}), "/image", "not_uri"),
        (json!({"image": "https://x/a b"}), "/image", "not_uri"),
        (json!({"image": "http://x/y"}), "/image", "scheme_not_allowed"),
        (json!({"image": "javascript:alert(1)"}), "/image", "scheme_not_allowed"),
        (json!({"image": "file:///etc/passwd"}), "/image", "scheme_not_allowed"),
        (json!({"image": "data:text/html,<b>"}), "/image", "data_type_not_allowed"),
        (json!({"image": "data:image/png"}), "/image", "not_uri"),
        (json!({"image": data(DATA_URI_LEN_MAX)}), "/image", "too_long"),
        (json!({"image": format!("https://x/{}", "a".repeat(2048))}), "/image", "too_long"),
        (json!({"animation_url": "data:text/html,x"}), "/animation_url", "data_type_not_allowed"),
        (json!({"external_url": "data:image/png,x"}), "/external_url", "scheme_not_allowed"),
        (json!({"background_color": "#ffffff"}), "/background_color", "not_color"),
        (json!({"background_color": "fffff"}), "/background_color", "not_color"),
        (json!({"attributes": {}}), "/attributes", "wrong_type"),
        (json!({"attributes": vec![json!({"value": 1}); 257]}), "/attributes", "too_many"),
        (json!({"attributes": [{"value": 1}, 5]}), "/attributes/1", "wrong_type"),
        (json!({"attributes": [{"trait_type": "a"}]}), "/attributes/0/value", "missing"),
        (json!({"attributes": [{"value": [1]}]}), "/attributes/0/value", "wrong_type"),
        (json!({"attributes": [{"value": long(1001)}]}), "/attributes/0/value", "too_long"),
        (
            json!({"attributes": [{"value": 1, "trait_type": 2}]}),
            "/attributes/0/trait_type",
            "wrong_type",
        ),
        (
            json!({"attributes": [{"value": 1, "max_value": "2"}]}),
            "/attributes/0/max_value",
            "wrong_type",
        ),
    ];
    for (fields, pointer, reason) in cases {
        assert_eq!(problems(&document(fields.clone())), [(pointer.into(), reason)], "{fields:.80}");
    }
}

#[test]
fn fields_at_their_limits_are_accepted() {
    let long = |n: usize| "é".repeat(n);
    let cases = [
        json!({"name": long(256), "description": long(10_000)}),
        json!({"image": "data:image/svg+xml;utf8,<svg xmlns='x'/>"}),
        json!({"image": "IPFS://bafk/1.png", "external_url": "https://x"}),
        json!({"animation_url": "data:audio/mpeg;base64,AA==", "background_color": "aAbB09"}),
        json!({"attributes": vec![json!({"value": true}); 256]}),
        json!({"attributes": [{"value": long(1000), "display_type": "date", "max_value": 9}, {"value": ""}]}),
    ];
    for fields in cases {
        parse(&document(fields)).unwrap();
    }
}

#[test]
fn all_problems_are_listed_up_to_a_limit() {
    let fields = json!({"name": 1, "image": null, "attributes": [{"value": {}}], "description": 1});
    let want = [
        ("/name", "wrong_type"),
        ("/image", "missing"),
        ("/description", "wrong_type"),
        ("/attributes/0/value", "wrong_type"),
    ];
    assert_eq!(problems(&document(fields)), want.map(|(p, r)| (p.to_owned(), r)));
    let many = json!({"attributes": vec![json!({}); 100]});
    assert_eq!(problems(&document(many)).len(), PROBLEMS_MAX);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn canonical_is_idempotent_and_keeps_the_value(extra in any_json()) {
        let compact = document(json!({"x": extra}));
        let value: Value = serde_json::from_slice(&compact).unwrap();
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        if extra.is_null() {
            return Ok(());
        }
        let first = parse(&compact).unwrap();
        prop_assert_eq!(&parse(&pretty).unwrap(), &first);
        prop_assert_eq!(&parse(first.canonical()).unwrap(), &first);
        prop_assert_eq!(serde_json::from_slice::<Value>(first.canonical()).unwrap(), value);
        prop_assert!(first.canonical().len() <= compact.len());
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn json_like_texts_are_answered(text in r#"[{}\[\]",:0-9a-z\\ue.+-]{0,80}"#) {
        if let Err(refusal) = parse(text.as_bytes()) {
            prop_assert!((1..=PROBLEMS_MAX).contains(&refusal.problems.len()));
        }
    }
}

use crate::harness::{Api, URI, body, problem, start};
use reqwest::{Method, Response};
use serde_json::{Value, json};

async fn store(api: &Api, key: &str, document: impl Into<reqwest::Body>) -> Response {
    let request = api.post("/api/v1/metadata", key).header("content-type", "application/json");
    request.body(document).send().await.unwrap()
}

#[tokio::test]
async fn one_document_has_one_cid_however_it_is_laid_out() {
    let api = start().await;
    let a = format!(r#"{{"name":"Dawn","image":"{URI}","x":[1,2.50]}}"#);
    let b = format!("{{ \"x\" : [1, 2.50],\n\"image\":\"{URI}\", \"name\" : \"Dawn\" }}");
    let first = body(store(&api, "a", a).await, 201).await;
    let again = store(&api, "a", b.clone()).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(body(again, 201).await, first);
    assert_eq!(body(store(&api, "b", b).await, 201).await, first);
    let other = format!(r#"{{"name":"Dusk","image":"{URI}"}}"#);
    let refused = store(&api, "a", other).await;
    problem(refused, "store_metadata", "idempotency_key_reused").await;
}

#[tokio::test]
async fn bad_metadata_is_refused() {
    let api = start().await;
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(1000), "]".repeat(1000));
    let cases = [
        ("not json".to_owned(), "metadata_invalid"),
        ("[]".to_owned(), "metadata_invalid"),
        ("{}".to_owned(), "metadata_invalid"),
        (r#"{"name":"x"}"#.to_owned(), "metadata_invalid"),
        (r#"{"name":"x","image":"javascript:alert(1)"}"#.to_owned(), "metadata_invalid"),
        (deep, "metadata_invalid"),
        (format!(r#"{{"name":"{}"}}"#, "x".repeat(10 << 20)), "body_too_large"),
        (format!(r#"{{"name":"{}"}}"#, "x".repeat((1 << 20) + 100)), "body_too_large"),
    ];
    for (document, code) in cases {
        let told = problem(store(&api, "bad", document).await, "store_metadata", code).await;
        if code == "metadata_invalid" {
            assert!(told["errors"][0]["pointer"].is_string(), "{told}");
        }
    }
}

#[tokio::test]
async fn content_is_served_from_its_own_origin() {
    let api = start().await;
    let document = json!({ "name": "Dawn", "image": URI });
    let stored = body(store(&api, "k", document.to_string()).await, 201).await;
    let cid = stored["cid"].as_str().unwrap();
    let ask = |method: Method, path: String| {
        api.client.request(method, format!("{}{path}", api.content_url))
    };
    let whole = ask(Method::GET, format!("/ipfs/{cid}")).send().await.unwrap();
    assert_eq!(whole.status(), 200);
    let headers = whole.headers().clone();
    assert!(headers["cache-control"].to_str().unwrap().contains("immutable"));
    assert!(headers["content-security-policy"].to_str().unwrap().starts_with("sandbox"));
    assert_eq!(headers["etag"], format!("\"{cid}\""));
    assert_eq!(serde_json::from_str::<Value>(&whole.text().await.unwrap()).unwrap(), document);

    let part = ask(Method::GET, format!("/ipfs/{cid}")).header("range", "bytes=1-6");
    let part = part.send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.text().await.unwrap().len(), 6);
    let head = ask(Method::HEAD, format!("/ipfs/{cid}")).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.text().await.unwrap().len()), (200, 0));

    let missing = URI.replace("ipfs://", "/ipfs/");
    for (method, path, code) in [
        (Method::GET, missing, "content_unknown"),
        (Method::GET, "/ipfs/..%2f..%2fetc%2fpasswd".to_owned(), "content_unknown"),
        (Method::GET, "/api/v1/mints".to_owned(), "route_unknown"),
        (Method::POST, format!("/ipfs/{cid}"), "method_not_allowed"),
    ] {
        problem(ask(method, path).send().await.unwrap(), "", code).await;
    }
    let beyond = ask(Method::GET, format!("/ipfs/{cid}")).header("range", "bytes=9999-");
    problem(beyond.send().await.unwrap(), "", "range_invalid").await;
    let wrong = api.get(&format!("/ipfs/{cid}")).send().await.unwrap();
    problem(wrong, "", "route_unknown").await;
}

use crate::harness::{
    ALICE, BOB, DIGEST, FREE, NOWHERE, PENDING, URI, body, issue, principal, problem, start,
};
use auth::Scope;
use serde_json::{Value, json};

#[tokio::test]
async fn a_mint_is_accepted_and_seen_by_its_owner_only() {
    let api = start().await;
    let request = json!({ "to": ALICE, "uri": URI });
    let response = api.mint("first", &request).await;
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    assert!(!response.headers().contains_key("idempotent-replayed"));
    let job = body(response, 202).await;
    assert_eq!(location, format!("/api/v1/mints/{}", job["id"].as_str().unwrap()));
    let mut shown = job.clone();
    shown["id"] = json!("(id)");
    shown["request_id"] = json!("(request id)");
    insta::assert_json_snapshot!(shown);
    assert_eq!(body(api.get(&location).send().await.unwrap(), 200).await, job);

    let other = principal(&api.database.db).await;
    let key = issue(&api.database.db, other, &[Scope::MintsRead]).await;
    let ask = |key: String, path: String| {
        api.request(reqwest::Method::GET, &path).bearer_auth(key).send()
    };
    let refused = ask(key.clone(), location.clone()).await.unwrap();
    problem(refused, "get_mint", "mint_unknown").await;
    let list = body(ask(key, "/api/v1/mints".to_owned()).await.unwrap(), 200).await;
    assert_eq!(list["items"], json!([]));
    let admin = issue(&api.database.db, other, &[Scope::Admin]).await;
    assert_eq!(body(ask(admin, location).await.unwrap(), 200).await, job);
}

#[tokio::test]
async fn metadata_is_stored_before_its_mint() {
    let api = start().await;
    let document = json!({ "name": "Dawn", "image": URI, "taste": "salt" });
    let stored = api.post("/api/v1/metadata", "m").json(&document).send().await.unwrap();
    let stored = body(stored, 201).await;
    let job = api.mint("inline", &json!({ "to": BOB, "metadata": document })).await;
    assert_eq!(body(job, 202).await["uri"], stored["uri"]);
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() {
    let api = start().await;
    let zero = "0x0000000000000000000000000000000000000000";
    let mistyped = "0x70997970c51812dc3A010C7d01b50e0d17dc79C8";
    let tree = "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";
    let cases: [(Value, &str); 20] = [
        (json!({ "to": "vitalik", "uri": URI }), "address_invalid"),
        (json!({ "to": "0x1234", "uri": URI }), "address_invalid"),
        (json!({ "to": mistyped, "uri": URI }), "address_checksum"),
        (json!({ "to": zero, "uri": URI }), "recipient_zero"),
        (json!({ "to": ALICE, "uri": URI, "collection": NOWHERE }), "collection_unknown"),
        (json!({ "to": ALICE, "uri": URI, "collection": PENDING }), "collection_not_ready"),
        (json!({ "to": ALICE, "uri": URI, "collection": "x" }), "address_invalid"),
        (json!({ "to": ALICE, "uri": URI, "chain_id": 1 }), "chain_unknown"),
        (json!({ "to": ALICE, "uri": "https://example.org/1" }), "uri_not_representable"),
        (json!({ "to": ALICE, "uri": tree }), "uri_not_representable"),
        (json!({ "to": ALICE }), "uri_not_representable"),
        (json!({ "to": ALICE, "uri": "a b", "collection": FREE }), "uri_not_representable"),
        (json!({ "to": ALICE, "uri": URI, "metadata": {} }), "uri_and_metadata"),
        (json!({ "to": ALICE, "metadata": { "name": "x" } }), "metadata_invalid"),
        (json!({ "to": ALICE, "metadata": [] }), "metadata_invalid"),
        (json!({ "uri": URI }), "body_invalid"),
        (json!({ "to": 7, "uri": URI }), "body_invalid"),
        (json!({ "to": ALICE, "uri": URI, "gas": 1 }), "body_invalid"),
        (json!([]), "body_invalid"),
        (json!("x"), "body_invalid"),
    ];
    for (i, (request, code)) in cases.iter().enumerate() {
        let response = api.mint(&format!("bad-{i}"), request).await;
        problem(response, "request_mint", code).await;
    }
    let list = body(api.get("/api/v1/mints").send().await.unwrap(), 200).await;
    assert_eq!(list["items"], json!([]), "a refused request leaves no job");
}

#[tokio::test]
async fn raw_bodies_that_are_no_json_are_refused() {
    let api = start().await;
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    let twice = format!(r#"{{"to":"{ALICE}","to":"{BOB}","uri":"{URI}"}}"#);
    let long = format!(r#"{{"to":"{}"}}"#, "x".repeat(2 << 20));
    let cases: [(Vec<u8>, &str); 7] = [
        (b"".to_vec(), "body_malformed"),
        (b"{".to_vec(), "body_malformed"),
        (b"{} {}".to_vec(), "body_invalid"),
        (b"{\"to\":\"\xff\"}".to_vec(), "body_malformed"),
        (deep.into_bytes(), "json_too_deep"),
        (twice.into_bytes(), "body_invalid"),
        (long.into_bytes(), "body_too_large"),
    ];
    for (sent, code) in cases {
        let shown = String::from_utf8_lossy(&sent[..sent.len().min(60)]).into_owned();
        let request = api.post("/api/v1/mints", "raw").header("content-type", "application/json");
        let response = request.body(sent).send().await.unwrap();
        eprintln!("{shown}");
        problem(response, "request_mint", code).await;
    }
    let text = api.post("/api/v1/mints", "raw").body("{}").send().await.unwrap();
    problem(text, "request_mint", "content_type_unsupported").await;
}

#[tokio::test]
async fn pages_hold_every_job_once() {
    let api = start().await;
    let mut made = Vec::new();
    for i in 0..23 {
        let to = if i % 2 == 0 { ALICE } else { BOB };
        let job = body(api.mint(&format!("k{i}"), &json!({ "to": to, "uri": URI })).await, 202);
        made.push(job.await["id"].clone());
    }
    made.reverse();
    let mut path = "/api/v1/mints?limit=5".to_owned();
    let mut seen = Vec::new();
    loop {
        let response = api.get(&path).send().await.unwrap();
        let link = response.headers().get("link").map(|v| v.to_str().unwrap().to_owned());
        let page = body(response, 200).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|job| job["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else {
            assert_eq!(link, None);
            break;
        };
        path = format!("/api/v1/mints?limit=5&cursor={cursor}");
        assert_eq!(link, Some(format!("<{path}>; rel=\"next\"")));
    }
    assert_eq!(seen, made);
    let queries = [
        (format!("to={BOB}"), 11),
        (format!("collection={DIGEST}&status=queued"), 23),
        ("status=final".to_owned(), 0),
        (format!("collection={FREE}"), 0),
    ];
    for (query, count) in queries {
        let page = api.get(&format!("/api/v1/mints?{query}")).send().await.unwrap();
        assert_eq!(body(page, 200).await["items"].as_array().unwrap().len(), count, "{query}");
    }
}

#[tokio::test]
async fn cursors_and_filters_from_outside_are_checked() {
    let api = start().await;
    for i in 0..3 {
        let job = api.mint(&format!("k{i}"), &json!({ "to": ALICE, "uri": URI })).await;
        body(job, 202).await;
    }
    let page = body(api.get("/api/v1/mints?limit=1").send().await.unwrap(), 200).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let mut changed = cursor.to_owned();
    let place = changed.len() - 2..changed.len() - 1;
    let swap = if &changed[place.clone()] == "A" { "B" } else { "A" };
    changed.replace_range(place, swap);
    let cases = [
        (format!("cursor={changed}"), "cursor_invalid"),
        (format!("cursor={cursor}&status=queued"), "cursor_invalid"),
        (format!("cursor={}", &cursor[4..]), "cursor_invalid"),
        ("cursor=".to_owned(), "cursor_invalid"),
        ("cursor=%00%ff".to_owned(), "cursor_invalid"),
        ("limit=0".to_owned(), "query_invalid"),
        ("limit=201".to_owned(), "query_invalid"),
        ("limit=x".to_owned(), "query_invalid"),
        ("offset=1".to_owned(), "query_invalid"),
        ("status=done".to_owned(), "status_unknown"),
        ("to=me".to_owned(), "address_invalid"),
    ];
    for (query, code) in cases {
        let response = api.get(&format!("/api/v1/mints?{query}")).send().await.unwrap();
        eprintln!("{query}");
        problem(response, "list_mints", code).await;
    }
    // Another caller can't go on with it.
    let other = principal(&api.database.db).await;
    let key = issue(&api.database.db, other, &[Scope::MintsRead]).await;
    let path = format!("/api/v1/mints?limit=1&cursor={cursor}");
    let stolen = api.request(reqwest::Method::GET, &path).bearer_auth(key).send().await.unwrap();
    problem(stolen, "list_mints", "cursor_invalid").await;
    let id = api.get("/api/v1/mints/17").send().await.unwrap();
    problem(id, "get_mint", "path_invalid").await;
}

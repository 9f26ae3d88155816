//! Validators: who has the present state is told so.

use crate::harness::{ALICE, DIGEST, URI, body, start};
use reqwest::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let api = start().await;
    let job = body(api.mint("k", &json!({ "to": ALICE, "uri": URI })).await, 202).await;
    let row =
        "insert into items (chain_id, contract, token_id, owner, uri, minted_block, minted_tx,
                                  updated_block)
               values (31337, decode('e7f1725E7734CE288F8367e1Bb143E90bb3F0512', 'hex'), 1,
                       decode('70997970C51812dc3A010C7d01b50e0d17dc79C8', 'hex'), 'x', 5,
                       decode(repeat('33', 32), 'hex'), 5)";
    let mut connection = api.database.db.acquire().await.unwrap();
    db::raw::execute(&mut connection, row).await.unwrap();
    let mint = format!("/api/v1/mints/{}", job["id"].as_str().unwrap());
    let reads = [
        (mint.clone(), "private, no-cache"),
        ("/api/v1/mints".to_owned(), "private, no-cache"),
        (format!("/api/v1/items/31337/{DIGEST}/1"), "public, no-cache"),
        ("/api/v1/items".to_owned(), "public, no-cache"),
        (format!("/api/v1/collections/31337/{DIGEST}"), "public, no-cache"),
        ("/api/v1/collections".to_owned(), "public, no-cache"),
    ];
    let mut tags = Vec::new();
    for (path, keeping) in &reads {
        let whole = api.get(path).send().await.unwrap();
        let tag = whole.headers()["etag"].to_str().unwrap().to_owned();
        assert!(tag.starts_with("W/\""), "{path}: {tag}");
        assert_eq!(whole.headers()["cache-control"], *keeping, "{path}");
        body(whole, 200).await;
        let strong = tag.trim_start_matches("W/").to_owned();
        for shown in [tag.clone(), strong, format!("\"x\", {tag}"), "*".to_owned()] {
            let again = api.get(path).header("if-none-match", &shown).send().await.unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path} {shown}");
            assert_eq!(again.headers()["etag"], tag);
            assert_eq!(again.headers()["cache-control"], *keeping);
            assert!(again.headers().contains_key("x-request-id"));
            assert_eq!(again.bytes().await.unwrap().len(), 0);
        }
        let other = api.get(path).header("if-none-match", "W/\"x\"").send().await.unwrap();
        assert_eq!(other.status(), StatusCode::OK, "{path}");
        tags.push(tag);
    }
    // One change of the job is seen in both of its reads.
    let change = "update mint_jobs set status = 'failed', reason = 'x'";
    db::raw::execute(&mut connection, change).await.unwrap();
    for (n, (path, _)) in reads.iter().enumerate().take(2) {
        let changed = api.get(path).header("if-none-match", &tags[n]).send().await.unwrap();
        assert_ne!(changed.headers()["etag"].to_str().unwrap(), tags[n]);
        body(changed, 200).await;
    }
    // A tag opens nothing: without the key there is no 304 either.
    let nobody = api.request(Method::GET, &mint).header("if-none-match", "*");
    assert_eq!(nobody.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

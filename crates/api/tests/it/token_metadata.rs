use crate::harness::{ALICE, Api, BOB, DIGEST, FREE, NOWHERE, body, problem, start};
use reqwest::Method;
use serde_json::{Value, json};

/// Items 1 to 6 of one contract: even ones are Alice's, 6 is burned. 1 to 4 have documents, 5
/// failed, 6 had one. Item 9 has a document, and was taken back by a reorg.
const ROWS: &str = r#"
    with alice as (select decode('70997970C51812dc3A010C7d01b50e0d17dc79C8', 'hex') as a),
         bob as (select decode('3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', 'hex') as b),
         digest as (select decode('e7f1725E7734CE288F8367e1Bb143E90bb3F0512', 'hex') as d),
         minted as (
             insert into items (chain_id, contract, token_id, owner, uri, intent, minted_block,
                                minted_tx, updated_block)
             select 31337, d, n, case when n = 6 then null when n % 2 = 0 then a else b end, null,
                    null, 5, decode(repeat('33', 32), 'hex'), 5
               from generate_series(1, 6) n, alice, bob, digest
         ),
         checkpoint as (
             insert into checkpoints (chain_id, height, hash, epoch)
             values (31337, 18, decode(repeat('11', 32), 'hex'), 1)
         ),
         read as (
             insert into token_metadata (chain_id, contract, token_id, state, reason, due_at, name,
                                         description, image, attributes, verified,
                                         resolved_block, resolved_at, royalty_receiver, royalty_bps,
                                         tries)
             select 31337, d, n, case when n = 5 then 'failed' else 'resolved' end,
                    case when n = 5 then 'timed_out' end,
                    case when n = 5 then timestamptz '2026-11-20 13:00Z' end,
                    'Dawn #' || n, repeat('x', 600),
                    case when n = 2 then 'data:image/png,' || repeat('x', 3000)
                         else 'ipfs://picture' end,
                    jsonb_build_array(jsonb_build_object('trait_type', 'Sky', 'value', 'Red')),
                    n = 1, 18, '2026-11-20 12:00:00.5Z', a, 500, 1
               from unnest(array[1, 2, 3, 4, 5, 6, 9]) n, alice, digest
         )
    insert into token_traits (chain_id, contract, trait_type, value, token_id)
    select 31337, d, t.kind, t.value, t.id from digest,
           (values ('Sky', 'Red', 1), ('Sky', 'Red', 2), ('Sky', 'Red', 3), ('Sky', 'Blue', 4),
                   ('Sky', 'Red', 6), ('Sky', 'Red', 9), ('Level', '5', 1), ('Level', '5', 2),
                   ('a:b', 'c:d', 3), ('', 'alone', 4)) as t (kind, value, id)"#;

async fn filled() -> Api {
    let api = start().await;
    let mut connection = api.database.db.acquire().await.unwrap();
    db::raw::execute(&mut connection, ROWS).await.unwrap();
    drop(connection);
    api
}

async fn get(api: &Api, path: &str) -> Value {
    body(api.request(Method::GET, path).send().await.unwrap(), 200).await
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["token_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn items_come_with_what_their_documents_say() {
    let api = filled().await;
    let page = get(&api, "/api/v1/items").await;
    assert_eq!(ids(&page), ["1", "2", "3", "4", "5", "6"], "9 is no item");
    insta::assert_json_snapshot!(page["items"][0]["token_metadata"]);
    let failed = &page["items"][4]["token_metadata"];
    assert_eq!((&failed["state"], &failed["reason"]), (&json!("failed"), &json!("timed_out")));
    assert_eq!(failed["retry_at"], "2026-11-20T13:00:00.000Z");
    assert_eq!(page["items"][1]["token_metadata"]["image"], Value::Null, "too long for a list");
    let whole = get(&api, &format!("/api/v1/items/31337/{DIGEST}/2")).await;
    let image = whole["token_metadata"]["image"].as_str().unwrap();
    assert_eq!(image.len(), 3_015);
    let alone = get(&api, &format!("/api/v1/items/31337/{DIGEST}/2/metadata")).await;
    assert_eq!(alone, whole["token_metadata"]);
    assert_eq!(alone["description"].as_str().unwrap().len(), 600);
}

#[tokio::test]
async fn items_are_found_by_trait() {
    let api = filled().await;
    let cases: [(&str, &[&str]); 9] = [
        ("trait=Sky:Red", &["1", "2", "3", "6"]),
        ("trait=Sky%3ARed&trait=Level:5", &["1", "2"]),
        ("trait=Level:5&trait=Sky:Red", &["1", "2"]),
        ("trait=Sky:Red&trait=Sky:Blue", &[]),
        ("trait=Sky:red", &[]),
        ("trait=a%5C:b:c:d", &["3"]),
        ("trait=:alone", &["4"]),
        (&format!("trait=Sky:Red&owner={ALICE}"), &["2"]),
        (&format!("owner={BOB}&trait=Sky:Red"), &["1", "3"]),
    ];
    for (filter, expect) in cases {
        let page = get(&api, &format!("/api/v1/items?collection={DIGEST}&{filter}")).await;
        assert_eq!(ids(&page), expect, "{filter}");
    }
    let mut seen = Vec::new();
    let filter = format!("collection={DIGEST}&trait=Sky:Red&limit=1");
    let mut path = format!("/api/v1/items?{filter}");
    loop {
        let page = get(&api, &path).await;
        seen.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        let other = format!("/api/v1/items?collection={DIGEST}&trait=Sky:Blue&cursor={cursor}");
        let response = api.request(Method::GET, &other).send().await.unwrap();
        problem(response, "list_items", "cursor_invalid").await;
        path = format!("/api/v1/items?{filter}&cursor={cursor}");
    }
    assert_eq!(seen, ["1", "2", "3", "6"]);
    let many = "trait=a:b&".repeat(11);
    for bad in ["trait=Sky:Red", "collection=DIGEST&trait=Sky", "collection=DIGEST&trait", &many] {
        let query = bad.replace("DIGEST", DIGEST);
        let response = api.request(Method::GET, &format!("/api/v1/items?{query}")).send().await;
        problem(response.unwrap(), "list_items", "query_invalid").await;
    }
}

#[tokio::test]
async fn traits_are_counted() {
    let api = filled().await;
    let path = format!("/api/v1/collections/31337/{DIGEST}/traits");
    let mut seen = Vec::new();
    let mut page = get(&api, &format!("{path}?limit=2")).await;
    loop {
        for found in page["items"].as_array().unwrap() {
            let part = |name: &str| found[name].as_str().unwrap().to_owned();
            seen.push((part("trait_type"), part("value"), found["items"].as_u64().unwrap()));
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        page = get(&api, &format!("{path}?limit=2&cursor={cursor}")).await;
    }
    let expect = [
        ("", "alone", 1),
        ("Level", "5", 2),
        ("Sky", "Blue", 1),
        // Neither the burned one nor the one that was taken back.
        ("Sky", "Red", 3),
        ("a:b", "c:d", 1),
    ];
    assert_eq!(seen, expect.map(|(kind, value, items)| (kind.to_owned(), value.to_owned(), items)));
    let empty = get(&api, &format!("/api/v1/collections/31337/{FREE}/traits")).await;
    assert_eq!(empty["items"], json!([]));
    let nowhere = format!("/api/v1/collections/31337/{NOWHERE}/traits");
    let response = api.request(Method::GET, &nowhere).send().await.unwrap();
    problem(response, "list_traits", "contract_not_followed").await;
}

#[tokio::test]
async fn documents_are_read_again_on_request() {
    let api = filled().await;
    let path = format!("/api/v1/items/31337/{DIGEST}/1/refresh");
    let ask =
        || async { api.request(Method::POST, &path).bearer_auth(&api.key).send().await.unwrap() };
    assert_eq!(body(ask().await, 202).await, json!({ "queued": true }));
    let metadata = format!("/api/v1/items/31337/{DIGEST}/1/metadata");
    let row = get(&api, &metadata).await;
    assert_eq!((&row["state"], &row["name"]), (&json!("pending"), &json!("Dawn #1")));
    assert_eq!(body(ask().await, 202).await, json!({ "queued": false }), "a moment ago");
    let response = api.request(Method::POST, &path).send().await.unwrap();
    problem(response, "refresh_token_metadata", "key_missing").await;
    // Known to the index, and not to the resolver yet.
    let mut connection = api.database.db.acquire().await.unwrap();
    let forget = "delete from token_metadata where token_id = 4";
    db::raw::execute(&mut connection, forget).await.unwrap();
    let path = format!("/api/v1/items/31337/{DIGEST}/4/metadata");
    assert_eq!(get(&api, &path).await["state"], "pending");
    for (token_id, code) in [("9", "item_unknown"), ("x", "token_id_invalid")] {
        let path = format!("/api/v1/items/31337/{DIGEST}/{token_id}/metadata");
        let response = api.request(Method::GET, &path).send().await.unwrap();
        problem(response, "get_token_metadata", code).await;
        let path = format!("/api/v1/items/31337/{DIGEST}/{token_id}/refresh");
        let asked = api.request(Method::POST, &path).bearer_auth(&api.key).send().await;
        problem(asked.unwrap(), "refresh_token_metadata", code).await;
    }
}

use crate::harness::{ALICE, Api, BOB, DIGEST, FREE, body, problem, start};
use reqwest::Method;
use serde_json::json;

/// Items 1 to 5 of one contract and 1 of another, and the transfers of item 1.
const ROWS: &str = "
    with alice as (select decode('70997970C51812dc3A010C7d01b50e0d17dc79C8', 'hex') as a),
         bob as (select decode('3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', 'hex') as b),
         digest as (select decode('e7f1725E7734CE288F8367e1Bb143E90bb3F0512', 'hex') as d),
         free as (select decode('9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0', 'hex') as f),
         minted as (
             insert into items (chain_id, contract, token_id, owner, uri, intent, minted_block,
                                minted_tx, updated_block)
             select 31337, case when n = 6 then f else d end, case when n = 6 then 1 else n end,
                    case when n % 2 = 0 then a else b end, 'https://example.org', null, 5,
                    decode(repeat('33', 32), 'hex'), 5 + n
               from generate_series(1, 6) n, alice, bob, digest, free
         ),
         checkpoint as (
             insert into checkpoints (chain_id, height, hash, epoch, auditable_height)
             values (31337, 18, decode(repeat('11', 32), 'hex'), 1, 7)
         )
    insert into transfers (chain_id, block_number, log_index, block_hash, tx_hash, contract,
                           token_id, sender, recipient, mined_at)
    select 31337, 4 + n, 0, decode(repeat('11', 32), 'hex'), decode(repeat('33', 32), 'hex'), d, 1,
           case n when 1 then decode(repeat('00', 20), 'hex') else a end,
           case n when 1 then a else b end, '2026-11-20 12:00:00.5Z'
      from generate_series(1, 2) n, alice, bob, digest";

async fn fill(api: &Api) {
    let mut connection = api.database.db.acquire().await.unwrap();
    db::raw::execute(&mut connection, ROWS).await.unwrap();
}

#[tokio::test]
async fn an_item_comes_with_what_belongs_to_it() {
    let api = start().await;
    fill(&api).await;
    let document = json!({ "name": "Dawn", "image": "https://example.org/a.png", "taste": "salt" });
    let stored = api.post("/api/v1/metadata", "m").json(&document).send().await.unwrap();
    let uri = body(stored, 201).await["uri"].as_str().unwrap().to_owned();
    let job = api.mint("k", &json!({ "to": ALICE, "uri": uri })).await;
    let job = body(job, 202).await;
    let mut connection = api.database.db.acquire().await.unwrap();
    let name = "update items set intent = 256,
                       uri = (select uri from mint_jobs where intent = 256)
                 where token_id = 1 and minted_block = 5 and updated_block = 6";
    db::raw::execute(&mut connection, "update mint_jobs set intent = 256").await.unwrap();
    db::raw::execute(&mut connection, name).await.unwrap();

    let path = format!("/api/v1/items/31337/{}/1", DIGEST.to_lowercase());
    let mut item = body(api.request(Method::GET, &path).send().await.unwrap(), 200).await;
    assert_eq!(item["mint_id"], job["id"]);
    assert_eq!(item["uri"], uri);
    assert_eq!(item["level"], "auditable", "block 6 at head 18 has 13 confirmations");
    item["mint_id"] = json!("(id)");
    insta::assert_json_snapshot!(item);
}

#[tokio::test]
async fn items_are_listed_by_owner_and_collection() {
    let api = start().await;
    fill(&api).await;
    let cases = [
        (String::new(), 6),
        (format!("owner={ALICE}"), 3),
        (format!("owner={BOB}&collection={DIGEST}"), 3),
        (format!("collection={FREE}"), 1),
        (format!("collection={FREE}&owner={BOB}"), 0),
        ("chain_id=31337".to_owned(), 6),
    ];
    for (filter, count) in cases {
        let mut seen = Vec::new();
        let mut path = format!("/api/v1/items?limit=2&{filter}");
        loop {
            let page = body(api.request(Method::GET, &path).send().await.unwrap(), 200).await;
            let items = page["items"].as_array().unwrap();
            seen.extend(items.iter().map(|i| format!("{}{}", i["contract"], i["token_id"])));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/api/v1/items?limit=2&{filter}&cursor={cursor}");
        }
        let listed = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((listed, seen.len()), (count, count), "{filter}");
    }
}

#[tokio::test]
async fn unknown_items_and_bad_names() {
    let api = start().await;
    fill(&api).await;
    let cases = [
        (format!("31337/{DIGEST}/7"), "item_unknown"),
        (format!("1/{DIGEST}/1"), "chain_unknown"),
        (format!("x/{DIGEST}/1"), "path_invalid"),
        (format!("99999999999999999999/{DIGEST}/1"), "path_invalid"),
        (format!("31337/{DIGEST}/01"), "token_id_invalid"),
        (format!("31337/{DIGEST}/-1"), "token_id_invalid"),
        (format!("31337/{DIGEST}/0x1"), "token_id_invalid"),
        (format!("31337/{DIGEST}/{}", "9".repeat(78)), "token_id_invalid"),
        ("31337/0xe7f1725e7734CE288F8367e1Bb143E90bb3F0512/1".to_owned(), "address_checksum"),
        ("31337/0x1/1".to_owned(), "address_invalid"),
    ];
    for (path, code) in cases {
        let response = api.get(&format!("/api/v1/items/{path}")).send().await.unwrap();
        eprintln!("{path}");
        problem(response, "get_item", code).await;
    }
}

/// Collections and their items say what a sale owes: as the chain does, once it does.
#[tokio::test]
async fn royalties_are_those_that_the_chain_tells() {
    let api = start().await;
    fill(&api).await;
    let mut connection = api.database.db.acquire().await.unwrap();
    let collection = "insert into collections (chain_id, contract, creator, salt, name, symbol,
                                               base_uri, minted, burned, created_block,
                                               royalty_receiver, royalty_bps)
                      select 31337, decode('e7f1725E7734CE288F8367e1Bb143E90bb3F0512', 'hex'),
                             decode('70997970C51812dc3A010C7d01b50e0d17dc79C8', 'hex'),
                             decode(repeat('33', 32), 'hex'), 'a', 'b', '', 5, 0, 5,
                             decode('3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', 'hex'), 300";
    db::raw::execute(&mut connection, collection).await.unwrap();
    let owed = json!({ "receiver": BOB, "bps": 300 });
    let get =
        async |path: String| body(api.request(Method::GET, &path).send().await.unwrap(), 200).await;
    let shown = get(format!("/api/v1/collections/31337/{DIGEST}")).await;
    assert_eq!(shown["royalty"], owed);
    let shown = get(format!("/api/v1/items/31337/{DIGEST}/1")).await;
    assert_eq!(shown["royalty"], owed);
    let listed = get("/api/v1/items".to_owned()).await;
    for item in listed["items"].as_array().unwrap() {
        let ours = item["contract"] == DIGEST;
        assert_eq!(item.get("royalty"), ours.then_some(&owed), "{item}");
    }
    // In block 18 it became so.
    let change = "insert into blocks (chain_id, number, hash, parent_hash, mined_at)
                  select 31337, n, sha256(n::text::bytea), sha256('a'), now()
                    from generate_series(15, 18) n;";
    db::raw::execute(&mut connection, change).await.unwrap();
    let undo = "insert into undo_records (chain_id, block_number, projection, key, image)
                select 31337, 18, 'collections', jsonb_build_object('contract', contract),
                       to_jsonb(c) || '{\"royalty_bps\": 20}' from collections c";
    db::raw::execute(&mut connection, undo).await.unwrap();
    let listed = get("/api/v1/items?as_of_block=17".to_owned()).await;
    assert_eq!(listed["items"][0]["contract"], FREE);
    let ours = listed["items"].as_array().unwrap().iter().find(|i| i["contract"] == DIGEST);
    assert_eq!(ours.unwrap()["royalty"], json!({ "receiver": BOB, "bps": 20 }));
}

//! A further chain: what is on it can be read, apart from what is elsewhere at the same place, and
//! nothing is sent to it.

use crate::harness::{
    ALICE, Api, BOB, CHAIN, NOWHERE, READ_CHAIN, Setup, URI, body, operator, problem, start_as,
};
use auth::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const ASSET: &str = "0x1111111111111111111111111111111111111111";
const ITEMS: &str = "0x3333333333333333333333333333333333333333";

/// The same contracts and items on both chains: on ours they are Alice's, on the other one Bob's, and
/// there is nothing else.
const ROWS: [&str; 8] = [
    "insert into checkpoints (chain_id, height, hash, epoch, auditable_height, final_height)
     values (31337, 50, decode(repeat('11', 32), 'hex'), 1, 39, 19),
            (31339, 70, decode(repeat('22', 32), 'hex'), 1, 59, 39)",
    "insert into index_sources (chain_id, address, kind, start_block)
     select c, decode(repeat('11', 20), 'hex'), 'erc20', 1 from unnest(array[31337, 31339]) c",
    "insert into index_sources (chain_id, address, kind, start_block)
     select c, decode(repeat('33', 20), 'hex'), 'erc721', 1 from unnest(array[31337, 31339]) c",
    "insert into balances (chain_id, contract, token_id, account, balance, unreliable,
                           updated_block)
     values (31337, decode(repeat('11', 20), 'hex'), 0,
             decode('70997970C51812dc3A010C7d01b50e0d17dc79C8', 'hex'), 5, false, 7),
            (31339, decode(repeat('11', 20), 'hex'), 0,
             decode('3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', 'hex'), 6, false, 7)",
    "insert into items (chain_id, contract, token_id, owner, minted_block, minted_tx, updated_block)
     values (31337, decode(repeat('33', 20), 'hex'), 1,
             decode('70997970C51812dc3A010C7d01b50e0d17dc79C8', 'hex'),
             45, decode(repeat('33', 32), 'hex'), 45),
            (31339, decode(repeat('33', 20), 'hex'), 1,
             decode('3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', 'hex'),
             45, decode(repeat('44', 32), 'hex'), 45)",
    "insert into transfers (chain_id, block_number, log_index, place, block_hash, tx_hash, contract,
                            token_id, amount, sender, recipient, mined_at)
     select i.chain_id, 45, 0, 0, decode(repeat('11', 32), 'hex'), i.minted_tx, i.contract,
            i.token_id, null, decode(repeat('00', 20), 'hex'), i.owner, '2026-11-20 12:00:00Z'
       from items i",
    "insert into raw_logs (chain_id, block_number, block_hash, log_index, tx_hash, tx_index,
                           address, topics, data, mined_at)
     select i.chain_id, 45, decode(repeat('11', 32), 'hex'), 0, i.minted_tx, 1, i.contract,
            decode('ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
                   || repeat('0', 64) || lpad(encode(i.owner, 'hex'), 64, '0')
                   || lpad('1', 64, '0'), 'hex'),
            '', '2026-11-20 12:00:00Z'
       from items i",
    "insert into token_metadata (chain_id, contract, token_id, state, name, resolved_block,
                                 resolved_at, verified)
     select i.chain_id, i.contract, i.token_id, 'resolved', 'of ' || i.chain_id, 45, now(), true
       from items i",
];

async fn filled() -> Api {
    let api = start_as(Setup { read_only: true, ..Setup::default() }).await;
    let mut connection = api.database.db.acquire().await.unwrap();
    for sql in ROWS {
        db::raw::execute(&mut connection, sql).await.unwrap();
    }
    api
}

async fn look(api: &Api, path: &str) -> Value {
    body(api.get(&format!("/api/v1{path}")).send().await.unwrap(), 200).await
}

#[tokio::test]
async fn each_chain_is_read_apart_from_the_other() {
    let api = filled().await;
    let ours = [CHAIN, READ_CHAIN];
    for (chain, owner, other, height) in [(ours[0], ALICE, BOB, 50), (ours[1], BOB, ALICE, 70)] {
        let query = format!("chain_id={chain}");
        let lists = [
            format!("/items?{query}"),
            format!("/items?{query}&collection={ITEMS}"),
            format!("/items?{query}&owner={owner}"),
            format!("/balances?{query}&account={owner}"),
            format!("/holders?{query}&contract={ITEMS}"),
            format!("/holders?{query}&contract={ASSET}"),
            format!("/transfers?{query}&contract={ITEMS}"),
            format!("/transfers?{query}&account={owner}"),
            format!("/logs?{query}&address={ITEMS}"),
        ];
        for list in &lists {
            let response = api.get(&format!("/api/v1{list}")).send().await.unwrap();
            let as_of = response.headers()["x-as-of"].to_str().unwrap().to_owned();
            assert!(as_of.starts_with(&format!("{height} ")), "{list}: {as_of}");
            let page = body(response, 200).await;
            assert_eq!(page["items"].as_array().unwrap().len(), 1, "{list}: {page}");
            let text = page.to_string().to_lowercase();
            assert!(text.contains(&owner[2..].to_lowercase()), "{list}: {page}");
            assert!(!text.contains(&other[2..].to_lowercase()), "{list}: {page}");
        }
        for list in ["items?owner", "balances?account", "transfers?account"] {
            let page = look(&api, &format!("/{list}={other}&{query}")).await;
            assert_eq!(page["items"], json!([]), "{list}");
        }
        let item = look(&api, &format!("/items/{chain}/{ITEMS}/1")).await;
        assert_eq!((&item["owner"], &item["chain_id"]), (&json!(owner), &json!(chain)));
        // 6 confirmations there, 26 here.
        let level = if chain == CHAIN { "tentative" } else { "auditable" };
        assert_eq!(item["level"], level, "{item}");
        let document = look(&api, &format!("/items/{chain}/{ITEMS}/1/metadata")).await;
        assert_eq!(document["name"], format!("of {chain}"), "{document}");
    }
    let none = look(&api, "/items").await;
    assert_eq!(none["items"][0]["chain_id"], CHAIN, "who names no chain means the first");
    problem(
        api.get("/api/v1/items?chain_id=5").send().await.unwrap(),
        "list_items",
        "chain_unknown",
    )
    .await;

    let indexes = look(&api, "/index").await;
    let shown: Vec<(&Value, &Value)> = indexes["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|index| (&index["chain_id"], &index["read_only"]))
        .collect();
    let wanted = [(json!(CHAIN), json!(false)), (json!(READ_CHAIN), json!(true))];
    assert_eq!(shown, wanted.iter().map(|(id, only)| (id, only)).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_would_be_sent_to_it_is_refused_and_leaves_nothing() {
    let api = filled().await;
    let who = operator(&api.database.db, &Scope::ALL).await;
    let chain_id = READ_CHAIN;
    let mint = json!({ "to": ALICE, "uri": URI, "collection": ITEMS, "chain_id": chain_id });
    let collection = json!({
        "name": "Pictures", "symbol": "PIC", "content_mode": "digest", "chain_id": chain_id,
    });
    let call = json!({ "to": BOB, "value": "1", "chain_id": chain_id });
    let named = json!({
        "contract": "default_collection", "function": "pause", "args": [], "chain_id": chain_id,
    });
    let sponsor = json!({ "name": "welcome", "chain_id": chain_id });
    let wallet = json!({ "role": "operator", "chain_id": chain_id });
    let pause = format!("/wallets/{chain_id}/{NOWHERE}/pause");
    let drain = format!("/wallets/{chain_id}/{NOWHERE}/drain");
    let cases = [
        ("/mints", &mint, "request_mint"),
        ("/collections", &collection, "request_collection"),
        ("/transactions", &call, "request_transaction"),
        ("/transactions", &named, "request_transaction"),
        ("/transactions/quote", &call, "quote_transaction"),
        ("/sponsors", &sponsor, "create_sponsor"),
        ("/wallets", &wallet, "create_wallet"),
        (pause.as_str(), &json!({}), "pause_wallet"),
        (drain.as_str(), &json!({ "to": BOB }), "drain_wallet"),
    ];
    for (path, asked, operation) in cases {
        // A refusal takes no key, so that the same is told again.
        for _ in 0..2 {
            let request = api.post_as(&who, &format!("/api/v1{path}"), "the-same").json(asked);
            let told = problem(request.send().await.unwrap(), operation, "chain_read_only").await;
            assert_eq!(told["status"], StatusCode::CONFLICT.as_u16());
            assert!(told["detail"].as_str().unwrap().contains("chain 31339"), "{told}");
        }
    }
    let items = json!({ "items": [
        { "id": "a", "to": ALICE, "uri": URI },
        { "id": "b", "to": ALICE, "uri": URI, "chain_id": chain_id, "collection": ITEMS },
    ]});
    let batch =
        api.post_as(&who, "/api/v1/mints/batch", "batch").json(&items).send().await.unwrap();
    let told = problem(batch, "request_mints", "mints_invalid").await;
    let (pointer, code) = (&told["errors"][0]["pointer"], &told["errors"][0]["code"]);
    assert_eq!((pointer, code), (&json!("/items/1"), &json!("chain_read_only")), "{told}");

    // An ABI is for reading, too.
    let abi = json!([{ "type": "event", "name": "Told", "anonymous": false, "inputs": [] }]);
    let abi = json!({ "address": ITEMS, "name": "Theirs", "abi": abi, "chain_id": chain_id });
    let stored = api.post_as(&who, "/api/v1/abis", "abi").json(&abi).send().await.unwrap();
    body(stored, 201).await;
    for list in ["/mints", "/transactions", "/wallets", "/sponsors"] {
        let request = api.get_as(&who, &format!("/api/v1{list}?chain_id={chain_id}"));
        assert_eq!(body(request.send().await.unwrap(), 200).await["items"], json!([]), "{list}");
    }
}

/// Its nodes may be away for hours: what the server writes to is what it needs.
#[tokio::test]
async fn a_further_chain_that_is_away_leaves_the_server_ready() {
    let node = testkit::anvil(testkit::NodeOptions::default()).await;
    node.mine(50).await;
    let endpoint = node.endpoint.clone();
    let setup = Setup { nodes: vec![endpoint], read_only: true, ..Setup::default() };
    let api = start_as(setup).await;
    let checkpoint = "insert into checkpoints (chain_id, height, hash, epoch)
                      values (31337, 50, decode(repeat('11', 32), 'hex'), 1)";
    let mut connection = api.database.db.acquire().await.unwrap();
    db::raw::execute(&mut connection, checkpoint).await.unwrap();
    let found = body(api.request(Method::GET, "/ready").send().await.unwrap(), 200).await;
    let chains: Vec<(&Value, &Value, &Value)> = found["chains"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chain| (&chain["chain_id"], &chain["read_only"], &chain["ready"]))
        .collect();
    let (ours, theirs) = (json!(CHAIN), json!(READ_CHAIN));
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(chains, [(&ours, &no, &yes), (&theirs, &yes, &no)]);
}

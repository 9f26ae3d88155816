//! Balances, holders, transfers and logs of all contracts, and as of which block they are.

use crate::harness::{ALICE, Api, BOB, DIGEST, FREE, NOWHERE, body, operator, problem, start};
use auth::Scope;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ASSET: &str = "0x1111111111111111111111111111111111111111";
const MULTI: &str = "0x2222222222222222222222222222222222222222";
const ITEMS: &str = "0x3333333333333333333333333333333333333333";

const ROWS: [&str; 8] = [
    "insert into checkpoints (chain_id, height, hash, epoch)
     values (31337, 18, decode(repeat('11', 32), 'hex'), 1)",
    "insert into index_sources (chain_id, address, kind, start_block)
     values (31337, decode(repeat('11', 20), 'hex'), 'erc20', 1),
            (31337, decode(repeat('22', 20), 'hex'), 'erc1155', 1),
            (31337, decode(repeat('33', 20), 'hex'), 'erc721', 1)",
    // Of 12 accounts and Alice; Bob's does not add up, and one is 0.
    "insert into balances (chain_id, contract, token_id, account, balance, unreliable,
                           updated_block)
     select 31337, decode(repeat('11', 20), 'hex'), 0, decode(lpad(to_hex(n), 40, '0'), 'hex'),
            n, false, n
       from generate_series(0, 12) n",
    "insert into balances (chain_id, contract, token_id, account, balance, unreliable,
                           updated_block)
     values (31337, decode(repeat('11', 20), 'hex'), 0,
             decode('70997970C51812dc3A010C7d01b50e0d17dc79C8', 'hex'),
             115792089237316195423570985008687907853269984665640564039457584007913129639935,
             false, 7),
            (31337, decode(repeat('11', 20), 'hex'), 0,
             decode('3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', 'hex'), -5, true, 8),
            (31337, decode(repeat('22', 20), 'hex'), 17,
             decode('70997970C51812dc3A010C7d01b50e0d17dc79C8', 'hex'), 3, false, 9),
            (31337, decode(repeat('22', 20), 'hex'), 18,
             decode('70997970C51812dc3A010C7d01b50e0d17dc79C8', 'hex'), 4, false, 9)",
    "insert into items (chain_id, contract, token_id, owner, minted_block, minted_tx, updated_block)
     select 31337, decode(repeat('33', 20), 'hex'), n,
            case when n = 9 then null
                 when n % 2 = 0 then decode('70997970C51812dc3A010C7d01b50e0d17dc79C8', 'hex')
                 else decode('3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', 'hex') end,
            5, decode(repeat('33', 32), 'hex'), 5
       from generate_series(1, 9) n",
    // Alice to Bob in even blocks, back in odd ones; two places in each log.
    "insert into transfers (chain_id, block_number, log_index, place, block_hash, tx_hash, contract,
                            token_id, amount, sender, recipient, mined_at)
     select 31337, n, 0, p, decode(repeat('11', 32), 'hex'), decode(repeat('33', 32), 'hex'),
            decode(repeat(case when n > 8 then '22' else '33' end, 20), 'hex'), n % 3,
            case when n > 8 then p + 1 end,
            case when n % 2 = 0 then a else b end, case when n % 2 = 0 then b else a end,
            '2026-11-20 12:00:00.5Z'
       from generate_series(1, 10) n, generate_series(0, 1) p,
            (select decode('70997970C51812dc3A010C7d01b50e0d17dc79C8', 'hex') as a,
                    decode('3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', 'hex') as b) who",
    // Transfers of the asset, and a log that is none of any standard.
    "insert into raw_logs (chain_id, block_number, block_hash, log_index, tx_hash, tx_index,
                           address, topics, data, mined_at)
     select 31337, n, decode(repeat('11', 32), 'hex'), 3, decode(repeat('33', 32), 'hex'), 1,
            decode(repeat('11', 20), 'hex'),
            decode('ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
                   || lpad('aa', 64, '0') || lpad('bb', 64, '0'), 'hex'),
            decode(lpad(to_hex(n), 64, '0'), 'hex'), '2026-11-20 12:00:00Z'
       from generate_series(1, 10) n",
    "insert into raw_logs (chain_id, block_number, block_hash, log_index, tx_hash, tx_index,
                           address, topics, data, mined_at)
     values (31337, 4, decode(repeat('11', 32), 'hex'), 9, decode(repeat('33', 32), 'hex'), 1,
             decode(repeat('22', 20), 'hex'),
             decode('85ee9a6d1e9d2e6ba6ee0b4a1f1ed9e16b7b8a1a4b0ad5e2cf2f0f5a8a0b4c11', 'hex'),
             decode(repeat('ab', 20000), 'hex'), null)",
];

async fn filled() -> Api {
    let api = start().await;
    let mut connection = api.database.db.acquire().await.unwrap();
    for sql in ROWS {
        db::raw::execute(&mut connection, sql).await.unwrap();
    }
    api
}

async fn look(api: &Api, path: &str) -> Value {
    let response = api.request(Method::GET, path).send().await.unwrap();
    let as_of = response.headers().get("x-as-of").map(|value| value.to_str().unwrap().to_owned());
    let wanted = format!("18 0x{}", "11".repeat(32));
    assert_eq!(as_of.as_deref(), Some(wanted.as_str()), "{path}");
    body(response, 200).await
}

/// All entries of a list, read in pages; what it reflects is the same on each.
async fn pages(api: &Api, path: &str, limit: u32) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = look(api, &format!("/api/v1/{path}&limit={limit}{cursor}")).await;
        let as_of = json!({ "number": 18, "hash": format!("0x{}", "11".repeat(32)) });
        assert_eq!(page["as_of"], as_of);
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[tokio::test]
async fn balances_and_holders_are_listed_in_pages() {
    let api = filled().await;
    let max = vocab::U256::MAX.to_string();
    for limit in [3, 200] {
        let of_asset = pages(&api, &format!("balances?contract={ASSET}"), limit).await;
        assert_eq!(of_asset.len(), 14, "those of 0 are left out");
        assert!(of_asset.iter().all(|row| row["token_id"].is_null()));
        let bob = of_asset.iter().find(|row| row["account"] == BOB).unwrap();
        assert!(bob["balance"].is_null(), "{bob}");
        let of_alice = pages(&api, &format!("balances?account={ALICE}"), limit).await;
        let shown: Vec<_> = of_alice.iter().map(|r| (&r["token_id"], &r["balance"])).collect();
        let wanted =
            [(json!(null), json!(max)), (json!("17"), json!("3")), (json!("18"), json!("4"))];
        assert_eq!(shown, wanted.iter().map(|(id, n)| (id, n)).collect::<Vec<_>>());
        let one = format!("balances?account={ALICE}&contract={MULTI}&token_id=18");
        assert_eq!(pages(&api, &one, limit).await.len(), 1);
        let holders = pages(&api, &format!("holders?contract={ITEMS}"), limit).await;
        let wanted = [
            json!({ "account": BOB, "balance": "4" }),
            json!({ "account": ALICE, "balance": "4" }),
        ];
        assert_eq!(holders, wanted);
        assert_eq!(pages(&api, &format!("holders?contract={ASSET}"), limit).await.len(), 14);
        let of_item = pages(&api, &format!("holders?contract={MULTI}&token_id=17"), limit).await;
        assert_eq!(of_item, [json!({ "account": ALICE, "balance": "3" })]);
        assert!(pages(&api, &format!("holders?contract={DIGEST}"), limit).await.is_empty());
    }
}

#[tokio::test]
async fn transfers_are_listed_newest_first() {
    let api = filled().await;
    let cases = [
        ("chain_id=31337".to_owned(), 20),
        (format!("contract={ITEMS}"), 16),
        (format!("contract={ITEMS}&token_id=1"), 6),
        (format!("account={ALICE}"), 20),
        (format!("account={BOB}&contract={MULTI}&from_block=10"), 2),
        ("from_block=3&to_block=4".to_owned(), 4),
        (format!("account={NOWHERE}"), 0),
        ("from_block=9223372036854775807".to_owned(), 0),
    ];
    for (filter, count) in cases {
        for limit in [3, 200] {
            let rows = pages(&api, &format!("transfers?{filter}"), limit).await;
            let places: Vec<(u64, u64)> = rows
                .iter()
                .map(|r| (r["block"]["number"].as_u64().unwrap(), r["place"].as_u64().unwrap()))
                .collect();
            assert_eq!(places.len(), count, "{filter}");
            assert!(places.is_sorted_by(|one, next| one > next), "{filter}: {places:?}");
        }
    }
    let rows = pages(&api, "transfers?from_block=9&to_block=9", 5).await;
    assert_eq!((&rows[0]["amount"], &rows[0]["from"]), (&json!("2"), &json!(BOB)));
    let rows = pages(&api, "transfers?from_block=8&to_block=8", 5).await;
    assert_eq!((&rows[0]["amount"], &rows[0]["from"]), (&json!(null), &json!(ALICE)));
}

#[tokio::test]
async fn logs_are_listed_and_read_where_an_abi_is_known() {
    let api = filled().await;
    let transfer = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
    for limit in [3, 200] {
        assert_eq!(pages(&api, "logs?chain_id=31337", limit).await.len(), 11);
        let of_asset = pages(&api, &format!("logs?address={ASSET}&topic0={transfer}"), limit).await;
        assert_eq!(of_asset.len(), 10);
        assert!(
            pages(&api, &format!("logs?address={MULTI}&topic0={transfer}"), limit).await.is_empty()
        );
        let some =
            pages(&api, &format!("logs?address={ASSET}&from_block=4&to_block=6"), limit).await;
        let blocks: Vec<_> = some.iter().map(|log| log["block"]["number"].as_u64()).collect();
        assert_eq!(blocks, [Some(4), Some(5), Some(6)]);
        let said = &some[0]["decoded"];
        assert_eq!(said["signature"], "Transfer(address,address,uint256)");
        assert_eq!(said["args"]["value"], "4");
        assert_eq!(some[0]["mined_at"], "2026-11-20T12:00:00.000Z");
    }
    let large = pages(&api, &format!("logs?address={MULTI}"), 5).await.remove(0);
    assert_eq!((&large["decoded"], &large["mined_at"]), (&json!(null), &json!(null)));
    assert_eq!(large["data_length"], 20_000);
    assert_eq!(large["data"].as_str().unwrap().len(), 2 + 2 * 16 * 1024);

    // An uploaded ABI comes first.
    let key = operator(&api.database.db, &[Scope::TransactionsWrite]).await;
    let input = |name: &str, kind: &str, indexed: bool| -> Value {
        json!({ "name": name, "type": kind, "indexed": indexed })
    };
    let abi = json!([{ "type": "event", "name": "Transfer", "anonymous": false, "inputs": [
        input("giver", "address", true), input("taker", "address", true),
        input("grams", "uint256", false),
    ]}]);
    let upload = json!({ "address": ASSET, "name": "gold", "abi": abi });
    let stored = api.post_as(&key, "/api/v1/abis", "k").json(&upload).send().await.unwrap();
    body(stored, 201).await;
    let log = pages(&api, &format!("logs?address={ASSET}&to_block=1"), 5).await.remove(0);
    assert_eq!(log["decoded"]["args"]["grams"], "1");
}

#[tokio::test]
async fn a_read_waits_for_its_block_and_not_for_ever() {
    let api = filled().await;
    let paths = [
        format!("balances?account={ALICE}"),
        format!("holders?contract={ITEMS}"),
        "transfers?chain_id=31337".to_owned(),
        "logs?chain_id=31337".to_owned(),
        "items?chain_id=31337".to_owned(),
        format!("items/31337/{ITEMS}/1?"),
    ];
    let operations =
        ["list_balances", "list_holders", "list_transfers", "list_logs", "list_items", "get_item"];
    for path in &paths {
        look(&api, &format!("/api/v1/{path}&wait_for_block=18")).await;
        if !path.starts_with(['t', 'l']) && !path.ends_with('?') {
            let page = look(&api, &format!("/api/v1/{path}&as_of_block=18")).await;
            assert!(page["as_of"].is_null() || page["as_of"]["number"] == 18, "{page}");
        }
    }
    let started = Instant::now();
    let late = paths
        .iter()
        .map(|path| api.request(Method::GET, &format!("/api/v1/{path}&wait_for_block=19")).send());
    for (response, operation) in
        futures_util::future::join_all(late).await.into_iter().zip(operations)
    {
        let response = response.unwrap();
        assert_eq!(response.headers()["retry-after"], "1");
        let said = problem(response, operation, "block_not_indexed").await;
        assert!(said["detail"].as_str().unwrap().contains("indexed is 18"), "{said}");
    }
    assert!(started.elapsed() >= Duration::from_secs(3));
    // Nobody is kept waiting for what can't come.
    for far in ["10019", "9223372036854775808", "-1"] {
        for (path, operation) in paths.iter().zip(operations) {
            let path = format!("/api/v1/{path}&wait_for_block={far}");
            let response = api.request(Method::GET, &path).send().await.unwrap();
            problem(response, operation, "query_invalid").await;
        }
    }

    let path = format!("/api/v1/{}&wait_for_block=19", paths[0]);
    let mut waiting = tokio::spawn(api.request(Method::GET, &path).send());
    let mut connection = api.database.db.acquire().await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), &mut waiting).await;
    assert!(early.is_err(), "it waits for the block");
    let advance = "update checkpoints set height = 19, hash = decode(repeat('12', 32), 'hex')";
    db::raw::execute(&mut connection, advance).await.unwrap();
    let page = body(waiting.await.unwrap().unwrap(), 200).await;
    assert_eq!(page["as_of"]["number"], 19);
}

#[tokio::test]
async fn what_can_not_be_listed_is_refused() {
    let api = filled().await;
    let cases = [
        ("balances?limit=5".to_owned(), "list_balances", "query_invalid"),
        (
            format!("balances?account={ALICE}&as_of_block=7"),
            "list_balances",
            "block_outside_window",
        ),
        (format!("holders?contract={ITEMS}&as_of_block=7"), "list_holders", "block_outside_window"),
        ("items?as_of_block=7".to_owned(), "list_items", "block_outside_window"),
        ("items?as_of_block=-1".to_owned(), "list_items", "query_invalid"),
        (format!("balances?account={ALICE}&token_id=1"), "list_balances", "query_invalid"),
        (format!("balances?contract={ASSET}&token_id=01"), "list_balances", "token_id_invalid"),
        ("balances?account=0x12".to_owned(), "list_balances", "address_invalid"),
        ("balances?account=0x12&owner=1".to_owned(), "list_balances", "query_invalid"),
        (format!("balances?account={ALICE}&chain_id=1"), "list_balances", "chain_unknown"),
        (format!("balances?account={ALICE}&limit=0"), "list_balances", "query_invalid"),
        (format!("balances?account={ALICE}&cursor=x"), "list_balances", "cursor_invalid"),
        ("holders?limit=5".to_owned(), "list_holders", "query_invalid"),
        (format!("holders?contract={NOWHERE}"), "list_holders", "contract_not_followed"),
        (format!("holders?contract={MULTI}"), "list_holders", "query_invalid"),
        (format!("holders?contract={ASSET}&token_id=1"), "list_holders", "query_invalid"),
        (format!("holders?contract={FREE}&token_id=1"), "list_holders", "query_invalid"),
        ("transfers?token_id=1".to_owned(), "list_transfers", "query_invalid"),
        ("transfers?from_block=-1".to_owned(), "list_transfers", "query_invalid"),
        (format!("logs?topic0=0x{}", "11".repeat(32)), "list_logs", "query_invalid"),
        (format!("logs?address={ASSET}&topic0=0x12"), "list_logs", "query_invalid"),
        (format!("items?wait_for_block=x&owner={ALICE}"), "list_items", "query_invalid"),
    ];
    for (path, operation, code) in cases {
        let response = api.get(&format!("/api/v1/{path}")).send().await.unwrap();
        eprintln!("{path}");
        problem(response, operation, code).await;
    }
    // A cursor goes with its own list and filters.
    let page = look(&api, &format!("/api/v1/balances?contract={ASSET}&limit=1")).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    for path in [format!("balances?contract={MULTI}"), format!("holders?contract={ASSET}")] {
        let path = format!("/api/v1/{path}&cursor={cursor}");
        problem(api.get(&path).send().await.unwrap(), "", "cursor_invalid").await;
    }
}

/// Logs that were read by an ABI are found by what they say.
#[tokio::test]
async fn logs_are_found_by_event_and_argument() {
    let api = filled().await;
    let rows = "insert into decoded_logs (chain_id, block_number, log_index, contract, event,
                                          signature, args)
        select chain_id, block_number, log_index, address, 'Paid', 'Paid(address,uint256,bool)',
               jsonb_build_object('who', '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
                                  'amount', block_number::text, 'ok', block_number % 2 = 0)
          from raw_logs where address = decode(repeat('11', 20), 'hex')";
    let mut connection = api.database.db.acquire().await.unwrap();
    db::raw::execute(&mut connection, rows).await.unwrap();
    let alice = ALICE.to_lowercase();
    for limit in [2, 200] {
        let all = pages(&api, "logs?event=Paid", limit).await;
        assert_eq!(all.len(), 10);
        let args = json!({ "who": ALICE, "amount": "1", "ok": false });
        assert_eq!(all[0]["decoded"]["args"], args);
        assert_eq!(all[0]["decoded"]["signature"], "Paid(address,uint256,bool)");
        for (filter, count) in [
            (format!("event=Paid&argument=who&value={alice}"), 10),
            (format!("event=Paid&argument=who&value={BOB}"), 0),
            ("event=Paid&argument=amount&value=7".to_owned(), 1),
            ("event=Paid&argument=ok&value=true".to_owned(), 5),
            (format!("event=Paid&address={ASSET}&from_block=4&to_block=6"), 3),
            (format!("event=Paid&address={MULTI}"), 0),
            ("event=Nothing".to_owned(), 0),
        ] {
            let found = pages(&api, &format!("logs?{filter}"), limit).await;
            assert_eq!(found.len(), count, "{filter}");
        }
    }
    for bad in [
        "argument=who&value=1",
        "event=Paid&argument=who",
        "event=Paid&value=1",
        "event=%00",
        &format!("event=Paid&address={ASSET}&topic0=0x{}", "11".repeat(32)),
    ] {
        let response = api.get(&format!("/api/v1/logs?{bad}")).send().await.unwrap();
        problem(response, "list_logs", "query_invalid").await;
    }
}

/// A range of blocks that ends before it begins is no range.
#[tokio::test]
async fn ranges_of_blocks_that_end_before_they_begin_are_refused() {
    let api = filled().await;
    for (list, operation) in [("logs", "list_logs"), ("transfers", "list_transfers")] {
        let path = format!("/api/v1/{list}?from_block=6&to_block=5");
        let response = api.get(&path).send().await.unwrap();
        let said = problem(response, operation, "query_invalid").await;
        assert_eq!(said["errors"][0]["pointer"], "?from_block", "{said}");
        look(&api, &format!("/api/v1/{list}?from_block=5&to_block=5")).await;
    }
}

/// What ended is not shown as if it went on; and what is asked of its own blocks is answered.
#[tokio::test]
async fn reads_of_a_removed_contract_say_where_it_ends() {
    let api = filled().await;
    let mut connection = api.database.db.acquire().await.unwrap();
    db::raw::execute(&mut connection, "update index_sources set last_block = 7").await.unwrap();
    let state = [
        (format!("balances?contract={ASSET}"), "list_balances"),
        (format!("holders?contract={ITEMS}"), "list_holders"),
        (format!("items?collection={ITEMS}"), "list_items"),
        (format!("items/31337/{ITEMS}/1"), "get_item"),
        (format!("items/31337/{ITEMS}/1/metadata"), "get_token_metadata"),
        (format!("transfers?contract={MULTI}"), "list_transfers"),
        (format!("transfers?contract={MULTI}&to_block=8"), "list_transfers"),
        (format!("logs?address={ASSET}"), "list_logs"),
        (format!("logs?address={ASSET}&to_block=8"), "list_logs"),
    ];
    for (path, operation) in &state {
        let response = api.get(&format!("/api/v1/{path}")).send().await.unwrap();
        let said = problem(response, operation, "contract_not_followed").await;
        assert!(said["detail"].as_str().unwrap().contains("to block 7"), "{said}");
    }
    for path in [
        format!("logs?address={ASSET}&to_block=7"),
        format!("transfers?contract={ITEMS}&from_block=2&to_block=7"),
    ] {
        let page = look(&api, &format!("/api/v1/{path}")).await;
        assert!(!page["items"].as_array().unwrap().is_empty(), "{path}: {page}");
    }
    for list in ["items?limit=200", "transfers?limit=200", "logs?limit=200"] {
        let page = look(&api, &format!("/api/v1/{list}")).await;
        let text = page["items"].to_string();
        assert!(![ASSET, MULTI, ITEMS].iter().any(|hidden| text.contains(hidden)), "{list}");
    }
    // An event that was taken from any contract.
    let anywhere = "update index_sources set anywhere = true, kind = 'events',
                           abi = '[{\"type\": \"event\", \"name\": \"Paid\", \"inputs\": []}]'
                     where address = decode(repeat('11', 20), 'hex')";
    db::raw::execute(&mut connection, anywhere).await.unwrap();
    let response = api.get("/api/v1/logs?event=Paid").send().await.unwrap();
    problem(response, "list_logs", "contract_not_followed").await;
    look(&api, "/api/v1/logs?event=Paid&to_block=7").await;
    look(&api, "/api/v1/logs?event=Other").await;
    // Its logs are those of contracts that nobody names: asked for by them, too, they are only those
    // that were all there.
    let told = "insert into raw_logs (chain_id, block_number, block_hash, log_index, tx_hash,
                                      tx_index, address, topics, data)
                select 31337, n, decode(repeat('11', 32), 'hex'), 12, decode(repeat('33', 32), 'hex'),
                       1, decode(repeat('44', 20), 'hex'),
                       decode(repeat('00', 12) || repeat('11', 20), 'hex'), ''
                  from generate_series(6, 7) n";
    db::raw::execute(&mut connection, told).await.unwrap();
    let nobody = format!("0x{}", "44".repeat(20));
    for (range, count) in [("", 0), ("&to_block=8", 0), ("&to_block=7", 2), ("&to_block=6", 1)] {
        let page = look(&api, &format!("/api/v1/logs?address={nobody}{range}")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{range}: {page}");
    }
    let page = look(&api, "/api/v1/logs?limit=200").await;
    assert!(!page["items"].to_string().contains(&nobody), "{page}");
    // A collection of ours goes on as that.
    let ours = "insert into collections (chain_id, contract, creator, salt, created_block)
                select chain_id, address, address, sha256(''), 1
                  from index_sources where kind = 'erc721'";
    db::raw::execute(&mut connection, ours).await.unwrap();
    look(&api, &format!("/api/v1/items?collection={ITEMS}")).await;
}

/// What is not whole yet is not shown as if it were.
#[tokio::test]
async fn reads_of_a_contract_that_is_being_added_say_so() {
    let api = filled().await;
    let mut connection = api.database.db.acquire().await.unwrap();
    let mut pages_of = Vec::new();
    let lists = [format!("balances?account={ALICE}"), "items?limit=200".to_owned()];
    let lists = lists.into_iter().chain(["transfers".to_owned(), "logs".to_owned()]);
    let lists: Vec<String> = lists.collect();
    for list in &lists {
        let path = if list.contains('?') { list.clone() } else { format!("{list}?limit=200") };
        pages_of.push(look(&api, &format!("/api/v1/{path}")).await);
    }
    db::raw::execute(&mut connection, "update index_sources set height = 7").await.unwrap();
    let one = [
        (format!("balances?contract={ASSET}"), "list_balances"),
        (format!("holders?contract={ITEMS}"), "list_holders"),
        (format!("items?collection={ITEMS}"), "list_items"),
        (format!("transfers?contract={MULTI}"), "list_transfers"),
        (format!("logs?address={ASSET}"), "list_logs"),
        (format!("items/31337/{ITEMS}/1"), "get_item"),
    ];
    for (path, operation) in one {
        let response = api.get(&format!("/api/v1/{path}")).send().await.unwrap();
        assert_eq!(response.headers()["retry-after"], "5", "{path}");
        let said = problem(response, operation, "source_backfilling").await;
        assert!(said["detail"].as_str().unwrap().contains("block 7"), "{said}");
    }
    for (list, before) in lists.iter().zip(&pages_of) {
        let path = if list.contains('?') { list.clone() } else { format!("{list}?limit=200") };
        let page = look(&api, &format!("/api/v1/{path}")).await;
        let (now, then) = (page["items"].as_array(), before["items"].as_array());
        assert!(now.unwrap().len() < then.unwrap().len(), "{list}");
        let text = page["items"].to_string();
        assert!(![ASSET, MULTI, ITEMS].iter().any(|hidden| text.contains(hidden)), "{list}");
    }
    let done = "update index_sources set height = null";
    db::raw::execute(&mut connection, done).await.unwrap();
    look(&api, &format!("/api/v1/balances?contract={ASSET}")).await;
}

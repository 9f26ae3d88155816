//! A server with a further chain: it indexes it and answers reads of it, and sends nothing to it.

use crate::server::{Home, Options, Server, fresh_address};
use alloy_primitives::hex;
use db::digest::{self, TableDigest};
use prove::storms::{Again, Site, token_code};
use rand::{SeedableRng, rngs::StdRng};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};
use testkit::{ACCOUNTS, Fault, FaultProxy, Rule, eventually_within};
use vocab::{Address, ChainId, U256};

const PATIENCE: Duration = Duration::from_secs(60);
const OTHER: u64 = 31_338;

/// Both chains have the token at the same address; the other one's items are its own.
fn write(home: &Home, site: &Site, node: &FaultProxy) -> PathBuf {
    std::fs::create_dir_all(home.path()).unwrap();
    let file = home.path().join("stoa.toml");
    let token = format!("address = \"{}\"\nstandard = \"erc20\"\nstart_block = 1\n", site.token());
    let mut text = format!(
        "[indexer]\nback_off_ms_max = 500\n[[sources]]\n{token}\
         [[chains]]\nid = {OTHER}\nname = \"other\"\nblock_time_ms = 200\nauditable_blocks = 3\n\
         [[chains.endpoints]]\nurl = \"{}\"\ntimeout_ms = 1_000\n[[chains.sources]]\n{token}",
        node.http_url(),
    );
    for salt in 0..3 {
        let collection = site.collection(salt);
        text.push_str(&format!(
            "[[chains.sources]]\naddress = \"{collection}\"\nstandard = \"erc721\"\nstart_block = 1\n"
        ));
    }
    std::fs::write(&file, text).unwrap();
    file
}

/// The token, at its address on the server's own chain, tells of this many transfers.
async fn tell_on_own_chain(server: &Server, token: Address, count: u64) {
    let endpoint = server.endpoint();
    let send = async |call: Value| {
        let hash: String = endpoint.call("eth_sendTransaction", json!([call])).await.unwrap();
        eventually_within(PATIENCE, "a receipt", || async {
            let receipt = endpoint.call("eth_getTransactionReceipt", json!([hash])).await;
            receipt.ok().filter(|receipt: &Value| !receipt.is_null())
        })
        .await
    };
    // Its address follows from the sender and the number of what that has sent before.
    let code = token_code().unwrap();
    loop {
        let receipt = send(json!({ "from": ACCOUNTS[0], "input": code, "gas": "0x2dc6c0" })).await;
        let made: Address = receipt["contractAddress"].as_str().unwrap().parse().unwrap();
        if made == token {
            break;
        }
    }
    let input = hex::encode_prefixed(U256::from(count).to_be_bytes_vec());
    send(json!({ "from": ACCOUNTS[1], "to": token, "input": input, "gas": "0x2dc6c0" })).await;
}

async fn stands_at_head(server: &Server, site: &Site) -> u64 {
    let head = site.head().await.unwrap();
    eventually_within(PATIENCE, "the other chain's index stands at its head", || async {
        let (_, found) = server.get("/index").await;
        let all = found["items"].as_array()?.clone();
        let of = all.into_iter().find(|index| index["chain_id"] == OTHER)?;
        let at = (&of["block_number"], &of["block_hash"]);
        (at == (&json!(head.number), &json!(head.hash.to_string()))).then_some(head.number)
    })
    .await
}

/// All of a list, in pages.
async fn all(server: &Server, list: &str) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = server.get(&format!("/{list}&limit=200{cursor}")).await;
        assert_eq!(status, StatusCode::OK, "{list}: {page}");
        found.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// Who has which item, as the chain says.
async fn owner_on_chain(site: &Site, collection: &str, token_id: &str) -> Option<Address> {
    let id: U256 = token_id.parse().unwrap();
    let input = format!("0x6352211e{id:064x}");
    let call = json!([{ "to": collection, "input": input }, "latest"]);
    let word: Result<String, _> = site.node.endpoint.call("eth_call", call).await;
    word.ok().map(|word| format!("0x{}", &word[26..]).parse().unwrap())
}

async fn readiness(server: &Server) -> (StatusCode, Value) {
    let url = format!("{}/ready", server.text("http"));
    let response = server.http.get(url).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn run_index(words: &[&str]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
    command.arg("index").args(words).stdin(Stdio::null());
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if status.success() { Ok(text(&stdout)) } else { Err(text(&stderr)) }
}

async fn digest_of_other(db: &db::Db) -> Vec<TableDigest> {
    let mut connection = db.acquire().await.unwrap();
    digest::load(&mut connection, ChainId(OTHER)).await.unwrap()
}

/// The chains that facts of a topic are of.
async fn of_chains(server: &Server, topic: &str) -> BTreeSet<String> {
    let (mut found, mut after) = (BTreeSet::new(), 0);
    loop {
        let path = format!("/facts?topic={topic}&limit=200&after={after}");
        let (status, page) = server.get(&path).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let facts = page["facts"].as_array().unwrap();
        let Some(last) = facts.last() else { return found };
        after = last["seq"].as_i64().unwrap();
        let ids = facts.iter().filter_map(|fact| fact["data"]["chain_id"].as_str());
        found.extend(ids.map(str::to_owned));
    }
}

/// What an index of that chain alone has.
async fn alone(file: &Path) -> Vec<TableDigest> {
    let test = testkit::database().await;
    let text = std::fs::read_to_string(file).unwrap();
    let further = text.split_once("[[chains]]").unwrap().1;
    let own = file.with_file_name("alone.toml");
    std::fs::write(&own, format!("[[chains]]{further}")).unwrap();
    let own = own.display().to_string();
    let words = ["run", "--until-head", "--config", &own, "--database-url", &test.url];
    run_index(&words).await.unwrap();
    digest_of_other(&test.db).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_chain_is_indexed_and_read_beside_the_own_one() {
    let mut random = StdRng::seed_from_u64(51);
    let mut site = Site::of(ChainId(OTHER)).await.unwrap();
    site.grow(20, 60, &mut random).await.unwrap();
    let node = FaultProxy::start(&site.node.anvil.http_url()).await;
    node.add(Rule::new(Fault::Swallow));
    let home = Home::new();
    let file = write(&home, &site, &node);
    let options = Options { config: Some(&file), ..Options::default() };
    // Its node is away: the server starts, and does what it does on its own chain.
    let server = home.start(&options).await;
    let to = fresh_address();
    let id = server.mint("while the other one is away", &to).await;
    server.mint_reaches(&id, &["tentative", "auditable", "final"]).await;
    let (status, ready) = readiness(&server).await;
    let of_other = ready["chains"].as_array().unwrap().iter().find(|c| c["chain_id"] == OTHER);
    assert_eq!((status, &of_other.unwrap()["ready"]), (StatusCode::OK, &json!(false)), "{ready}");
    let (status, none) = server.get(&format!("/items?chain_id={OTHER}")).await;
    assert_eq!((status, &none["items"]), (StatusCode::OK, &json!([])), "{none}");
    node.heal();
    let head = stands_at_head(&server, &site).await;
    eventually_within(PATIENCE, "it is ready, too", || async {
        let (_, ready) = readiness(&server).await;
        let chains = ready["chains"].as_array()?;
        chains.iter().all(|chain| chain["ready"] == true).then_some(())
    })
    .await;

    // The same address is another contract there.
    tell_on_own_chain(&server, site.token(), 7).await;
    let token = site.token();
    eventually_within(PATIENCE, "the own chain's logs are there", || async {
        (all(&server, &format!("logs?address={token}")).await.len() == 7).then_some(())
    })
    .await;
    let filter = json!([{ "address": token, "fromBlock": "0x0" }]);
    let truth = site.node.call("eth_getLogs", filter).await;
    let logs = all(&server, &format!("logs?address={token}&chain_id={OTHER}")).await;
    assert_eq!(logs.len(), truth.as_array().unwrap().len());
    assert!(logs.len() > 10 && logs.iter().all(|log| log["chain_id"] == OTHER));

    for salt in 0..3 {
        let collection = site.collection(salt).to_string();
        let of = format!("chain_id={OTHER}&collection={collection}");
        let items = all(&server, &format!("items?{of}")).await;
        for item in &items {
            let owner =
                owner_on_chain(&site, &collection, item["token_id"].as_str().unwrap()).await;
            assert_eq!(item["owner"].as_str().map(|owner| owner.parse().unwrap()), owner, "{item}");
        }
        assert!(salt > 0 || !items.is_empty());
        assert_eq!(all(&server, &format!("items?collection={collection}")).await.len(), 0);
        if let Some(item) = items.first() {
            let path =
                format!("/items/{OTHER}/{collection}/{}", item["token_id"].as_str().unwrap());
            let (status, shown) = server.get(&path).await;
            assert_eq!(status, StatusCode::OK, "{shown}");
            let updated = shown["history"][0]["block"]["number"].as_u64();
            let depth = head + 1 - updated.unwrap();
            // As this chain counts: 3 confirmations, not 12.
            let level = if depth >= 32 {
                "final"
            } else if depth >= 3 {
                "auditable"
            } else {
                "tentative"
            };
            assert_eq!(shown["level"], level, "{shown}");
        }
    }
    let refused = json!({ "to": to, "metadata": { "name": "x", "image": "ipfs://x" },
                          "chain_id": OTHER });
    let (status, problem) = server.post("/mints", None, &refused).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("chain_read_only")));

    // A reorg there, a death here.
    site.grow(4, 8, &mut random).await.unwrap();
    stands_at_head(&server, &site).await;
    site.reorg(9, Again::Shuffled, &mut random).await.unwrap();
    site.grow(2, 2, &mut random).await.unwrap();
    stands_at_head(&server, &site).await;
    for topic in ["chain", "items"] {
        eventually_within(PATIENCE, "facts of both chains are told", || async {
            let told = of_chains(&server, topic).await;
            (told.contains("31337") && told.contains("31338")).then_some(())
        })
        .await;
    }
    server.kill();
    site.grow(2, 2, &mut random).await.unwrap();
    let server = home.start(&options).await;
    stands_at_head(&server, &site).await;
    let id = server.mint("after the death", &to).await;
    server.mint_reaches(&id, &["tentative", "auditable", "final"]).await;
    let db = server.database(&home).await;
    assert_eq!(digest_of_other(&db).await, alone(&file).await);
    let (url, config) = (home.database_url(), file.display().to_string());
    let said = run_index(&["rebuild", "all", "--database-url", &url]).await.unwrap();
    assert!(said.contains("of chain 31337") && said.contains("of chain 31338"), "{said}");
    let verify = ["verify", "collections", "--config", &config, "--database-url", &url];
    let said = run_index(&verify).await.unwrap();
    assert!(said.contains("chain 31337, block") && said.contains("0 are not so"), "{said}");
    assert_eq!(server.stop(), Some(0));
}

/// What can't be is told at the start.
#[tokio::test]
async fn the_servers_own_chain_is_no_further_one() {
    let site = testkit::anvil(testkit::NodeOptions::default()).await;
    let endpoint = format!("[[chains.endpoints]]\nurl = \"{}\"\n", site.anvil.http_url());
    let source = format!(
        "[[chains.sources]]\naddress = \"{}\"\nstandard = \"erc20\"\nstart_block = 1",
        Address::repeat_byte(7)
    );
    let cases = [
        (format!("[[chains]]\nid = 31337\n{endpoint}{source}"), "which is the server's own"),
        (format!("[[chains]]\nid = 5\n{endpoint}{source}"), "configuration names it for chain 5"),
        (
            format!("[chain]\nid = 7\n[[chains]]\nid = 31337\n{endpoint}"),
            "nothing is to be indexed",
        ),
    ];
    for (text, why) in cases {
        let home = Home::new();
        std::fs::create_dir_all(home.path()).unwrap();
        let file = home.path().join("stoa.toml");
        std::fs::write(&file, text).unwrap();
        let options = Options { config: Some(&file), ..Options::default() };
        let mut child = home.spawn(&options);
        let ended = eventually_within(PATIENCE, "the server ends", || {
            let ended = child.try_wait().unwrap();
            async move { ended }
        })
        .await;
        assert!(!ended.success() && home.log().contains(why), "{why}: {}", home.log());
    }
}

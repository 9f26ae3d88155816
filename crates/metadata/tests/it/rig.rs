//! A node with a contract that says what a test wants, an index of it, and resolvers beside them.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue;
use chain::Chain;
use content::BlockStore;
use db::token_metadata::reads::{self, MetadataRow};
use indexer::IndexerOptions;
use metadata::{Config, Options};
use projections::{Projections, Source, Standard};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use testkit::{ACCOUNTS, NodeOptions, TestDatabase, TestNode, eventually};
use tokio::task::JoinHandle;
use vocab::Finality;

pub const CONTRACT: Address = Address::repeat_byte(0xc7);
/// Longest answer of the contract, in words.
const WORDS: usize = 24;

pub struct Rig {
    pub node: TestNode,
    pub test: TestDatabase,
    pub directory: tempfile::TempDir,
    _indexing: Running,
}

/// Ends with the test.
pub struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Running {
    /// Cut it off where it stands, and wait until it is gone.
    pub async fn kill(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }
}

/// Short times, so that a test sees what takes a day.
pub fn options(hosts: &[&crate::host::Host]) -> Options {
    Options {
        ipfs_gateways: Vec::new(),
        arweave_gateways: Vec::new(),
        allow_private: hosts.iter().map(|host| host.name()).collect(),
        fetch_time: Duration::from_secs(2),
        retry: Duration::from_millis(20),
        claim: Duration::from_secs(6),
        tick: Duration::from_millis(20),
        ..Options::default()
    }
}

impl Rig {
    pub async fn new(standard: Standard) -> Self {
        let _ = tracing_subscriber::fmt()
            .with_env_filter("warn,metadata=debug")
            .with_test_writer()
            .try_init();
        let node = testkit::anvil(NodeOptions::default()).await;
        let test = testkit::database().await;
        let source = Source::new(CONTRACT, standard, 1);
        let projector = Arc::new(Projections::new(Vec::new()).recording(vec![source]));
        let indexing = IndexerOptions {
            stand_by: Duration::from_millis(50),
            prove_settled: false,
            ..IndexerOptions::default()
        };
        let chain = chain(&node);
        let (db, never) = (test.db.clone(), std::future::pending());
        let task = tokio::spawn(indexer::run(db, chain, projector, indexing, never));
        let directory = tempfile::tempdir().unwrap();
        Self { node, test, directory, _indexing: Running(task) }
    }

    pub async fn resolve(&self, options: Options) -> Running {
        let store = BlockStore::open_at(self.directory.path()).await.unwrap();
        let config = Config {
            db: self.test.db.clone(),
            chain: chain(&self.node),
            store: Some(store),
            options,
        };
        Running(tokio::spawn(async move {
            metadata::run(config, std::future::pending()).await.unwrap();
        }))
    }

    /// From the next block on, token `n` has the URI at place `n`.
    pub async fn say(&self, uris: &[String], royalty: Option<(Address, u64)>) {
        let code = Bytes::from(contract(uris, royalty));
        self.node.call("anvil_setCode", json!([CONTRACT, code])).await;
        self.node.mine(1).await;
    }

    pub async fn send(&self, call: Value) -> B256 {
        self.node.endpoint.call("eth_sendTransaction", json!([call])).await.unwrap()
    }

    /// ERC-721: these tokens come into being.
    pub async fn mint(&self, tokens: std::ops::Range<u64>) {
        for token_id in tokens {
            self.send(minting(token_id)).await;
        }
    }

    /// Wait for a token's metadata to be as `wanted`.
    pub async fn token(
        &self,
        token_id: u64,
        what: &str,
        wanted: impl Fn(&MetadataRow) -> bool,
    ) -> MetadataRow {
        eventually(&format!("token {token_id}: {what}"), || async {
            let row = self.look(token_id).await;
            row.filter(|row| wanted(row))
        })
        .await
    }

    pub async fn look(&self, token_id: u64) -> Option<MetadataRow> {
        let mut connection = self.test.db.acquire().await.unwrap();
        let key = (CONTRACT, U256::from(token_id));
        reads::load(&mut connection, self.node.chain_id, key).await.unwrap()
    }

    pub async fn named(&self, token_id: u64, name: &str) -> MetadataRow {
        let is = |row: &MetadataRow| row.state == "resolved" && row.name.as_deref() == Some(name);
        self.token(token_id, name, is).await
    }

    pub async fn failed(&self, token_id: u64, reason: &str) -> MetadataRow {
        let is = |row: &MetadataRow| row.state == "failed" && row.reason.as_deref() == Some(reason);
        self.token(token_id, reason, is).await
    }

    /// What some SQL counts.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.test.db).await.unwrap()
    }
}

fn chain(node: &TestNode) -> Chain {
    Chain {
        id: node.chain_id,
        endpoints: vec![node.endpoint.clone()].into(),
        ws_urls: Vec::new(),
        finality: Finality::default(),
        block_time: Duration::from_millis(100),
    }
}

/// A transaction that has the contract tell a log.
fn telling(topics: &[B256], data: &[u8]) -> Value {
    let mut input = vec![0, 0, 0, topics.len() as u8];
    input.extend(U256::from(data.len()).to_be_bytes::<32>());
    for place in 0..4 {
        input.extend(topics.get(place).copied().unwrap_or_default());
    }
    input.extend(data);
    json!({ "from": ACCOUNTS[0], "to": CONTRACT, "input": Bytes::from(input), "gas": "0xf0000" })
}

fn word(n: u64) -> B256 {
    U256::from(n).into()
}

/// ERC-721: a token comes into being.
pub fn minting(token_id: u64) -> Value {
    let event = keccak256("Transfer(address,address,uint256)");
    telling(&[event, B256::ZERO, ACCOUNTS[1].into_word(), word(token_id)], &[])
}

/// ERC-1155: three of a token come into being.
pub fn minting_many(token_id: u64) -> Value {
    let event = keccak256("TransferSingle(address,address,address,uint256,uint256)");
    let data = [word(token_id), word(3)].concat();
    let to = ACCOUNTS[1].into_word();
    telling(&[event, to, B256::ZERO, to], &data)
}

/// ERC-4906: the metadata of these tokens changed.
pub fn updating(first: u64, last: U256) -> Value {
    let event = keccak256("BatchMetadataUpdate(uint256,uint256)");
    telling(&[event], &[word(first), last.into()].concat())
}

/// Answers `tokenURI` and `uri` from a table, `royaltyInfo` with one answer, and tells logs.
fn contract(uris: &[String], royalty: Option<(Address, u64)>) -> Vec<u8> {
    let size = WORDS * 32;
    let entries: Vec<Vec<u8>> = uris
        .iter()
        .map(|uri| {
            let mut entry = uri.abi_encode();
            assert!(entry.len() <= size, "a URI fits the table");
            entry.resize(size, 0);
            entry
        })
        .collect();
    // The code is built twice: first to learn how long it is.
    let mut places = Places::default();
    for _ in 0..2 {
        places = assemble(&places, entries.len(), royalty.is_some()).1;
    }
    let mut code = assemble(&places, entries.len(), royalty.is_some()).0;
    let (receiver, amount) = royalty.unwrap_or_default();
    code.extend((receiver, U256::from(amount)).abi_encode_params());
    code.extend(entries.concat());
    code
}

/// Where the parts of the code are.
#[derive(Default)]
struct Places {
    uri: u16,
    royalty: u16,
    one: u16,
    four: u16,
    fail: u16,
    end: u16,
}

fn assemble(at: &Places, count: usize, royalty: bool) -> (Vec<u8>, Places) {
    let two = |n: usize| (n as u16).to_be_bytes();
    let mut code = vec![0x5f, 0x35, 0x60, 0xe0, 0x1c]; // the selector
    let told = if royalty { at.royalty } else { at.fail };
    let branches = [
        (0xc87b_56dd_u32, at.uri),
        (0x0e89_341c, at.uri),
        (0x2a55_205a, told),
        (1, at.one),
        (4, at.four),
    ];
    for (selector, place) in branches {
        code.extend([0x80, 0x63]);
        code.extend(selector.to_be_bytes());
        code.extend([0x14, 0x61]);
        code.extend(place.to_be_bytes());
        code.push(0x57); // jump if equal
    }
    let mut places = Places { fail: code.len() as u16, ..Places::default() };
    code.extend([0x5b, 0x5f, 0x5f, 0xfd]); // revert
    places.uri = code.len() as u16;
    code.extend([0x5b, 0x60, 4, 0x35, 0x80, 0x61]); // the token id, twice
    code.extend(two(count));
    code.extend([0x11, 0x15, 0x61]); // not count > id
    code.extend(at.fail.to_be_bytes());
    code.extend([0x57, 0x61]);
    code.extend(two(WORDS * 32));
    code.extend([0x02, 0x61]); // id × size
    code.extend(two(usize::from(at.end) + 64));
    code.extend([0x01, 0x61]); // + place of the table
    code.extend(two(WORDS * 32));
    code.extend([0x90, 0x5f, 0x39, 0x61]); // copy
    code.extend(two(WORDS * 32));
    code.extend([0x5f, 0xf3]); // return
    places.royalty = code.len() as u16;
    code.extend([0x5b, 0x60, 64, 0x61]);
    code.extend(at.end.to_be_bytes());
    code.extend([0x5f, 0x39, 0x60, 64, 0x5f, 0xf3]);
    // size at 4, topics at 36, data at 164
    let data = [0x60, 4, 0x35, 0x60, 164, 0x5f, 0x37];
    places.one = code.len() as u16;
    code.push(0x5b);
    code.extend(data);
    code.extend([0x60, 36, 0x35, 0x60, 4, 0x35, 0x5f, 0xa1, 0x00]);
    places.four = code.len() as u16;
    code.push(0x5b);
    code.extend(data);
    for topic in [132, 100, 68, 36] {
        code.extend([0x60, topic, 0x35]);
    }
    code.extend([0x60, 4, 0x35, 0x5f, 0xa4, 0x00]);
    places.end = code.len() as u16;
    (code, places)
}

//! A node with our contracts, and indexers that run beside the test.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use chain::{Chain, Endpoint};
use contracts::{Contents, StoaCollection, StoaCollectionFactory};
use db::{
    Db, checkpoints,
    digest::{self, TableDigest},
    index_sources,
};
use indexer::IndexerOptions;
use projections::{Projections, Source};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use testkit::{ACCOUNTS, NodeOptions, TestDatabase, TestNode, eventually, eventually_within};
use tokio::task::JoinHandle;
use uuid::Uuid;
use vocab::{BlockRef, Finality};

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Rig {
    pub node: TestNode,
    pub factory: Address,
    pub options: IndexerOptions,
    /// Contracts of others whose logs are recorded.
    pub sources: Vec<Source>,
}

/// A collection and the next intent of it.
pub struct Collection {
    pub address: Address,
    next_intent: u64,
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

impl Rig {
    pub async fn new() -> Self {
        Self::with(NodeOptions::default()).await
    }

    pub async fn with(options: NodeOptions) -> Self {
        // Shown when the test fails.
        let _ = tracing_subscriber::fmt()
            .with_env_filter("warn,indexer=debug")
            .with_test_writer()
            .try_init();
        let node = testkit::anvil(options).await;
        let implementation = deploy(&node, contracts::collection_creation()).await;
        let factory = deploy(&node, contracts::factory_creation(implementation)).await;
        let options =
            IndexerOptions { stand_by: Duration::from_millis(50), ..IndexerOptions::default() };
        Self { node, factory, options, sources: Vec::new() }
    }

    pub fn chain(&self) -> Chain {
        self.chain_at(vec![self.node.endpoint.clone()])
    }

    pub fn chain_at(&self, endpoints: Vec<Endpoint>) -> Chain {
        Chain {
            id: self.node.chain_id,
            endpoints: endpoints.into(),
            ws_urls: vec![self.node.anvil.ws_url()],
            finality: Finality::default(),
            block_time: Duration::from_millis(200),
        }
    }

    pub fn projector(&self) -> Arc<Projections> {
        Arc::new(Projections::new(vec![self.factory]).recording(self.sources.clone()))
    }

    pub fn start(&self, db: &Db) -> Running {
        self.start_at(db, self.chain())
    }

    pub fn start_at(&self, db: &Db, chain: Chain) -> Running {
        let (db, projector, options) = (db.clone(), self.projector(), self.options);
        Running(tokio::spawn(indexer::run(db, chain, projector, options, std::future::pending())))
    }

    pub async fn head(&self) -> BlockRef {
        self.node.endpoint.head().await.unwrap().block()
    }

    /// Wait until the index stands at the node's head.
    pub async fn indexed(&self, db: &Db) -> BlockRef {
        self.settle().await;
        let head = self.head().await;
        eventually(&format!("the index at {head:?}"), || async {
            let head = self.head().await;
            (height(db, self).await == Some(head)).then_some(head)
        })
        .await
    }

    /// Wait until every contract goes with the head, and the index stands there.
    pub async fn joined(&self, db: &Db) -> BlockRef {
        eventually_within(PATIENCE, "all contracts go with the head", || async {
            let mut connection = db.acquire().await.unwrap();
            let rows = index_sources::load(&mut connection, self.node.chain_id).await.unwrap();
            let whole = self.sources.iter().all(|source| {
                let row = rows.iter().find(|row| row.address == source.address);
                row.is_some_and(|row| row.last_block.is_none())
            });
            (whole && rows.iter().all(|row| row.beside.is_none())).then_some(())
        })
        .await;
        self.indexed(db).await
    }

    /// Wait until the node has mined all that was sent.
    async fn settle(&self) {
        eventually("an empty pool", || async {
            let pool = self.node.call("txpool_status", json!([])).await;
            (pool["pending"] == "0x0" && pool["queued"] == "0x0").then_some(())
        })
        .await;
    }

    /// The digest of an index made from nothing.
    pub async fn rebuilt(&self) -> Vec<TableDigest> {
        let fresh = testkit::database().await;
        let running = self.start(&fresh.db);
        self.indexed(&fresh.db).await;
        running.kill().await;
        self.digest(&fresh.db).await
    }

    pub async fn digest(&self, db: &Db) -> Vec<TableDigest> {
        digest::load(&mut db.acquire().await.unwrap(), self.node.chain_id).await.unwrap()
    }

    pub async fn create(&self, salt: u8) -> Collection {
        let init = StoaCollectionFactory::CollectionInit {
            name: "Pictures".into(),
            symbol: "PIC".into(),
            contractURI: String::new(),
            baseURI: String::new(),
            admin: ACCOUNTS[0],
            minters: vec![ACCOUNTS[0]],
            trustedForwarder: Address::ZERO,
            royaltyReceiver: ACCOUNTS[0],
            royaltyBps: alloy_primitives::aliases::U96::ZERO,
            contentMode: 0,
        };
        let salt = B256::repeat_byte(salt);
        let predict = StoaCollectionFactory::predictCall { salt, creator: ACCOUNTS[0] };
        let call = json!([{ "to": self.factory, "input": Bytes::from(predict.abi_encode()) },
                          "latest"]);
        let answer: Bytes = self.node.endpoint.call("eth_call", call).await.unwrap();
        let create = StoaCollectionFactory::createCollectionCall { init, salt };
        self.send(self.factory, create.abi_encode()).await;
        Collection { address: Address::from_slice(&answer[12..32]), next_intent: 0 }
    }

    /// Call from the first account; mined at once when the node mines at once.
    pub async fn send(&self, to: Address, data: Vec<u8>) -> B256 {
        self.node.endpoint.call("eth_sendTransaction", json!([call_of(to, data)])).await.unwrap()
    }

    pub async fn mint(&self, collection: &mut Collection, count: u64) -> B256 {
        let data = collection.mint_data(count);
        self.send(collection.address, data).await
    }

    pub async fn transfer(&self, collection: &Collection, token_id: u64, to: Address) {
        let data = StoaCollection::transferFromCall {
            from: ACCOUNTS[0],
            to,
            tokenId: U256::from(token_id),
        };
        self.send(collection.address, data.abi_encode()).await;
    }

    pub async fn burn(&self, collection: &Collection, token_id: u64) {
        let data = StoaCollection::burnCall { tokenId: U256::from(token_id) };
        self.send(collection.address, data.abi_encode()).await;
    }

    /// Replace the last `depth` blocks; `again` are calls and the places (from 0) of the new
    /// blocks that hold them.
    pub async fn reorg(&self, depth: u64, again: &[(Value, u64)]) {
        self.settle().await;
        self.node.call("anvil_reorg", json!([depth, again])).await;
    }
}

impl Collection {
    /// Leave the rest of the present word unused.
    pub fn skip_to_next_word(&mut self) {
        self.next_intent = self.next_intent.next_multiple_of(256);
    }

    /// Data of a batch of the next `count` intents, all to the first account.
    pub fn mint_data(&mut self, count: u64) -> Vec<u8> {
        let first = self.next_intent;
        self.next_intent += count;
        assert_eq!(first / 256, (first + count - 1) / 256, "a batch is of one word");
        let bits = (U256::from(1) << usize::try_from(count).unwrap()) - U256::from(1);
        let digests = (first..first + count).map(|n| B256::from(U256::from(n)));
        StoaCollection::mintBatchCall {
            word: U256::from(first / 256),
            mask: bits << usize::try_from(first % 256).unwrap(),
            recipients: vec![ACCOUNTS[0]; usize::try_from(count).unwrap()],
            contents: Contents::Digests(digests.collect()).encode(),
        }
        .abi_encode()
    }
}

pub fn call_of(to: Address, data: Vec<u8>) -> Value {
    json!({ "from": ACCOUNTS[0], "to": to, "input": Bytes::from(data), "gas": "0xf00000" })
}

pub async fn height(db: &Db, rig: &Rig) -> Option<BlockRef> {
    Some(checkpoint(db, rig).await?.block)
}

pub async fn checkpoint(db: &Db, rig: &Rig) -> Option<checkpoints::Checkpoint> {
    checkpoints::load(&mut db.acquire().await.unwrap(), rig.node.chain_id).await.unwrap()
}

/// A job for one intent of a collection, as the batcher leaves it.
pub async fn add_job(test: &TestDatabase, rig: &Rig, collection: Address, intent: u64) -> Uuid {
    let (id, principal) = (Uuid::now_v7(), Uuid::now_v7());
    let contract = alloy_primitives::hex::encode(collection);
    let chain = rig.node.chain_id;
    let sql = [
        format!("insert into principals (id, name, kind) values ('{principal}', 'ann', 'machine')"),
        format!(
            "insert into mint_jobs (id, principal_id, request_id, fingerprint, chain_id, contract,
                                    recipient, status, intent)
             values ('{id}', '{principal}', 'r', sha256(''), {chain}, '\\x{contract}',
                     '\\x{contract}', 'submitted', {intent})"
        ),
    ];
    for sql in sql {
        db::raw::execute(&mut test.db.acquire().await.unwrap(), sql.leak()).await.unwrap();
    }
    id
}

/// Facts in the order recorded: those numbered and those that wait.
pub async fn facts(db: &Db, topic: &str) -> Vec<journal::Fact> {
    // Transactions of other tests hold the horizon back for a moment.
    eventually("numbered facts", || async {
        let mut connection = db.acquire().await.unwrap();
        db::outbox::move_to_facts(&mut connection, i64::MAX).await.unwrap();
        db::outbox::is_empty(&mut connection).await.unwrap().then_some(())
    })
    .await;
    journal::load_after(&mut db.acquire().await.unwrap(), topic, 0, None, 100_000).await.unwrap()
}

pub async fn deploy(node: &TestNode, code: Bytes) -> Address {
    let call = json!([{ "from": ACCOUNTS[0], "input": code, "gas": "0xf00000" }]);
    let hash: B256 = node.endpoint.call("eth_sendTransaction", call).await.unwrap();
    let receipt = eventually("a deployment", || async {
        node.endpoint.receipts(&[hash]).await.unwrap().remove(0).unwrap()
    })
    .await;
    assert!(receipt.succeeded(), "{receipt:?}");
    receipt.contract_address.unwrap()
}

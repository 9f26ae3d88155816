//! Following a chain through several endpoints.

use crate::rig::{Rig, checkpoint};
use chain::{Chain, Endpoint, EndpointOptions};
use db::reconciliations;
use rand::{Rng, SeedableRng, rngs::StdRng};
use testkit::{Fault, FaultProxy, NodeOptions, Rule, eventually};
use tokio::task::JoinHandle;

fn endpoint(url: &str) -> Endpoint {
    Endpoint::new(url, EndpointOptions::default()).unwrap()
}

struct Watching(JoinHandle<()>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn watch(chain: &Chain) -> Watching {
    let chain = chain.clone();
    Watching(tokio::spawn(async move { match chain.watch_endpoints().await {} }))
}

async fn reorgs(db: &db::Db, rig: &Rig) -> usize {
    let mut connection = db.acquire().await.unwrap();
    reconciliations::load(&mut connection, rig.node.chain_id, 100).await.unwrap().len()
}

/// Two nodes, of which one lags by one to twenty blocks; whichever answers, at any moment.
#[tokio::test]
async fn going_to_and_fro_between_a_node_and_a_lagging_one_is_no_reorg() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let rig = Rig::new().await;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    rig.node.mine(40).await;
    let url = rig.node.anvil.http_url();
    let (ahead, behind) = (FaultProxy::start(&url).await, FaultProxy::start(&url).await);
    let urls = [ahead.http_url(), behind.http_url()];
    let chain = rig.chain_at(urls.iter().map(|url| endpoint(url)).collect());
    let _watching = watch(&chain);
    let _running = rig.start_at(&test.db, chain);
    for lag in 1..=20 {
        behind.heal();
        behind.add(Rule::new(Fault::Stale(lag)));
        ahead.heal();
        let away = rng.random_bool(0.5);
        ahead.add(Rule::new(Fault::Drop).with_probability(if away { 1.0 } else { 0.3 }));
        rig.mint(&mut collection, 1).await;
        rig.node.mine(rng.random_range(1..4)).await;
        let (before, asked) = (checkpoint(&test.db, &rig).await, behind.counts());
        eventually("the lagging one is asked", || async {
            let more = behind.count("eth_getBlockByNumber")
                > asked.get("eth_getBlockByNumber").copied().unwrap_or(0) + 2;
            more.then_some(())
        })
        .await;
        let after = checkpoint(&test.db, &rig).await;
        let height = |at: Option<db::checkpoints::Checkpoint>| at.map_or(0, |c| c.block.number);
        assert!(height(after) >= height(before), "seed {seed}: the index went back at lag {lag}");
    }
    ahead.heal();
    behind.heal();
    rig.indexed(&test.db).await;
    assert_eq!(reorgs(&test.db, &rig).await, 0, "seed {seed}");
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await, "seed {seed}");
}

/// The second endpoint is of the same chain id, but of another history.
#[tokio::test]
async fn a_node_with_other_blocks_is_not_believed_while_one_keeps_ours() {
    let rig = Rig::new().await;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    rig.mint(&mut collection, 2).await;
    rig.node.mine(10).await;
    let other = testkit::anvil(NodeOptions::default()).await;
    let ahead = FaultProxy::start(&rig.node.anvil.http_url()).await;
    let stranger = FaultProxy::start(&other.anvil.http_url()).await;
    let urls = [ahead.http_url(), stranger.http_url()];
    let chain = rig.chain_at(urls.iter().map(|url| endpoint(url)).collect());
    let _running = rig.start_at(&test.db, chain);
    rig.indexed(&test.db).await;
    other.call("evm_setNextBlockTimestamp", serde_json::json!([4_000_000_000u64])).await;
    other.mine(rig.head().await.number + 10).await;
    // Logs fail, so that the stranger is turned to; headers don't, so that ours are vouched for.
    for method in ["eth_getLogs", "eth_blockNumber"] {
        ahead.add(Rule::new(Fault::Status(502)).on(method));
    }
    rig.mint(&mut collection, 1).await;
    let asked = stranger.count("eth_getBlockByNumber");
    eventually("the stranger was asked for its branch", || async {
        (stranger.count("eth_getBlockByNumber") > asked + 60).then_some(())
    })
    .await;
    assert_eq!(reorgs(&test.db, &rig).await, 0);
    ahead.heal();
    rig.indexed(&test.db).await;
    assert_eq!(reorgs(&test.db, &rig).await, 0);
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

/// A true reorg is followed when both tell of it.
#[tokio::test]
async fn a_reorg_that_both_nodes_tell_of_is_followed() {
    let rig = Rig::new().await;
    let test = testkit::database().await;
    let mut collection = rig.create(1).await;
    rig.mint(&mut collection, 2).await;
    rig.node.mine(10).await;
    let url = rig.node.anvil.http_url();
    let second = FaultProxy::start(&url).await;
    let chain = rig.chain_at(vec![endpoint(&url), endpoint(&second.http_url())]);
    let _running = rig.start_at(&test.db, chain);
    rig.indexed(&test.db).await;
    rig.node.reorg(8).await;
    rig.indexed(&test.db).await;
    assert_eq!(reorgs(&test.db, &rig).await, 1);
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

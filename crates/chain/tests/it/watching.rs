//! What the watcher finds out.

use crate::rig::{Fronts, becomes, chain_at, watch};
use chain::{Chain, PoolOptions, State};
use std::time::Duration;
use testkit::{ACCOUNTS, Fault, NodeOptions, Rule, TestNode, eventually};
use vocab::{B256, BlockRef};

#[tokio::test]
async fn a_lagging_endpoint_is_told_and_comes_back() {
    let fronts = Fronts::new(2).await;
    let chain = fronts.chain();
    assert_eq!(chain.best_head(), None, "nobody has told a head yet");
    fronts.proxies[0].add(Rule::new(Fault::Stale(20)));
    let _watching = watch(&chain);
    becomes(&chain, 0, State::Lagging).await;
    assert_eq!(chain.endpoints.lags(), [Some(20), Some(0)]);
    assert_eq!(chain.best_head(), Some(fronts.height().await));
    assert_eq!(chain.endpoint().host(), chain.endpoints[1].host());
    fronts.proxies[0].heal();
    becomes(&chain, 0, State::Good).await;
    fronts.node.mine(3).await;
    eventually("the best head follows", || async {
        (chain.best_head() == Some(fronts.height().await)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_that_went_silent_rests_and_is_probed() {
    let fronts = Fronts::new(2).await;
    let chain = fronts.chain();
    let _watching = watch(&chain);
    becomes(&chain, 0, State::Good).await;
    fronts.proxies[0].add(Rule::new(Fault::Drop));
    becomes(&chain, 0, State::Resting).await;
    fronts.node.mine(2).await;
    eventually("the other goes on telling heads", || async {
        (chain.best_head() == Some(fronts.height().await)).then_some(())
    })
    .await;
    fronts.proxies[0].heal();
    becomes(&chain, 0, State::Good).await;
}

/// Another node of the same chain id, with other blocks.
async fn stranger() -> TestNode {
    let node = testkit::anvil(NodeOptions::default()).await;
    node.call("evm_setNextBlockTimestamp", serde_json::json!([4_000_000_000u64])).await;
    node.mine(30).await;
    node
}

fn chain_of(fronts: &Fronts, urls: &[String]) -> Chain {
    chain_at(&fronts.node, urls, Duration::from_secs(5), PoolOptions::default())
}

#[tokio::test]
async fn of_three_the_one_with_other_blocks_is_kept_out() {
    let (fronts, stranger) = (Fronts::new(2).await, stranger().await);
    let urls = [vec![stranger.anvil.http_url()], fronts.urls()].concat();
    let chain = chain_of(&fronts, &urls);
    let _watching = watch(&chain);
    becomes(&chain, 0, State::Quarantined).await;
    assert_eq!(chain.endpoints.states()[1..], [State::Good, State::Good]);
    let asked = || fronts.proxies.iter().map(|proxy| proxy.count("eth_getBalance")).sum::<u64>();
    chain.read().balance(ACCOUNTS[0]).await.unwrap();
    assert!(asked() > 0, "the stranger was not asked");
}

#[tokio::test]
async fn of_two_the_one_without_our_blocks_is_kept_out() {
    let (fronts, stranger) = (Fronts::new(1).await, stranger().await);
    let urls = [vec![stranger.anvil.http_url()], fronts.urls()].concat();
    let chain = chain_of(&fronts, &urls);
    let _watching = watch(&chain);
    // Nothing tells who errs, so nobody is kept out.
    eventually("they were compared", || async {
        let asked = fronts.proxies[0].count("eth_getBlockByNumber");
        (chain.best_head().is_some() && asked > 20).then_some(())
    })
    .await;
    assert_eq!(chain.endpoints.states(), [State::Good, State::Good]);
    let ours = fronts.node.endpoint.headers(0, 30).await.unwrap();
    chain.endpoints.note_canonical(ours.iter().map(chain::Header::block));
    becomes(&chain, 0, State::Quarantined).await;
    assert_eq!(chain.endpoints.states()[1], State::Good);
}

#[tokio::test]
async fn who_waits_for_our_next_block_is_told_of_each_once() {
    let chain = Fronts::new(1).await.chain();
    let block = |number, hash| BlockRef { number, hash: B256::repeat_byte(hash) };
    let mut heard = chain.endpoints.watch_canonical();
    chain.endpoints.note_canonical([block(1, 1), block(2, 2)]);
    assert!(heard.has_changed().unwrap());
    assert_eq!(*heard.borrow_and_update(), Some(block(2, 2)));
    chain.endpoints.note_canonical([block(2, 2)]);
    assert!(!heard.has_changed().unwrap(), "it is the same head");
    chain.endpoints.note_canonical([block(1, 1), block(2, 3)]);
    assert!(heard.has_changed().unwrap(), "another one at its height");
}

#[tokio::test]
async fn a_second_watcher_waits_for_the_first() {
    let fronts = Fronts::new(1).await;
    let chain = fronts.chain();
    let first = watch(&chain);
    let _second = watch(&chain);
    let heads = || fronts.proxies[0].count("eth_getBlockByNumber");
    eventually("heads are asked for", || async { (heads() > 3).then_some(()) }).await;
    drop(first);
    let before = heads();
    eventually("the second goes on", || async { (heads() > before + 3).then_some(()) }).await;
}

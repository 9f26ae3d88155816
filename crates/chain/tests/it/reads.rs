//! Which endpoint answers a read.

use crate::rig::{Fronts, NEVER, becomes, watch};
use chain::{CallRequest, PoolOptions, RpcError, State};
use std::time::Duration;
use testkit::{ACCOUNTS, Fault, Rule, eventually};
use vocab::{Bytes, ChainId, U256};

#[tokio::test]
async fn a_failing_endpoint_is_passed_over_and_returned_to() {
    let fronts = Fronts::new(2).await;
    let chain = fronts.unhedged();
    let [first, second] = &fronts.proxies[..] else { unreachable!() };
    first.add(Rule::new(Fault::Status(502)));
    for _ in 0..20 {
        assert_eq!(chain.read().transaction_count(ACCOUNTS[3]).await.unwrap(), 0);
    }
    let calls = first.counts().values().sum::<u64>();
    assert!(calls < 20, "it is not asked each time: {calls}");
    assert_eq!(second.count("eth_getTransactionCount"), 20);
    assert_ne!(chain.endpoints.order().first(), Some(&0));
    first.heal();
    let _watching = watch(&chain);
    becomes(&chain, 0, State::Good).await;
    // By now it is known what is usual: when the first hesitates, the second is asked beside it.
    eventually("the preferred one is back", || async {
        let before = second.count("eth_getTransactionCount");
        chain.read().transaction_count(ACCOUNTS[3]).await.unwrap();
        (second.count("eth_getTransactionCount") == before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_silent_endpoint_does_not_hold_up_reads_and_loses_its_place() {
    let fronts = Fronts::new(2).await;
    let options = PoolOptions { deadline: NEVER, ..PoolOptions::default() };
    let chain = fronts.chain_with(NEVER, options);
    chain.read().head().await.unwrap();
    fronts.proxies[0].add(Rule::new(Fault::Swallow));
    // Would never end if the first were waited for. How many reads it takes until the first is
    // behind for good depends on how quick the other is.
    testkit::eventually("the silent endpoint loses its place", || async {
        chain.read().balance(ACCOUNTS[0]).await.unwrap();
        (chain.endpoints.order().first() == Some(&1)).then_some(())
    })
    .await;
    let asked = fronts.proxies[0].count("eth_getBalance");
    for _ in 0..20 {
        chain.read().balance(ACCOUNTS[0]).await.unwrap();
    }
    // It may be asked beside the other, when that one hesitates; never first.
    assert!(fronts.proxies[0].count("eth_getBalance") < asked + 15);
}

#[tokio::test]
async fn reads_survive_endpoints_that_flap_and_cut_answers_short() {
    for fault in [Fault::Status(502), Fault::Truncate, Fault::Drop, Fault::Limited(0)] {
        let fronts = Fronts::new(3).await;
        let chain = fronts.chain();
        fronts.proxies[0].add(Rule::new(fault.clone()).with_probability(0.6));
        fronts.proxies[1].add(Rule::new(fault.clone()).with_probability(0.6));
        for _ in 0..100 {
            let headers = chain.read().header(7).await.unwrap();
            assert_eq!(headers.unwrap().number.to::<u64>(), 7, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_revert_is_an_answer_and_a_lack_of_data_is_not() {
    let fronts = Fronts::new(2).await;
    let chain = fronts.unhedged();
    let call = CallRequest {
        from: ACCOUNTS[0],
        to: Some(ACCOUNTS[1]),
        value: U256::ZERO,
        data: Bytes::new(),
    };
    let refuse = |code, message: &str| Fault::Refuse { code, message: message.into() };
    let [first, second] = &fronts.proxies[..] else { unreachable!() };
    first.add(Rule::new(refuse(3, "execution reverted")).on("eth_call").times(1));
    let answers = chain.read().simulate(std::slice::from_ref(&call)).await.unwrap();
    assert!(matches!(&answers[0], Err(RpcError::Refused { code: 3, .. })), "{answers:?}");
    assert_eq!(second.count("eth_call"), 0);
    first.add(Rule::new(refuse(-32_000, "missing trie node")).on("eth_call").times(1));
    let answers = chain.read().simulate(&[call]).await.unwrap();
    assert!(answers[0].is_ok(), "{answers:?}");
    assert_eq!(second.count("eth_call"), 1);
}

/// The head that readers are shown never falls, whichever endpoint answers.
#[tokio::test]
async fn heads_do_not_go_backwards_when_a_lagging_endpoint_takes_over() {
    let fronts = Fronts::new(2).await;
    let chain = fronts.chain();
    fronts.proxies[1].add(Rule::new(Fault::Stale(5)));
    let mut shown = chain.read().head().await.unwrap().number.to::<u64>();
    assert_eq!(shown, fronts.height().await);
    fronts.proxies[0].add(Rule::new(Fault::Drop).with_probability(0.5));
    let mut refused = 0;
    for round in 0..60 {
        if round % 3 == 0 {
            fronts.node.mine(1).await;
        }
        match chain.read().head().await {
            Ok(head) => {
                assert!(head.number.to::<u64>() >= shown, "{} after {shown}", head.number);
                shown = head.number.to();
            }
            Err(error) => {
                assert!(!error.is_refusal(), "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "the lagging one was never in question");
    // Alone, the lagging one answers as soon as it is as far.
    fronts.proxies[0].add(Rule::new(Fault::Drop));
    fronts.node.mine(5).await;
    let reached = eventually("the second has caught up", || async {
        chain.read().head().await.ok().map(|head| head.number.to::<u64>())
    })
    .await;
    assert!(reached >= shown);
}

#[tokio::test]
async fn an_endpoint_that_asks_for_a_pause_gets_it() {
    let fronts = Fronts::new(2).await;
    let chain = fronts.unhedged();
    chain.read().head().await.unwrap();
    let [first, second] = &fronts.proxies[..] else { unreachable!() };
    first.add(Rule::new(Fault::Limited(30)).times(1));
    for _ in 0..10 {
        chain.read().balance(ACCOUNTS[0]).await.unwrap();
    }
    assert_eq!(chain.endpoints.states()[0], State::Limited);
    assert_eq!((first.count("eth_getBalance"), second.count("eth_getBalance")), (1, 10));
    // Nor is it asked directly: the refusal is our own.
    let error = chain.endpoints[0].balance(ACCOUNTS[0]).await.unwrap_err();
    assert!(matches!(error, RpcError::Limited(wait) if wait > Duration::from_secs(10)), "{error}");
    assert_eq!(first.count("eth_getBalance"), 1);
    second.add(Rule::new(Fault::Limited(0)).times(1));
    eventually("a short pause ends", || async {
        chain.read().balance(ACCOUNTS[0]).await.is_ok().then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_of_another_chain_is_not_asked_until_it_is_of_ours() {
    let fronts = Fronts::new(2).await;
    let chain = fronts.unhedged();
    let first = &fronts.proxies[0];
    first.add(Rule::new(Fault::ChainId(1)));
    for _ in 0..5 {
        chain.read().balance(ACCOUNTS[0]).await.unwrap();
    }
    assert_eq!(chain.endpoints.states()[0], State::WrongChain);
    assert_eq!((first.count("eth_chainId"), first.count("eth_getBalance")), (1, 0));
    let raw = crate::rig::signed(&fronts.node, 0).await;
    let said = chain.endpoints.broadcast(&[raw]).await;
    assert_eq!(said.len(), 1);
    assert_eq!(first.count("eth_sendRawTransaction"), 0);
    let lone = Fronts::new(1).await;
    lone.proxies[0].add(Rule::new(Fault::ChainId(5)));
    let error = lone.chain().read().head().await.unwrap_err();
    assert!(matches!(error, RpcError::WrongChain(ChainId(5))), "{error}");
    let _watching = watch(&chain);
    eventually("the watcher asks again", || async {
        (first.count("eth_chainId") > 2).then_some(())
    })
    .await;
    assert_eq!(chain.endpoints.states()[0], State::WrongChain);
    first.heal();
    becomes(&chain, 0, State::Good).await;
}

/// Nobody is asked over and over when all are away, and the first sign of life is enough.
#[tokio::test]
async fn without_endpoints_reads_fail_at_once_and_do_not_storm() {
    let fronts = Fronts::new(2).await;
    let chain = fronts.chain();
    fronts.proxies.iter().for_each(|proxy| proxy.add(Rule::new(Fault::Drop)));
    for _ in 0..200 {
        chain.read().balance(ACCOUNTS[0]).await.unwrap_err();
    }
    let asked: u64 = fronts.proxies.iter().flat_map(|proxy| proxy.counts().into_values()).sum();
    assert!(asked < 40, "{asked} requests for 200 reads");
    fronts.proxies[1].heal();
    eventually("it is found again", || async {
        chain.read().balance(ACCOUNTS[0]).await.is_ok().then_some(())
    })
    .await;
}

//! To whom signed bytes go, and who is waited for.

use crate::rig::{Fronts, NEVER, chain_at, signed};
use chain::{PoolOptions, RpcError};
use testkit::{Fault, Rule, TcpProxy, eventually};

#[tokio::test]
async fn bytes_go_to_all_and_each_answer_is_told() {
    let fronts = Fronts::new(3).await;
    // All answer, so nobody waits for so long; but some may be slow beside the others.
    let options = PoolOptions { grace: NEVER, ..PoolOptions::default() };
    let chain = fronts.chain_with(NEVER, options);
    let refuse = Fault::Refuse { code: -32_000, message: "txpool is full".into() };
    fronts.proxies[1].add(Rule::new(refuse));
    fronts.proxies[2].add(Rule::new(Fault::Status(502)));
    let raws = [signed(&fronts.node, 0).await, signed(&fronts.node, 1).await];
    let said = chain.endpoints.broadcast(&raws).await;
    assert_eq!(said.len(), 3);
    let of = |place: usize| {
        let host = chain.endpoints[place].host();
        &said.iter().find(|one| one.endpoint == host).unwrap().answers
    };
    assert!(of(0).iter().all(Result::is_ok), "{said:?}");
    assert!(of(1).iter().all(|a| a.as_ref().is_err_and(RpcError::is_refusal)), "{said:?}");
    assert!(of(2).iter().all(|a| a.as_ref().is_err_and(|e| !e.is_refusal())), "{said:?}");
    assert!(said.iter().all(|one| one.answers.len() == 2));
}

/// One endpoint takes connections and never answers. Its time limit is an hour: if anything waited
/// for it, nothing here would end.
#[tokio::test]
async fn an_endpoint_that_never_answers_delays_nobody() {
    let fronts = Fronts::new(1).await;
    let address = fronts.node.anvil.http_url();
    let hole = TcpProxy::tcp(address.trim_start_matches("http://")).await;
    hole.pause();
    let urls = [format!("http://{}", hole.address()), fronts.urls()[0].clone()];
    let options = PoolOptions { deadline: NEVER, ..PoolOptions::default() };
    let chain = chain_at(&fronts.node, &urls, NEVER, options);
    for nonce in 0..4 {
        let said = chain.endpoints.broadcast(&[signed(&fronts.node, nonce).await]).await;
        assert_eq!(said.len(), 2);
        assert_eq!(said[0].endpoint, chain.endpoints[1].host());
        assert!(said[0].answers[0].is_ok(), "{said:?}");
        assert!(matches!(said[1].answers[0], Err(RpcError::TimedOut(_))), "{said:?}");
        eventually("it is mined while the other still owes its answer", || async {
            let count = chain.read().transaction_count(testkit::ACCOUNTS[0]).await.unwrap();
            (count == nonce + 1).then_some(())
        })
        .await;
    }
    // It owes four answers: it gets no more to owe.
    let said = chain.endpoints.broadcast(&[signed(&fronts.node, 4).await]).await;
    assert_eq!(said.len(), 1);
    // What was on its way was not cut off: it arrives once the way is free.
    hole.restore();
    eventually("it is sent to again", || async {
        let raw = signed(&fronts.node, 5).await;
        (chain.endpoints.broadcast(&[raw]).await.len() == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn when_nobody_answers_everything_may_be() {
    let fronts = Fronts::new(2).await;
    let chain = fronts.chain();
    fronts.proxies.iter().for_each(|proxy| proxy.add(Rule::new(Fault::Drop)));
    let raw = [signed(&fronts.node, 0).await];
    for _ in 0..8 {
        let said = chain.endpoints.broadcast(&raw).await;
        assert_eq!(said.len(), 2, "also while they rest: a send is worth a try");
        let unknown = |a: &Result<_, RpcError>| a.as_ref().is_err_and(|e| !e.is_refusal());
        assert!(said.iter().all(|one| one.answers.iter().all(unknown)), "{said:?}");
    }
}

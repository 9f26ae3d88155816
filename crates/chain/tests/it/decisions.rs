//! Two must agree where value is at stake.

use crate::rig::{Fronts, becomes};
use chain::{Agreement, Chain, Endpoint, State};
use futures_util::FutureExt;
use testkit::{ACCOUNTS, Fault, Rule};

async fn balance_and_head(chain: &Chain) -> Agreement<u64> {
    let call = |endpoint: Endpoint| {
        async move {
            endpoint.balance(ACCOUNTS[0]).await?;
            Ok(endpoint.head().await?.number.to::<u64>())
        }
        .boxed()
    };
    chain.agree("test", call).await
}

#[tokio::test]
async fn a_decision_needs_two_that_say_the_same() {
    let fronts = Fronts::new(2).await;
    let chain = fronts.chain();
    let height = fronts.height().await;
    assert_eq!(balance_and_head(&chain).await, Agreement::Agreed(height));
    let second = &fronts.proxies[1];
    second.add(Rule::new(Fault::Stale(1)));
    assert_eq!(balance_and_head(&chain).await, Agreement::Disagree);
    second.heal();
    for fault in [
        Fault::Status(502),
        Fault::Truncate,
        Fault::Refuse { code: -32_000, message: "no".into() },
        Fault::Limited(0),
    ] {
        second.add(Rule::new(fault.clone()).on("eth_getBalance").times(1));
        assert_eq!(balance_and_head(&chain).await, Agreement::Unknown, "{fault:?}");
    }
    second.add(Rule::new(Fault::ChainId(1)));
    let lone = fronts.chain();
    assert_eq!(balance_and_head(&lone).await, Agreement::Unknown, "one of another chain");
}

#[tokio::test]
async fn one_endpoint_decides_alone_and_of_three_one_may_be_away() {
    let single = Fronts::new(1).await;
    let chain = single.chain();
    assert!(balance_and_head(&chain).await.agreed().is_some());
    let fronts = Fronts::new(3).await;
    let chain = fronts.chain();
    fronts.proxies[0].add(Rule::new(Fault::Drop));
    assert_eq!(balance_and_head(&chain).await, Agreement::Unknown);
    while chain.endpoints.order().first() == Some(&0) {
        balance_and_head(&chain).await;
    }
    becomes(&chain, 1, State::Good).await;
    assert_eq!(balance_and_head(&chain).await, Agreement::Agreed(fronts.height().await));
}

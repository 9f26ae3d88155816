//! Quotes, on a chain of its own and with the real oracle of the OP stack.

use crate::rig::{chain_at, selector};
use alloy_primitives::{Address, Bytes, U256, address, hex};
use alloy_sol_types::SolValue;
use chain::{CallRequest, Chain};
use serde_json::json;
use std::time::Duration;
use testkit::{
    ACCOUNTS, NodeOptions, TestNode,
    op_stack::{self, ORACLE},
};
use transactor::{L1Charge, QuoteError, quote};
use vocab::{Finality, Urgency};

const THERE: Address = address!("00000000000000000000000000000000000f00d5");

async fn start(extra: &[&str]) -> (TestNode, Chain) {
    let extra = extra.iter().map(|&argument| argument.to_owned()).collect();
    let node = testkit::anvil(NodeOptions { extra, ..NodeOptions::default() }).await;
    let finality = Finality { auditable: 2, final_: 4 };
    let chain = chain_at(&[&node.anvil.http_url()], Duration::from_secs(5), finality);
    (node, chain)
}

fn transfer() -> CallRequest {
    CallRequest { from: ACCOUNTS[0], to: Some(THERE), value: U256::from(5), data: Bytes::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_tells_gas_price_and_total() {
    let (node, chain) = start(&["--base-fee", "1000000000"]).await;
    let low = quote(&chain, &transfer(), Urgency::Low).await.unwrap();
    let urgent = quote(&chain, &transfer(), Urgency::Urgent).await.unwrap();
    for quote in [&low, &urgent] {
        assert_eq!((quote.gas_estimate, quote.gas_limit), (21_000, 25_200));
        assert!(!quote.legacy && quote.base_fee_wei.is_some());
        assert_eq!((quote.l1_charge, quote.l1_fee_wei), (L1Charge::None, U256::ZERO));
        let worst = U256::from(quote.max_fee_wei * 25_200 + 5);
        assert_eq!(quote.worst_wei, worst);
        assert!(quote.likely_wei < quote.worst_wei);
    }
    assert!(urgent.max_fee_wei > low.max_fee_wei);
    // PUSH0 PUSH0 REVERT
    node.call("anvil_setCode", json!([THERE, "0x5f5ffd"])).await;
    let refused = quote(&chain, &transfer(), Urgency::Low).await.unwrap_err();
    assert!(matches!(refused, QuoteError::Reverts(_)), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_without_base_fee_is_a_legacy_one() {
    let (_node, chain) = start(&["--hardfork", "berlin"]).await;
    let quote = quote(&chain, &transfer(), Urgency::Normal).await.unwrap();
    assert!(quote.legacy && quote.base_fee_wei.is_none());
    assert_eq!(quote.max_fee_wei, quote.max_priority_fee_wei);
    assert_eq!(quote.likely_wei, U256::from(quote.max_fee_wei * 21_000 + 5));
}

async fn l1_fee(node: &TestNode, data: &[u8]) -> U256 {
    let mut call = selector("getL1Fee(bytes)").to_vec();
    call.extend_from_slice(&Bytes::copy_from_slice(data).abi_encode());
    let call = json!([{ "to": ORACLE, "data": hex::encode_prefixed(call) }, "latest"]);
    serde_json::from_value(node.call("eth_call", call).await).unwrap()
}

/// 161 bytes that hardly compress: the vector of `GasPriceOracle.t.sol`.
const VECTOR: [u8; 161] = hex!(
    "1d2c3ec4f5a9b3f3cd2c024e455c1143a74bbd637c324adcbd4f74e346786ac44e23e78f47d932abedd8d1"
    "06daadcea350be16478461046273101034601364012364701331dfad43729dc486abd134bcad61b34d6ca1"
    "f2eb31655b7d61ca33ba6d172cdf7d8b5b0ef389a314ca7a9a831c09fc2ca9090d059b4dd25194f3de297b"
    "dba6d6d796e4f80be94f8a9151d685607826e7ba25177b40cb127ea9f1438470"
);

#[tokio::test(flavor = "multi_thread")]
async fn an_op_stack_quote_holds_what_the_real_oracle_asks() {
    let (node, chain) = start(&[]).await;
    op_stack::place(&node).await;
    // Published vectors, before our own question: they prove contract and storage right.
    let small = hex!("0000010203");
    assert_eq!(l1_fee(&node, &small).await, U256::from(48_977), "Ecotone");
    let ecotone = quote(&chain, &transfer(), Urgency::Normal).await.unwrap();
    op_stack::fjord(&node).await;
    assert_eq!(l1_fee(&node, &small).await, U256::from(68_500), "Fjord, least size");
    assert_eq!(l1_fee(&node, &VECTOR).await, U256::from(105_484), "Fjord, regression");
    let short = quote(&chain, &transfer(), Urgency::Normal).await.unwrap();
    let call = CallRequest { data: VECTOR.repeat(20).into(), ..transfer() };
    let long = quote(&chain, &call, Urgency::Normal).await.unwrap();
    for quote in [&ecotone, &short, &long] {
        assert_eq!(quote.l1_charge, L1Charge::OpStack);
        let gas = U256::from(quote.max_fee_wei) * U256::from(quote.gas_limit);
        let worst = gas + U256::from(5) + quote.l1_fee_wei * U256::from(2);
        assert_eq!(quote.worst_wei, worst);
    }
    // A transfer is below the least size that Fjord charges for.
    assert_eq!(short.l1_fee_wei, U256::from(68_500));
    assert!(ecotone.l1_fee_wei > short.l1_fee_wei, "Ecotone does not compress: {ecotone:?}");
    // Repetitions compress well, but not to nothing.
    assert!(long.l1_fee_wei > short.l1_fee_wei * U256::from(2), "{long:?}");
}

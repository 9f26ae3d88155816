//! What rollups take for publishing counts against the sponsor: reserved, and settled as it was.

use crate::{
    harness::body,
    sponsored::{Desk, PATH, User, WALLET, read, transact},
};
use alloy_sol_types::sol;
use chain::{Endpoint, EndpointOptions};
use serde_json::{Value, json};
use testkit::{ACCOUNTS, Fault, FaultProxy, NodeOptions, Rule, op_stack};
use vocab::{Address, Bytes, U256};

sol! {
    function getL1Fee(bytes data) external view returns (uint256);
}

fn wei(value: &Value) -> U256 {
    value.as_str().unwrap().parse().unwrap()
}

/// What of a reservation is not gas at the most that the job offers.
async fn apart(desk: &Desk, taken: &Value) -> (U256, Value) {
    let path = format!("/api/v1/transactions/{}", taken["transaction_id"].as_str().unwrap());
    let job = desk.get(&path).await;
    let gas = U256::from(job["gas_limit"].as_u64().unwrap()) * wei(&job["fee_cap"]);
    (wei(&taken["reserved"]) - gas, job)
}

async fn behind_proxy() -> (Desk, FaultProxy) {
    let node = testkit::anvil(NodeOptions::default()).await;
    let proxy = FaultProxy::start(&node.anvil.http_url()).await;
    let endpoint = Endpoint::new(&proxy.http_url(), EndpointOptions::default()).unwrap();
    (Desk::on(node, endpoint).await, proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_op_stack_fee_is_reserved_twice_over_and_settled_as_it_was() {
    let (desk, proxy) = behind_proxy().await;
    let plain = body(desk.send("l1", &desk.approval(&User::new(1), WALLET).await).await, 202).await;
    assert_eq!(apart(&desk, &plain).await.0, U256::ZERO, "an L1 takes nothing apart");
    op_stack::place(&desk.node).await;
    op_stack::fjord(&desk.node).await;

    let user = User::new(2);
    let prepared = body(desk.prepare(&user, &crate::sponsored::approve(WALLET)).await, 200).await;
    let signed = desk.signed(&user, &prepared["request"]);
    let taken = body(desk.send("l2", &signed).await, 202).await;
    // The fee goes by the compressed size, which of two signatures differs by a byte or two.
    let told = wei(&prepared["cost_max"]);
    assert!(wei(&taken["reserved"]) <= told + told / U256::from(100), "{taken} {prepared}");
    let (reserved, job) = apart(&desk, &taken).await;
    // The oracle's own word, for less than what is published, and for more than it.
    let input: Bytes = serde_json::from_value(job["input"].clone()).unwrap();
    let fee = async |data: Bytes| read(&desk.node, op_stack::ORACLE, getL1FeeCall { data }).await;
    let least = fee(input.clone()).await * U256::from(2);
    let noise: Vec<u8> = (0..200u64).map(|n| (n * n * 37 + n * 11) as u8).collect();
    let most = fee([&input[..], &noise].concat().into()).await * U256::from(2);
    assert!(least <= reserved && reserved <= most, "{least} {reserved} {most}");

    let mut receipt = desk.carry(&taken).await;
    let gas = wei_hex(&receipt["gasUsed"]) * wei_hex(&receipt["effectiveGasPrice"]);
    // More than was reserved, as when L1 became dear: it is counted as it was.
    let l1 = wei(&taken["reserved"]) * U256::from(3);
    receipt["l1Fee"] = json!(format!("{l1:#x}"));
    proxy.add(Rule::new(Fault::Answer(receipt.clone())).on("eth_getTransactionReceipt"));
    desk.end(&taken, "final", Some(&receipt)).await;
    assert_eq!(desk.api.app.settle_sponsored().await.unwrap(), 1);
    let shown = desk.get(&format!("{PATH}/{}", taken["id"].as_str().unwrap())).await;
    assert_eq!(wei(&shown["cost"]), gas + l1);
    desk.adds_up().await;
    let total = wei(&desk.sponsor("").await["used"]["total"]);
    assert_eq!(total, wei(&plain["reserved"]) + gas + l1);
}

fn wei_hex(value: &Value) -> U256 {
    value.as_str().unwrap().parse().unwrap()
}

/// A contract that answers every call with these words.
fn answering(words: &[u64]) -> Bytes {
    let mut code = Vec::new();
    for (place, word) in words.iter().enumerate() {
        code.push(0x67); // PUSH8
        code.extend_from_slice(&word.to_be_bytes());
        code.extend_from_slice(&[0x60, u8::try_from(place * 32).unwrap(), 0x52]); // MSTORE
    }
    code.extend_from_slice(&[0x60, u8::try_from(words.len() * 32).unwrap(), 0x5f, 0xf3]); // RETURN
    code.into()
}

/// On Arbitrum the fee is paid in gas, which the node's estimates hold: so must the gas limit, or
/// the call runs out of it.
#[tokio::test(flavor = "multi_thread")]
async fn an_arbitrum_fee_is_reserved_as_gas() {
    let (desk, proxy) = behind_proxy().await;
    let plain = body(desk.send("l1", &desk.approval(&User::new(1), WALLET).await).await, 202).await;
    let (_, plain) = apart(&desk, &plain).await;
    // ArbGasInfo has one byte of code there; NodeInterface tells gas for L1 and two base fees.
    let place = |last: u8, code: Bytes| {
        desk.node.call("anvil_setCode", json!([Address::with_last_byte(last), code]))
    };
    place(0x6c, Bytes::from_static(&[0xfe])).await;
    place(0xc8, answering(&[700_000, 1_000_000_000, 5_000_000_000])).await;
    transact(&desk.node, ACCOUNTS[0], Some(WALLET), &[]).await;
    let user = User::new(2);
    // The call itself is estimated too, but `gas` is what the user granted.
    let mut request = desk.approval(&user, WALLET).await["request"].clone();
    request["gas"] = json!("120000");
    proxy.add(Rule::new(Fault::Answer(json!("0xc3500"))).on("eth_estimateGas"));
    let taken = body(desk.send("l2", &desk.signed(&user, &request)).await, 202).await;
    let (reserved, job) = apart(&desk, &taken).await;
    assert_eq!(reserved, U256::ZERO, "nothing is taken beside the gas");
    let (without, with) =
        (plain["gas_limit"].as_u64().unwrap(), job["gas_limit"].as_u64().unwrap());
    // 800,000 by the estimate, and what carrying takes by itself.
    assert!(with >= 800_000 + 120_000 + 81_000, "{with}");
    assert!(with < without + 1_200_000, "{with} {without}");
}

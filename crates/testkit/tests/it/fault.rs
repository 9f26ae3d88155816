//! The faults are what they say, in front of a real node.

use chain::{Endpoint, EndpointOptions, RpcError};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{ACCOUNTS, Fault, FaultProxy, NodeOptions, Rule, TestNode, WsFault, eventually};
use tokio_tungstenite::tungstenite::Message;

async fn start() -> (TestNode, FaultProxy, Endpoint) {
    let node = testkit::anvil(NodeOptions::default()).await;
    let proxy = FaultProxy::start(&node.anvil.http_url()).await;
    let options = EndpointOptions { timeout: Duration::from_secs(5), ..EndpointOptions::default() };
    let endpoint = Endpoint::new(&proxy.http_url(), options).unwrap();
    (node, proxy, endpoint)
}

/// Send one wei and return the transaction's hash.
async fn send(endpoint: &Endpoint) -> Result<Value, RpcError> {
    let call = json!([{ "from": ACCOUNTS[0], "to": ACCOUNTS[1], "value": "0x1" }]);
    endpoint.call("eth_sendTransaction", call).await
}

/// Transactions that the node took, mined or not yet.
async fn sent_count(node: &TestNode) -> u64 {
    let count = node.call("eth_getTransactionCount", json!([ACCOUNTS[0], "pending"])).await;
    let count = count.as_str().unwrap().trim_start_matches("0x").to_owned();
    u64::from_str_radix(&count, 16).unwrap()
}

#[tokio::test]
async fn without_rules_calls_and_batches_pass_and_are_counted() {
    let (node, proxy, endpoint) = start().await;
    node.mine(3).await;
    assert_eq!(endpoint.head().await.unwrap().hash, node.endpoint.head().await.unwrap().hash);
    assert_eq!(endpoint.headers(0, 3).await.unwrap().len(), 4);
    assert_eq!(proxy.count("eth_getBlockByNumber"), 5);
    assert_eq!(proxy.count("eth_chainId"), 0);
}

#[tokio::test]
async fn refusals_and_statuses_reach_the_caller_and_not_the_node() {
    let (node, proxy, endpoint) = start().await;
    let refuse = Fault::Refuse { code: -32_005, message: "slow down".into() };
    proxy.add(Rule::new(refuse).on("eth_sendTransaction").times(1));
    let error = send(&endpoint).await.unwrap_err();
    assert!(matches!(&error, RpcError::Refused { code: -32_005, .. }), "{error}");
    proxy.add(Rule::new(Fault::Status(502)).times(1));
    let error = endpoint.head().await.unwrap_err();
    assert!(!error.is_refusal(), "{error}");
    assert_eq!(sent_count(&node).await, 0);
    endpoint.head().await.unwrap();
}

#[tokio::test]
async fn swallowed_and_truncated_answers_took_effect() {
    let (node, proxy, endpoint) = start().await;
    for (fault, sent) in [(Fault::Swallow, 1), (Fault::Truncate, 2)] {
        proxy.add(Rule::new(fault.clone()).on("eth_sendTransaction").times(1));
        let error = send(&endpoint).await.unwrap_err();
        assert!(!error.is_refusal(), "{error}");
        assert_eq!(matches!(error, RpcError::TimedOut(_)), fault == Fault::Swallow, "{error}");
        assert_eq!(sent_count(&node).await, sent);
    }
    send(&endpoint).await.unwrap();
}

#[tokio::test]
async fn a_dropped_call_never_reaches_the_node() {
    let (node, proxy, endpoint) = start().await;
    proxy.add(Rule::new(Fault::Drop).on("eth_sendTransaction").nth(2));
    send(&endpoint).await.unwrap();
    let error = send(&endpoint).await.unwrap_err();
    assert!(!error.is_refusal(), "{error}");
    assert_eq!(sent_count(&node).await, 1);
    send(&endpoint).await.unwrap();
    assert_eq!(proxy.count("eth_sendTransaction"), 3);
}

#[tokio::test]
async fn a_delay_delays() {
    let (_node, proxy, endpoint) = start().await;
    proxy.add(Rule::new(Fault::Delay(Duration::from_millis(300))).on("eth_chainId").times(1));
    let start = Instant::now();
    endpoint.chain_id().await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_stale_node_is_behind_in_heads_and_nonces() {
    let (node, proxy, endpoint) = start().await;
    for _ in 0..5 {
        send(&node.endpoint).await.unwrap();
    }
    eventually("five blocks", || async {
        (node.endpoint.head().await.unwrap().number == 5).then_some(())
    })
    .await;
    proxy.add(Rule::new(Fault::Stale(3)));
    let number: String = endpoint.call("eth_blockNumber", json!([])).await.unwrap();
    assert_eq!(number, "0x2");
    assert_eq!(endpoint.head().await.unwrap().number, 2);
    for at in [json!([ACCOUNTS[0], "pending"]), json!([ACCOUNTS[0], "latest"])] {
        let nonce: String = endpoint.call("eth_getTransactionCount", at).await.unwrap();
        assert_eq!(nonce, "0x2");
    }
    assert_eq!(endpoint.header(5).await.unwrap().unwrap().number, 5);
    proxy.heal();
    assert_eq!(endpoint.head().await.unwrap().number, 5);
}

#[tokio::test]
async fn a_node_of_another_chain_and_one_without_logs() {
    let (node, proxy, endpoint) = start().await;
    proxy.add(Rule::new(Fault::ChainId(5)).on("eth_chainId"));
    assert_eq!(endpoint.chain_id().await.unwrap().0, 5);
    // Init code that emits one log without topics: PUSH1 0, PUSH1 0, LOG0.
    let deploy = json!([{ "from": ACCOUNTS[0], "data": "0x60006000a0" }]);
    node.call("eth_sendTransaction", deploy).await;
    let filter = json!([{ "fromBlock": "0x0", "toBlock": "latest" }]);
    let logs = |endpoint: &Endpoint| {
        let (endpoint, filter) = (endpoint.clone(), filter.clone());
        async move { endpoint.call::<Vec<Value>>("eth_getLogs", filter).await.unwrap().len() }
    };
    eventually("the log", || async { (logs(&endpoint).await == 1).then_some(()) }).await;
    proxy.add(Rule::new(Fault::NoLogs));
    assert_eq!(logs(&endpoint).await, 0);
    assert_eq!(logs(&node.endpoint).await, 1);
}

#[tokio::test]
async fn in_a_batch_each_element_is_met_by_itself() {
    let (node, proxy, _endpoint) = start().await;
    node.mine(4).await;
    let refuse = Fault::Refuse { code: -32_000, message: "no".into() };
    proxy.add(Rule::new(refuse).on("eth_gasPrice"));
    let call = |id, method| json!({ "jsonrpc": "2.0", "id": id, "method": method });
    let batch = json!([call(7, "eth_blockNumber"), call(8, "eth_gasPrice")]);
    let http = reqwest::Client::new();
    let answer = http.post(proxy.http_url()).json(&batch).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!((&answer[0]["id"], &answer[0]["result"]), (&json!(7), &json!("0x4")), "{answer}");
    assert_eq!((&answer[1]["id"], &answer[1]["error"]["code"]), (&json!(8), &json!(-32_000)));
}

#[tokio::test]
async fn the_same_seed_meets_the_same_calls() {
    let node = testkit::anvil(NodeOptions::default()).await;
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let proxy = FaultProxy::start_seeded(&node.anvil.http_url(), seed).await;
        let endpoint = Endpoint::new(&proxy.http_url(), EndpointOptions::default()).unwrap();
        proxy.add(Rule::new(Fault::Status(503)).with_probability(0.5));
        let mut met = Vec::new();
        for _ in 0..40 {
            met.push(endpoint.chain_id().await.is_err());
        }
        runs.push(met);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    assert!(runs[0].contains(&true) && runs[0].contains(&false));
}

#[tokio::test]
async fn new_heads_pass_on_websocket_until_it_is_silent_or_cut() {
    let (node, proxy, _endpoint) = start().await;
    let subscribe = json!({
        "jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]
    });
    let (mut ws, _) = tokio_tungstenite::connect_async(proxy.ws_url()).await.unwrap();
    ws.send(Message::text(subscribe.to_string())).await.unwrap();
    let answer = ws.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(answer.contains("result"), "{answer}");
    node.mine(1).await;
    let head = ws.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(head.contains("\"number\":\"0x1\""), "{head}");
    proxy.set_ws(WsFault::Silent);
    node.mine(1).await;
    let silence = tokio::time::timeout(Duration::from_millis(500), ws.next()).await;
    assert!(silence.is_err(), "{silence:?}");
    proxy.set_ws(WsFault::Cut);
    let end = tokio::time::timeout(Duration::from_secs(60), ws.next()).await.unwrap();
    assert!(matches!(end, None | Some(Err(_))), "{end:?}");
    assert!(tokio_tungstenite::connect_async(proxy.ws_url()).await.is_err());
    proxy.heal();
    eventually("a new connection", || async {
        tokio_tungstenite::connect_async(proxy.ws_url()).await.ok()
    })
    .await;
}

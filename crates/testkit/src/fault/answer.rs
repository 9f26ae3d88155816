//! Lies about what the node said.

use serde_json::{Value, json};

/// The call to put to the node instead, for a head `stale` blocks old. `head` is the node's.
pub fn older(call: &Value, stale: u64, head: u64) -> Value {
    let old = json!(format!("{:#x}", head.saturating_sub(stale)));
    let mut call = call.clone();
    let place = match call["method"].as_str() {
        Some("eth_getBlockByNumber") => 0,
        Some("eth_getTransactionCount") => 1,
        _ => return call,
    };
    // Left out, the block is `latest`.
    if place == 1 && call["params"].as_array().is_some_and(|params| params.len() == 1) {
        call["params"] = json!([call["params"][0], "latest"]);
    }
    if matches!(call["params"][place].as_str(), Some("latest" | "pending")) {
        call["params"][place] = old;
    }
    call
}

/// `eth_blockNumber` of `stale` blocks ago.
pub fn lower_number(method: &str, answer: &mut Value, stale: u64) {
    if method == "eth_blockNumber"
        && let Some(number) = quantity(&answer["result"])
    {
        answer["result"] = json!(format!("{:#x}", number.saturating_sub(stale)));
    }
}

pub fn without_logs(method: &str, answer: &mut Value) {
    match method {
        "eth_getLogs" => answer["result"] = json!([]),
        "eth_getTransactionReceipt" if answer["result"].is_object() => {
            answer["result"]["logs"] = json!([]);
        }
        "eth_getBlockReceipts" => {
            for receipt in answer["result"].as_array_mut().into_iter().flatten() {
                receipt["logs"] = json!([]);
            }
        }
        _ => {}
    }
}

pub fn with_chain_id(method: &str, answer: &mut Value, id: u64) {
    match method {
        "eth_chainId" => answer["result"] = json!(format!("{id:#x}")),
        "net_version" => answer["result"] = json!(id.to_string()),
        _ => {}
    }
}

pub fn quantity(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

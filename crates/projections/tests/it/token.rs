//! A contract of somebody else that tells of as many transfers as it is asked for.

use crate::rig::Rig;
use alloy_primitives::{Address, Bytes, U256, hex, keccak256};
use serde_json::{Value, json};

/// Tells of n transfers from the caller, of the values n-1 to 0, where n is the call's data.
fn code() -> Bytes {
    let transfer = hex::encode(keccak256("Transfer(address,address,uint256)"));
    // loop: n == 0 → end; n -= 1; mem[0] = n; log3(mem[0..32], transfer, caller, n)
    let run = format!(
        "6000355b8015603c576001900380600052\
         80337f{transfer}60206000a3\
         6003565b00"
    );
    assert_eq!(run.len(), 2 * 0x3e);
    hex::decode(format!("603e600c600039603e6000f3{run}")).unwrap().into()
}

pub async fn deploy(rig: &Rig) -> Address {
    crate::rig::deploy(&rig.node, code()).await
}

/// A block with `count` transfers, when the node mines at once.
pub async fn burst(rig: &Rig, token: Address, count: u64) {
    rig.send(token, U256::from(count).to_be_bytes_vec()).await;
}

/// What the node itself says the contracts' logs are, as (block, place, block hash).
pub async fn truth(rig: &Rig, contracts: &[Address]) -> Vec<(u64, u64, String)> {
    let head = rig.head().await.number;
    let filter = json!([{ "address": contracts, "fromBlock": "0x0",
                          "toBlock": format!("{head:#x}") }]);
    let logs: Value = rig.node.call("eth_getLogs", filter).await;
    let number = |value: &Value| {
        u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    };
    let read = |log: &Value| {
        let hash = log["blockHash"].as_str().unwrap().to_owned();
        (number(&log["blockNumber"]), number(&log["logIndex"]), hash)
    };
    logs.as_array().unwrap().iter().map(read).collect()
}

//! The OP stack's own contracts on a test's node, so that L1 fees are theirs.

use crate::{TestNode, eventually, tools};
use alloy_primitives::{Address, U256, address, hex, keccak256};
use serde_json::{Value, json};

/// `GasPriceOracle`.
pub const ORACLE: Address = address!("420000000000000000000000000000000000000F");
const L1_BLOCK: Address = address!("4200000000000000000000000000000000000015");

/// Put the compiled contracts that Optimism publishes on npm (`@eth-optimism/contracts-bedrock`)
/// where its chains have them, with the values of `GasPriceOracle.t.sol`: scalars 20 and 15, base
/// fee 2,000,000, blob base fee 3,000,000.
pub async fn place(node: &TestNode) {
    for (at, name) in [(ORACLE, "GasPriceOracle"), (L1_BLOCK, "L1Block")] {
        let path = tools()
            .join("../node_modules/@eth-optimism/contracts-bedrock/forge-artifacts")
            .join(format!("{name}.sol/{name}.json"));
        let artifact = std::fs::read(&path)
            .unwrap_or_else(|e| panic!("{}: {e}; run scripts/install-tools.sh", path.display()));
        let artifact: Value = serde_json::from_slice(&artifact).unwrap();
        let code = artifact["deployedBytecode"]["object"].as_str().unwrap();
        node.call("anvil_setCode", json!([at, code])).await;
    }
    deposit(node, L1_BLOCK, l1_values()).await;
    deposit(node, ORACLE, selector("setEcotone()").to_vec()).await;
}

/// Its next hard fork: fees by the compressed size.
pub async fn fjord(node: &TestNode) {
    deposit(node, ORACLE, selector("setFjord()").to_vec()).await;
}

/// A call of the account that the protocol uses.
async fn deposit(node: &TestNode, to: Address, data: Vec<u8>) {
    let depositor = address!("DeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001");
    node.call("anvil_setBalance", json!([depositor, "0xde0b6b3a7640000"])).await;
    node.call("anvil_impersonateAccount", json!([depositor])).await;
    let call = json!([{ "from": depositor, "to": to, "data": hex::encode_prefixed(data) }]);
    let hash = node.call("eth_sendTransaction", call).await;
    let receipt = eventually("the deposit is mined", || async {
        let receipt = node.call("eth_getTransactionReceipt", json!([hash])).await;
        (!receipt.is_null()).then_some(receipt)
    })
    .await;
    assert_eq!(receipt["status"], "0x1", "{receipt}");
}

/// `setL1BlockValuesEcotone`. Its arguments are packed.
fn l1_values() -> Vec<u8> {
    let mut data = selector("setL1BlockValuesEcotone()").to_vec();
    data.extend_from_slice(&20u32.to_be_bytes());
    data.extend_from_slice(&15u32.to_be_bytes());
    data.extend_from_slice(&0u64.to_be_bytes());
    data.extend_from_slice(&11u64.to_be_bytes());
    data.extend_from_slice(&10u64.to_be_bytes());
    data.extend_from_slice(&U256::from(2_000_000).to_be_bytes::<32>());
    data.extend_from_slice(&U256::from(3_000_000).to_be_bytes::<32>());
    data.extend_from_slice(&[0; 64]);
    data
}

fn selector(signature: &str) -> [u8; 4] {
    let [a, b, c, d, ..] = keccak256(signature).0;
    [a, b, c, d]
}

//! The parts of the node's answers that we use (Ethereum JSON-RPC, execution-apis).

use alloy_primitives::{Address, B256, Bloom, Bytes, U64, U128, U256};
use serde::{Deserialize, Serialize};
use vocab::BlockRef;

/// A block header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    pub number: U64,
    pub hash: B256,
    pub parent_hash: B256,
    /// Unix seconds.
    pub timestamp: U64,
    pub logs_bloom: Bloom,
    /// Root of the trie of the block's receipts.
    #[serde(default)]
    pub receipts_root: Option<B256>,
    #[serde(default)]
    pub base_fee_per_gas: Option<U128>,
    pub gas_limit: U64,
}

impl Header {
    #[must_use]
    pub fn block(&self) -> BlockRef {
        BlockRef { number: self.number.to(), hash: self.hash }
    }
}

/// A log of a mined transaction. Pending logs (without a block) do not parse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    pub address: Address,
    pub topics: Vec<B256>,
    pub data: Bytes,
    pub block_number: U64,
    pub block_hash: B256,
    pub transaction_hash: B256,
    pub transaction_index: U64,
    pub log_index: U64,
    /// Unix seconds, of nodes that say it.
    #[serde(default)]
    pub block_timestamp: Option<U64>,
    #[serde(default)]
    pub removed: bool,
}

/// What became of a mined transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    pub transaction_hash: B256,
    pub block_number: U64,
    pub block_hash: B256,
    /// 1 when it succeeded, 0 when it reverted (EIP-658).
    pub status: U64,
    pub gas_used: U64,
    #[serde(default)]
    pub effective_gas_price: Option<U256>,
    /// What an OP-stack rollup took beside the gas, in wei.
    #[serde(default)]
    pub l1_fee: Option<U256>,
    #[serde(default)]
    pub contract_address: Option<Address>,
}

impl Receipt {
    #[must_use]
    pub fn block(&self) -> BlockRef {
        BlockRef { number: self.block_number.to(), hash: self.block_hash }
    }

    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.status == U64::from(1)
    }
}

/// A receipt among all of its block (`eth_getBlockReceipts`): what the block's header commits to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockReceipt {
    /// Kind of the transaction (EIP-2718); none is zero.
    #[serde(rename = "type", default)]
    pub kind: Option<U64>,
    #[serde(default)]
    pub status: Option<U64>,
    /// Gas used in the block up to this transaction, itself included.
    pub cumulative_gas_used: U64,
    pub logs_bloom: Bloom,
    pub logs: Vec<Log>,
}

/// What recent blocks paid (`eth_feeHistory`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeeHistory {
    /// Wei per gas, oldest block first; one more entry than blocks: that of the next block.
    #[serde(default)]
    pub base_fee_per_gas: Vec<U128>,
    /// Gas used by gas limit, per block: 0 to 1.
    #[serde(default)]
    pub gas_used_ratio: Vec<f64>,
    /// Per block the tips at the percentiles asked for, wei per gas; zeros for an empty block.
    #[serde(default)]
    pub reward: Option<Vec<Vec<U128>>>,
}

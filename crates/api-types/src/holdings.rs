//! Who has what, how it moved, and the logs that say so.

use crate::Block;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// What an account has of an asset (ERC-20) or of an item with many owners (ERC-1155).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Balance {
    #[schema(example = 31337)]
    pub chain_id: u64,
    pub contract: String,
    /// Absent for an asset.
    #[schema(example = "17")]
    pub token_id: Option<String>,
    pub account: String,
    /// In the smallest unit, decimal. Absent when the contract moves more than it tells of, so that
    /// its logs do not add up.
    #[schema(example = "1000000")]
    pub balance: Option<String>,
    /// Where it changed last.
    pub updated_block: u64,
}

/// One page of balances.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BalanceList {
    pub items: Vec<Balance>,
    pub next_cursor: Option<String>,
    /// The block that this page reflects; absent while nothing is indexed.
    pub as_of: Option<Block>,
}

/// Somebody who holds something of a contract.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Holder {
    pub account: String,
    /// An amount in the smallest unit; of an ERC-721, how many items. Absent as in a balance.
    #[schema(example = "3")]
    pub balance: Option<String>,
}

/// One page of holders.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HolderList {
    pub items: Vec<Holder>,
    pub next_cursor: Option<String>,
    /// The block that this page reflects; absent while nothing is indexed.
    pub as_of: Option<Block>,
}

/// One change of an item's owner, or of amounts of an ERC-1155.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ItemTransfer {
    #[schema(example = 31337)]
    pub chain_id: u64,
    pub contract: String,
    #[schema(example = "17")]
    pub token_id: String,
    /// Of an ERC-1155 only.
    pub amount: Option<String>,
    /// The zero address for a mint.
    pub from: String,
    /// The zero address for a burn.
    pub to: String,
    pub tx_hash: String,
    pub block: Block,
    pub log_index: i32,
    /// Among the transfers that its log tells of, from 0.
    pub place: i32,
    pub mined_at: String,
}

/// One page of transfers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TransferList {
    pub items: Vec<ItemTransfer>,
    pub next_cursor: Option<String>,
    /// The block that this page reflects; absent while nothing is indexed.
    pub as_of: Option<Block>,
}

/// What a log says.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DecodedLog {
    #[schema(example = "Transfer")]
    pub event: String,
    #[schema(example = "Transfer(address,address,uint256)")]
    pub signature: String,
    /// By name where all have one, else in order. Numbers are decimal strings; of an indexed
    /// argument that does not fit into a topic there is the hash.
    #[schema(value_type = Object)]
    pub args: Value,
}

/// A log as the chain gave it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Log {
    #[schema(example = 31337)]
    pub chain_id: u64,
    pub address: String,
    /// At most four.
    pub topics: Vec<String>,
    /// Of more than 16 KiB only the beginning: see `data_length`.
    #[schema(example = "0x0000000000000000000000000000000000000000000000000000000000000064")]
    pub data: String,
    /// Bytes.
    pub data_length: u64,
    pub block: Block,
    pub log_index: u32,
    pub tx_hash: String,
    pub tx_index: u32,
    pub mined_at: Option<String>,
    /// By the ABI that was uploaded for the contract, or that of its standard. Absent when neither
    /// fits.
    pub decoded: Option<DecodedLog>,
}

/// One page of logs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogList {
    pub items: Vec<Log>,
    pub next_cursor: Option<String>,
    /// The block that this page reflects; absent while nothing is indexed.
    pub as_of: Option<Block>,
}

/// Which balances to list: of an account or of a contract at least.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BalanceListQuery {
    /// The default chain when absent.
    pub chain_id: Option<u64>,
    /// Address of who has them.
    pub account: Option<String>,
    /// Address of a followed ERC-20 or ERC-1155.
    pub contract: Option<String>,
    /// Of an ERC-1155; together with `contract`.
    pub token_id: Option<String>,
    /// Answer only once the index has come to this block; waits at most 3 seconds.
    #[serde(default, deserialize_with = "crate::block_number")]
    pub wait_for_block: Option<u64>,
    /// How things were after this block, which has to lie in the reorg window; a later one is
    /// waited for.
    #[serde(default, deserialize_with = "crate::block_number")]
    pub as_of_block: Option<u64>,
    /// `next_cursor` of the page before, with the same filters.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

/// Whose holders to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HolderListQuery {
    /// The default chain when absent.
    pub chain_id: Option<u64>,
    /// Address of a collection, or of a followed contract.
    pub contract: String,
    /// Needed of an ERC-1155.
    pub token_id: Option<String>,
    /// Answer only once the index has come to this block; waits at most 3 seconds.
    #[serde(default, deserialize_with = "crate::block_number")]
    pub wait_for_block: Option<u64>,
    /// How things were after this block, which has to lie in the reorg window; a later one is
    /// waited for.
    #[serde(default, deserialize_with = "crate::block_number")]
    pub as_of_block: Option<u64>,
    /// `next_cursor` of the page before, with the same filters.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

/// Which transfers of items to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TransferListQuery {
    /// The default chain when absent.
    pub chain_id: Option<u64>,
    /// Address of a collection, or of a followed ERC-721 or ERC-1155.
    pub contract: Option<String>,
    /// Together with `contract`.
    pub token_id: Option<String>,
    /// Address of a sender or recipient.
    pub account: Option<String>,
    /// From this block on.
    #[serde(default, deserialize_with = "crate::block_number")]
    pub from_block: Option<u64>,
    /// Up to this block, which is not below `from_block`.
    #[serde(default, deserialize_with = "crate::block_number")]
    pub to_block: Option<u64>,
    /// Answer only once the index has come to this block; waits at most 3 seconds.
    #[serde(default, deserialize_with = "crate::block_number")]
    pub wait_for_block: Option<u64>,
    /// `next_cursor` of the page before, with the same filters.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

/// Which logs to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogListQuery {
    /// The default chain when absent.
    pub chain_id: Option<u64>,
    /// Address of the contract that told them.
    pub address: Option<String>,
    /// First topic: the hash of the event's signature. Together with `address`.
    pub topic0: Option<String>,
    /// Name of an event, of contracts whose logs are read by an ABI.
    pub event: Option<String>,
    /// Name of one of the event's arguments. Together with `event` and `value`.
    pub argument: Option<String>,
    /// Value of that argument, as `decoded` shows it: numbers in decimal.
    pub value: Option<String>,
    /// From this block on.
    #[serde(default, deserialize_with = "crate::block_number")]
    pub from_block: Option<u64>,
    /// Up to this block, which is not below `from_block`.
    #[serde(default, deserialize_with = "crate::block_number")]
    pub to_block: Option<u64>,
    /// Answer only once the index has come to this block; waits at most 3 seconds.
    #[serde(default, deserialize_with = "crate::block_number")]
    pub wait_for_block: Option<u64>,
    /// `next_cursor` of the page before, with the same filters.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

/// As of when to look.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LookQuery {
    /// Answer only once the index has come to this block; waits at most 3 seconds.
    #[serde(default, deserialize_with = "crate::block_number")]
    pub wait_for_block: Option<u64>,
}

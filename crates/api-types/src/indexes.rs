//! How far the index of a chain is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the indexer of a chain does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IndexState {
    /// It follows the chain.
    Live,
    /// An operator has it wait.
    Paused,
    /// The chain gave up blocks below the window: an operator has to look.
    Stopped,
}

/// The index of one chain.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChainIndex {
    #[schema(example = 31337)]
    pub chain_id: u64,
    /// What the operator calls the chain.
    pub name: Option<String>,
    /// It is indexed and read; nothing is sent to it (`chain_read_only`).
    pub read_only: bool,
    pub state: IndexState,
    /// The block up to which everything is indexed.
    pub block_number: u64,
    pub block_hash: String,
    /// How the reading of blocks below the reorg window gets on: the run under way, or the last
    /// one. Absent when there was none.
    pub settled: Option<SettledRun>,
    /// Contracts of others that it has, by address.
    pub sources: Vec<IndexSource>,
}

/// How far a contract is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// It goes with the chain.
    Live,
    /// It was added, and its earlier logs are being read: reads of it are refused
    /// (`source_backfilling`), and lists leave it out.
    Backfilling,
    /// It was removed: what it told up to `block_number` is there and can be asked for
    /// (`contract_not_followed` for what is later), and lists leave it out.
    Removed,
    /// It was removed, and what was indexed of it is being deleted: nothing of it is answered.
    Purging,
}

/// A contract of others whose logs are indexed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct IndexSource {
    /// `*` where every contract that tells of the event is meant.
    pub contract: String,
    /// `erc20`, `erc20_fee`, `erc20_rebasing`, `erc721` or `erc1155`, or `events` or `abi`: read by
    /// an ABI. Of a factory, that of the contracts that it makes.
    pub standard: String,
    /// The first block whose logs are kept.
    pub start_block: u64,
    /// Its logs are made something of; else they are only kept.
    pub projected: bool,
    /// Of a factory: the event that names a contract that it made.
    pub factory_event: Option<String>,
    /// Names of the events that are read by an ABI.
    pub events: Vec<String>,
    /// The configuration names it; else a command added it, or it was removed.
    pub configured: bool,
    pub state: SourceState,
    /// The block up to which its logs are indexed.
    pub block_number: u64,
    /// How much of it is done, 0 to 100.
    pub percent: f64,
}

/// One run over blocks below the reorg window.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SettledRun {
    /// The last block before the run.
    pub base_block: u64,
    /// The last block of the run.
    pub target_block: u64,
    /// How much of it is done, 0 to 100.
    pub percent: f64,
    /// Logs that it has committed.
    pub logs: u64,
    /// Of the run up to its last commit.
    pub logs_per_second: f64,
    /// How long the rest takes at the rate so far; absent when nothing is left.
    pub eta_seconds: Option<u64>,
    pub waited: SettledWaits,
    pub started_at: String,
    /// Of its last commit.
    pub updated_at: String,
}

/// What the commits of a run waited for, in milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SettledWaits {
    /// Answers of the node.
    pub node_ms: u64,
    /// Decoding them.
    pub decode_ms: u64,
    /// The database.
    pub database_ms: u64,
}

/// All chains that have an index.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChainIndexList {
    pub items: Vec<ChainIndex>,
}

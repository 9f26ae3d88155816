//! The fixed list of fact topics. Order and gaplessness are promised per topic.

/// Life cycle of mint jobs.
pub const MINTS: &str = "mints";
/// Items minted, transferred, burned; metadata changes.
pub const ITEMS: &str = "items";
/// Collections asked for and deployed.
pub const COLLECTIONS: &str = "collections";
/// Life cycle of transactions.
pub const TRANSACTIONS: &str = "transactions";
/// Heads, reorgs and reconciliations of each chain.
pub const CHAIN: &str = "chain";

pub const ALL: [&str; 5] = [MINTS, ITEMS, COLLECTIONS, TRANSACTIONS, CHAIN];

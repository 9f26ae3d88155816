//! The fixed list of fact topics. Order and gaplessness are promised per topic.

/// Life cycle of mint jobs.
pub const MINTS: &str = "mints";
/// Items minted, transferred, burned; metadata changes.
pub const ITEMS: &str = "items";
/// Tokens that are not single items (ERC-20, ERC-1155) minted, transferred, burned.
pub const TRANSFERS: &str = "transfers";
/// Collections asked for and deployed.
pub const COLLECTIONS: &str = "collections";
/// Life cycle of transactions.
pub const TRANSACTIONS: &str = "transactions";
/// Heads, reorgs and reconciliations of each chain.
pub const CHAIN: &str = "chain";

pub const ALL: [&str; 6] = [MINTS, ITEMS, TRANSFERS, COLLECTIONS, TRANSACTIONS, CHAIN];

//! The tables of a chain's index, and the digest that two indexes of one chain must share, however
//! they came about: every projection and the canonical raw logs, without surrogate ids, epochs and
//! wall-clock columns.

use crate::DbError;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use vocab::{B256, ChainId};

/// What is compared of one table: its columns, and the key that orders its rows. Both go without
/// `chain_id`, which begins every key.
#[derive(Clone, Copy, Debug)]
pub struct Compared {
    pub table: &'static str,
    pub columns: &'static [&'static str],
    pub order: &'static [&'static str],
    pub taken_back: TakenBack,
}

/// What a reorg does with rows of the blocks that it gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenBack {
    /// They go to a table of their own (`raw_logs`).
    Moved,
    /// Each row is of one block: they go.
    Deleted,
    /// Rows change: they become again what `undo_records` says.
    Restored,
}

impl Compared {
    /// The one with this name.
    #[must_use]
    pub fn named(table: &str) -> Option<&'static Self> {
        TABLES.iter().find(|compared| compared.table == table)
    }
}

/// All that is compared, and taken back by a reorg.
pub static TABLES: [Compared; 13] = [
    Compared {
        table: "raw_logs",
        columns: &[
            "block_number",
            "block_hash",
            "log_index",
            "tx_hash",
            "tx_index",
            "address",
            "topics",
            "data",
            "mined_at",
        ],
        order: &["block_number", "log_index"],
        taken_back: TakenBack::Moved,
    },
    Compared {
        table: "collections",
        columns: &[
            "contract",
            "creator",
            "salt",
            "name",
            "symbol",
            "content_mode",
            "base_uri",
            "minted",
            "burned",
            "created_block",
            "royalty_receiver",
            "royalty_bps",
        ],
        order: &["contract"],
        taken_back: TakenBack::Restored,
    },
    Compared {
        table: "items",
        columns: &[
            "contract",
            "token_id",
            "owner",
            "uri",
            "intent",
            "minted_block",
            "minted_tx",
            "updated_block",
        ],
        order: &["contract", "token_id"],
        taken_back: TakenBack::Restored,
    },
    Compared {
        table: "transfers",
        columns: &[
            "block_number",
            "log_index",
            "place",
            "block_hash",
            "tx_hash",
            "contract",
            "token_id",
            "amount",
            "sender",
            "recipient",
            "mined_at",
        ],
        order: &["block_number", "log_index", "place"],
        taken_back: TakenBack::Deleted,
    },
    Compared {
        table: "balances",
        columns: &["contract", "token_id", "account", "balance", "unreliable", "updated_block"],
        order: &["contract", "token_id", "account"],
        taken_back: TakenBack::Restored,
    },
    Compared {
        table: "allowances",
        columns: &["contract", "owner", "spender", "amount", "updated_block"],
        order: &["contract", "owner", "spender"],
        taken_back: TakenBack::Restored,
    },
    Compared {
        table: "token_approvals",
        columns: &["contract", "token_id", "approved", "updated_block"],
        order: &["contract", "token_id"],
        taken_back: TakenBack::Restored,
    },
    Compared {
        table: "operator_approvals",
        columns: &["contract", "owner", "operator", "approved", "updated_block"],
        order: &["contract", "owner", "operator"],
        taken_back: TakenBack::Restored,
    },
    Compared {
        table: "metadata_updates",
        columns: &[
            "block_number",
            "log_index",
            "contract",
            "first_token_id",
            "last_token_id",
            "uri",
        ],
        order: &["block_number", "log_index"],
        taken_back: TakenBack::Deleted,
    },
    Compared {
        table: "index_children",
        columns: &["block_number", "log_index", "factory", "address"],
        order: &["block_number", "log_index"],
        taken_back: TakenBack::Deleted,
    },
    Compared {
        table: "decoded_logs",
        columns: &["block_number", "log_index", "contract", "event", "signature", "args"],
        order: &["block_number", "log_index"],
        taken_back: TakenBack::Deleted,
    },
    Compared {
        table: "unread_logs",
        columns: &["block_number", "log_index", "contract", "reason"],
        order: &["block_number", "log_index"],
        taken_back: TakenBack::Deleted,
    },
    Compared {
        table: "undecoded_logs",
        columns: &["block_number", "log_index", "contract", "reason"],
        order: &["block_number", "log_index"],
        taken_back: TakenBack::Deleted,
    },
];

/// One table's rows, counted and hashed in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDigest {
    pub table: &'static str,
    pub rows: u64,
    pub sha256: B256,
}

/// Digest of every table of [`TABLES`], in that order. For tests and audits: reads all rows. Call
/// it inside a repeatable-read transaction when the index is moving.
pub async fn load(db: &mut PgConnection, chain: ChainId) -> Result<Vec<TableDigest>, DbError> {
    let mut digests = Vec::with_capacity(TABLES.len());
    for compared in &TABLES {
        digests.push(load_table(db, chain, compared).await?);
    }
    Ok(digests)
}

/// Digest of one table; the same holds of it.
pub async fn load_table(
    db: &mut PgConnection,
    chain: ChainId,
    compared: &Compared,
) -> Result<TableDigest, DbError> {
    // Made of the constants above only.
    let sql = sqlx::AssertSqlSafe(format!(
        "select row({})::text from {} where chain_id = $1 order by {}",
        compared.columns.join(", "),
        compared.table,
        compared.order.join(", "),
    ));
    let mut rows = sqlx::query_scalar::<_, String>(sql).bind(chain.as_i64()).fetch(db);
    let (mut count, mut hasher) = (0, Sha256::new());
    while let Some(row) = rows.try_next().await? {
        count += 1;
        // Length first, so that no two lists of rows read alike.
        hasher.update(u64::try_from(row.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(row.as_bytes());
    }
    let sha256 = B256::from_slice(&hasher.finalize());
    Ok(TableDigest { table: compared.table, rows: count, sha256 })
}

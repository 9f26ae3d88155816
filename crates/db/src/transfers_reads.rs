//! `transfers`, for readers.

use crate::{Addr, DbError, Hash, Numeric};
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::{Address, B256, ItemKey};

/// A transfer as stored.
#[derive(Clone, Debug)]
pub struct TransferRow {
    pub block_number: i64,
    pub block_hash: B256,
    pub log_index: i32,
    pub tx_hash: B256,
    pub sender: Address,
    pub recipient: Address,
    pub mined_at: OffsetDateTime,
}

/// The latest `limit` transfers of an item, newest first.
pub async fn load_history(
    db: &mut PgConnection,
    item: ItemKey,
    limit: i64,
) -> Result<Vec<TransferRow>, DbError> {
    Ok(sqlx::query_as!(
        TransferRow,
        r#"select block_number, block_hash as "block_hash: Hash", log_index,
                  tx_hash as "tx_hash: Hash", sender as "sender: Addr",
                  recipient as "recipient: Addr", mined_at
             from transfers where chain_id = $1 and contract = $2 and token_id = $3
            order by block_number desc, log_index desc limit $4"#,
        item.chain_id.as_i64(),
        item.contract.as_slice(),
        Numeric(item.token_id) as _,
        limit,
    )
    .fetch_all(db)
    .await?)
}

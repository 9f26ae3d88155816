//! `attempts`, for those who look at a transaction.

use crate::{Addr, DbError, Hash, Numeric};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{Address, U256};

/// One attempt, without its bytes.
#[derive(Clone, Debug)]
pub struct AttemptRow {
    pub attempt: i16,
    pub wallet: Address,
    pub nonce: i64,
    pub gas_limit: i64,
    pub max_fee_wei: U256,
    pub max_priority_fee_wei: U256,
    pub void: bool,
    pub tx_hash: Option<Hash>,
    pub sent: Option<String>,
    pub sent_error: Option<String>,
    pub sent_at: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
}

/// All attempts of a transaction, oldest first.
pub async fn load_of(db: &mut PgConnection, transaction: Uuid) -> Result<Vec<AttemptRow>, DbError> {
    Ok(sqlx::query_as!(
        AttemptRow,
        r#"select attempt, wallet as "wallet: Addr", nonce, gas_limit,
                  max_fee_wei as "max_fee_wei: Numeric",
                  max_priority_fee_wei as "max_priority_fee_wei: Numeric", void,
                  tx_hash as "tx_hash: Hash", sent, sent_error, sent_at, created_at
             from attempts where transaction_id = $1 order by attempt"#,
        transaction,
    )
    .fetch_all(db)
    .await?)
}

//! `transactions`, for readers.

use crate::{DbError, Hash, transactions::Transaction};
use sqlx::PgConnection;
use vocab::{ChainId, JobStatus, TransactionId};

/// Which transactions to list. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransactionFilter<'a> {
    pub id: Option<TransactionId>,
    pub chain: Option<ChainId>,
    pub kind: Option<&'a str>,
    pub status: Option<JobStatus>,
}

/// Newest first, at most `limit`.
pub async fn list(
    db: &mut PgConnection,
    filter: TransactionFilter<'_>,
    limit: i64,
) -> Result<Vec<Transaction>, DbError> {
    Ok(sqlx::query_as!(
        Transaction,
        r#"select id, chain_id, kind, status, reason, wallet as "wallet: crate::Addr", nonce,
                  tx_hash as "tx_hash: Hash", block_number, block_hash as "block_hash: Hash",
                  reverted, request_id, created_at, updated_at
             from transactions
            where ($1::uuid is null or id = $1)
              and ($2::int8 is null or chain_id = $2)
              and ($3::text is null or kind = $3)
              and ($4::text is null or status = $4)
            order by id desc limit $5"#,
        filter.id.map(|id| id.0),
        filter.chain.map(ChainId::as_i64),
        filter.kind,
        filter.status.map(JobStatus::as_str),
        limit,
    )
    .fetch_all(db)
    .await?)
}

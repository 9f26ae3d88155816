//! `transactions`, for readers.

use crate::{Addr, DbError, Hash};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{ChainId, JobStatus, TransactionId};

/// Which transactions to list. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransactionFilter<'a> {
    pub id: Option<TransactionId>,
    pub chain: Option<ChainId>,
    pub kind: Option<&'a str>,
    pub status: Option<JobStatus>,
}

/// What a snapshot says of a transaction.
#[derive(Clone, Debug)]
pub struct Summary {
    pub id: Uuid,
    pub chain_id: i64,
    pub kind: String,
    pub status: String,
    pub reason: Option<String>,
    pub wallet: Option<Addr>,
    pub nonce: Option<i64>,
    pub tx_hash: Option<Hash>,
    pub block_number: Option<i64>,
    pub block_hash: Option<Hash>,
    pub reverted: bool,
    pub request_id: Option<String>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

/// Newest first, at most `limit`.
pub async fn list(
    db: &mut PgConnection,
    filter: TransactionFilter<'_>,
    limit: i64,
) -> Result<Vec<Summary>, DbError> {
    Ok(sqlx::query_as!(
        Summary,
        r#"select id, chain_id, kind, status, reason, wallet as "wallet: Addr", nonce,
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

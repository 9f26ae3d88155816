//! The indexer's side of `collection_requests`: what became of them on chain.

use crate::{Addr, DbError, Hash};
use sqlx::PgConnection;
use vocab::{Address, B256, ChainId, CollectionRequestId, JobStatus, PrincipalId, TransactionId};

/// A request whose state the chain has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestEffect {
    pub id: CollectionRequestId,
    pub principal_id: PrincipalId,
    pub contract: Address,
    pub transaction_id: Option<TransactionId>,
    pub tx_hash: Option<B256>,
    pub status: String,
    /// The state before, when the deployment's block was orphaned.
    pub taken_back: Option<String>,
}

struct Row {
    id: uuid::Uuid,
    principal_id: uuid::Uuid,
    contract: Addr,
    transaction_id: Option<uuid::Uuid>,
    tx_hash: Option<Hash>,
    status: String,
    taken_back: Option<String>,
}

impl From<Row> for RequestEffect {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            principal_id: row.principal_id.into(),
            contract: row.contract.0,
            transaction_id: row.transaction_id.map(Into::into),
            tx_hash: row.tx_hash.map(Into::into),
            status: row.status,
            taken_back: row.taken_back,
        }
    }
}

/// Set the requests for these contracts to `status`: [`JobStatus::Tentative`] or later when they
/// were deployed, [`JobStatus::Submitted`] when that was undone.
pub async fn record_status(
    db: &mut PgConnection,
    chain: ChainId,
    contracts: &[Address],
    status: JobStatus,
) -> Result<Vec<RequestEffect>, DbError> {
    if contracts.is_empty() {
        return Ok(Vec::new());
    }
    let contracts: Vec<Addr> = contracts.iter().copied().map(Addr).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"with old as (
               select id, status from collection_requests
                where chain_id = $1 and contract = any($2::bytea[]) and status <> $3
                  for update
           )
           update collection_requests r set status = $3, reason = null, updated_at = now()
             from old where r.id = old.id
           returning r.id, r.principal_id, r.contract as "contract: Addr", r.transaction_id,
                     (select t.tx_hash from transactions t where t.id = r.transaction_id)
                         as "tx_hash: Hash",
                     r.status, case when $3 = 'submitted' then old.status end as taken_back"#,
        chain.as_i64(),
        &contracts as _,
        status.as_str(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Raise the deployed requests whose collection lies at or below `auditable` or `final_` (block
/// numbers; none while nothing is).
pub async fn record_levels(
    db: &mut PgConnection,
    chain: ChainId,
    auditable: Option<u64>,
    final_: Option<u64>,
) -> Result<Vec<RequestEffect>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"update collection_requests r
              set status = case when c.created_block <= $3 then 'final' else 'auditable' end,
                  updated_at = now()
             from collections c
            where c.chain_id = r.chain_id and c.contract = r.contract and r.chain_id = $1
              and r.status not in ('final', 'failed', 'cancelled', 'expired')
              and ((r.status = 'tentative' and c.created_block <= $2)
                   or (r.status in ('tentative', 'auditable') and c.created_block <= $3))
           returning r.id, r.principal_id, r.contract as "contract: Addr", r.transaction_id,
                     (select t.tx_hash from transactions t where t.id = r.transaction_id)
                         as "tx_hash: Hash",
                     r.status, null::text as taken_back"#,
        chain.as_i64(),
        auditable.map_or(-1, u64::cast_signed),
        final_.map_or(-1, u64::cast_signed),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

//! The indexer's side of `collection_requests`: what became of them on chain.

use crate::{Addr, DbError};
use sqlx::PgConnection;
use vocab::{Address, ChainId, CollectionRequestId, JobStatus, PrincipalId};

/// A request whose state the chain has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestEffect {
    pub id: CollectionRequestId,
    pub principal_id: PrincipalId,
    pub contract: Address,
    pub status: String,
}

struct Row {
    id: uuid::Uuid,
    principal_id: uuid::Uuid,
    contract: Addr,
    status: String,
}

impl From<Row> for RequestEffect {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            principal_id: row.principal_id.into(),
            contract: row.contract.0,
            status: row.status,
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
        r#"update collection_requests
              set status = $3, reason = null, updated_at = now()
            where chain_id = $1 and contract = any($2::bytea[]) and status <> $3
           returning id, principal_id, contract as "contract: Addr", status"#,
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
           returning r.id, r.principal_id, r.contract as "contract: Addr", r.status"#,
        chain.as_i64(),
        auditable.map_or(-1, u64::cast_signed),
        final_.map_or(-1, u64::cast_signed),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

//! `collection_requests`: collections that somebody asked for.

use crate::{Addr, DbError, Hash};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{Address, B256, ChainId, CollectionRequestId, JobStatus, PrincipalId, TransactionId};

pub mod outcomes;

/// A collection asked for, as stored.
#[derive(Clone, Debug)]
pub struct CollectionRequest {
    pub id: Uuid,
    pub principal_id: Uuid,
    pub chain_id: i64,
    pub contract: Address,
    pub salt: B256,
    pub name: String,
    pub symbol: String,
    pub content_mode: String,
    pub base_uri: String,
    pub settings: Value,
    pub status: String,
    pub reason: Option<String>,
    pub transaction_id: Option<Uuid>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

/// A collection to be asked for.
#[derive(Clone, Debug)]
pub struct NewCollectionRequest<'a> {
    pub id: CollectionRequestId,
    pub principal_id: PrincipalId,
    pub chain_id: ChainId,
    pub contract: Address,
    pub salt: B256,
    pub name: &'a str,
    pub symbol: &'a str,
    /// `digest`, `base_uri` or `free_uri`.
    pub content_mode: &'a str,
    pub base_uri: &'a str,
    pub settings: &'a Value,
    pub status: JobStatus,
    pub transaction_id: Option<TransactionId>,
    pub now: OffsetDateTime,
}

/// What a mint has to know of its collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MintTarget {
    pub content_mode: String,
    pub base_uri: String,
    /// It stands on chain, as far as the index knows.
    pub deployed: bool,
}

/// Record a request. False when there is one for that contract already.
pub async fn record(
    db: &mut PgConnection,
    request: &NewCollectionRequest<'_>,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "insert into collection_requests
             (id, principal_id, chain_id, contract, salt, name, symbol, content_mode, base_uri,
              settings, status, transaction_id, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
         on conflict (chain_id, contract) do nothing",
        request.id.0,
        request.principal_id.0,
        request.chain_id.as_i64(),
        request.contract.as_slice(),
        request.salt.as_slice(),
        request.name,
        request.symbol,
        request.content_mode,
        request.base_uri,
        request.settings,
        request.status.as_str(),
        request.transaction_id.map(|id| id.0),
        request.now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn load(
    db: &mut PgConnection,
    chain: ChainId,
    contract: Address,
) -> Result<Option<CollectionRequest>, DbError> {
    Ok(sqlx::query_as!(
        CollectionRequest,
        r#"select id, principal_id, chain_id, contract as "contract: Addr", salt as "salt: Hash",
                  name, symbol, content_mode, base_uri, settings, status, reason, transaction_id,
                  created_at, updated_at
             from collection_requests where chain_id = $1 and contract = $2"#,
        chain.as_i64(),
        contract.as_slice(),
    )
    .fetch_optional(db)
    .await?)
}

/// The collection as a target of mints; none when nobody asked for it here.
pub async fn load_mint_target(
    db: &mut PgConnection,
    chain: ChainId,
    contract: Address,
) -> Result<Option<MintTarget>, DbError> {
    Ok(sqlx::query_as!(
        MintTarget,
        r#"select r.content_mode, r.base_uri,
                  (r.status in ('tentative', 'auditable', 'final')
                   or exists (select 1 from collections c
                               where c.chain_id = r.chain_id and c.contract = r.contract))
                      as "deployed!"
             from collection_requests r where r.chain_id = $1 and r.contract = $2"#,
        chain.as_i64(),
        contract.as_slice(),
    )
    .fetch_optional(db)
    .await?)
}

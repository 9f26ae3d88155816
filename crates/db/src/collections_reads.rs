//! `collections` joined with who asked for them, and how far the index is, for readers.

use crate::{Addr, DbError};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{Address, ChainId};

/// A collection on chain, or asked for, or both.
#[derive(Clone, Debug)]
pub struct CollectionRow {
    pub chain_id: i64,
    pub contract: Address,
    pub creator: Option<Addr>,
    pub minted: Option<i64>,
    pub burned: Option<i64>,
    pub created_block: Option<i64>,
    pub request_id: Option<Uuid>,
    pub name: Option<String>,
    pub symbol: Option<String>,
    pub content_mode: Option<String>,
    pub base_uri: Option<String>,
    pub request_status: Option<String>,
    pub reason: Option<String>,
    pub requested_at: Option<OffsetDateTime>,
    /// On chain as logs say; before, as it was asked for. The receiver of nothing may be anybody.
    pub royalty_receiver: Option<Addr>,
    pub royalty_bps: Option<i32>,
}

/// Which collections to list. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct CollectionFilter {
    pub chain: Option<ChainId>,
    pub contract: Option<Address>,
    /// On chain only.
    pub creator: Option<Address>,
    /// Asked for only.
    pub request_id: Option<Uuid>,
}

/// Collections in the order of (chain, contract), at most `limit`, after `after`.
pub async fn list(
    db: &mut PgConnection,
    filter: CollectionFilter,
    after: Option<(ChainId, Address)>,
    limit: i64,
) -> Result<Vec<CollectionRow>, DbError> {
    let (after_chain, after_contract) = after.unzip();
    Ok(sqlx::query_as!(
        CollectionRow,
        r#"with keys as (
               (select chain_id, contract from collections
                 where ($1::int8 is null or chain_id = $1)
                   and ($2::bytea is null or contract = $2)
                   and ($3::int8 is null or (chain_id, contract) > ($3, $4::bytea))
                   and ($6::bytea is null or creator = $6) and $7::uuid is null
                 order by chain_id, contract limit $5)
               union
               (select chain_id, contract from collection_requests
                 where ($1::int8 is null or chain_id = $1)
                   and ($2::bytea is null or contract = $2)
                   and ($3::int8 is null or (chain_id, contract) > ($3, $4::bytea))
                   and $6::bytea is null and ($7::uuid is null or id = $7)
                 order by chain_id, contract limit $5)
           )
           select k.chain_id as "chain_id!", k.contract as "contract!: Addr",
                  c.creator as "creator?: Addr", c.minted as "minted?", c.burned as "burned?",
                  c.created_block as "created_block?", r.id as "request_id?", r.name as "name?",
                  r.symbol as "symbol?", r.content_mode as "content_mode?",
                  r.base_uri as "base_uri?", r.status as "request_status?", r.reason,
                  r.created_at as "requested_at?",
                  case when c.contract is null
                       then decode(substr(r.settings->>'royalty_receiver', 3), 'hex')
                       else c.royalty_receiver end as "royalty_receiver: Addr",
                  case when c.contract is null then (r.settings->>'royalty_bps')::int4
                       else c.royalty_bps end as royalty_bps
             from keys k
             left join collections c on c.chain_id = k.chain_id and c.contract = k.contract
             left join collection_requests r
                    on r.chain_id = k.chain_id and r.contract = k.contract
            order by k.chain_id, k.contract limit $5"#,
        filter.chain.map(ChainId::as_i64),
        filter.contract.as_ref().map(|a| a.as_slice()),
        after_chain.map(ChainId::as_i64),
        after_contract.as_ref().map(|a| a.as_slice()),
        limit,
        filter.creator.as_ref().map(|a| a.as_slice()),
        filter.request_id,
    )
    .fetch_all(db)
    .await?)
}

impl CollectionFilter {
    /// One collection by its address.
    #[must_use]
    pub fn only(chain: ChainId, contract: Address) -> Self {
        Self { chain: Some(chain), contract: Some(contract), ..Self::default() }
    }
}

/// How far the index of a chain is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexState {
    pub height: i64,
    /// False when the indexer has stopped and waits for an operator.
    pub live: bool,
    /// Highest canonical header that we know.
    pub head: i64,
    /// When the last commit for this chain was made.
    pub updated_at: OffsetDateTime,
}

/// None when nothing of this chain was indexed yet.
pub async fn load_index_state(
    db: &mut PgConnection,
    chain: ChainId,
) -> Result<Option<IndexState>, DbError> {
    Ok(sqlx::query_as!(
        IndexState,
        r#"select height, state = 'live' as "live!",
                  coalesce((select max(number) from blocks b where b.chain_id = c.chain_id),
                           height) as "head!",
                  updated_at
             from checkpoints c where chain_id = $1"#,
        chain.as_i64(),
    )
    .fetch_optional(db)
    .await?)
}

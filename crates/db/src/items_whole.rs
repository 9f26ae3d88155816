//! Items with all that is shown of them, many at a time.

use crate::{
    Addr, DbError, Hash, Numeric, items_reads::ItemRow, token_metadata::reads::MetadataRow,
    transfers_reads::TransferRow,
};
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::HashMap;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{Address, ChainId, MintId, U256};

/// Contract and token id, of one chain.
pub type Token = (Address, U256);

/// An item, and what belongs to it.
#[derive(Clone, Debug)]
pub struct WholeItem {
    pub item: ItemRow,
    /// The job that minted it.
    pub mint_id: Option<MintId>,
    pub metadata: Option<MetadataRow>,
    /// Newest first.
    pub history: Vec<TransferRow>,
}

/// Of each of these, distinct tokens what is there, with at most `history_max` transfers.
pub async fn load(
    db: &mut PgConnection,
    chain: ChainId,
    tokens: &[Token],
    history_max: i64,
) -> Result<HashMap<Token, WholeItem>, DbError> {
    let (contracts, ids): (Vec<Addr>, Vec<Numeric>) =
        tokens.iter().map(|(contract, id)| (Addr(*contract), Numeric(*id))).unzip();
    let mut found = load_items(db, chain, &contracts, &ids).await?;
    for row in load_histories(db, chain, &contracts, &ids, history_max).await? {
        if let Some(whole) = found.get_mut(&(row.contract, row.token_id)) {
            whole.history.push(row);
        }
    }
    Ok(found)
}

struct Row {
    chain_id: i64,
    contract: Addr,
    token_id: Numeric,
    owner: Option<Addr>,
    uri: Option<String>,
    intent: Option<Numeric>,
    minted_block: i64,
    minted_tx: Hash,
    updated_block: i64,
    royalty_receiver: Option<Addr>,
    royalty_bps: Option<i32>,
    mint_id: Option<Uuid>,
    state: Option<String>,
    reason: Option<String>,
    name: Option<String>,
    description: Option<String>,
    image: Option<String>,
    animation_url: Option<String>,
    external_url: Option<String>,
    attributes: Option<Value>,
    verified: Option<bool>,
    resolved_block: Option<i64>,
    resolved_at: Option<OffsetDateTime>,
    own_royalty_receiver: Option<Addr>,
    own_royalty_bps: Option<i32>,
    tries: Option<i32>,
    due_at: Option<OffsetDateTime>,
}

impl From<Row> for WholeItem {
    fn from(row: Row) -> Self {
        let (contract, token_id) = (row.contract.0, row.token_id.0);
        let metadata = row.state.map(|state| MetadataRow {
            contract,
            token_id,
            state,
            reason: row.reason,
            name: row.name,
            description: row.description,
            image: row.image,
            animation_url: row.animation_url,
            external_url: row.external_url,
            attributes: row.attributes.unwrap_or_default(),
            verified: row.verified,
            resolved_block: row.resolved_block,
            resolved_at: row.resolved_at,
            royalty_receiver: row.own_royalty_receiver,
            royalty_bps: row.own_royalty_bps,
            tries: row.tries.unwrap_or_default(),
            due_at: row.due_at,
        });
        let item = ItemRow {
            chain_id: row.chain_id,
            contract,
            token_id,
            owner: row.owner,
            uri: row.uri,
            intent: row.intent,
            minted_block: row.minted_block,
            minted_tx: row.minted_tx.0,
            updated_block: row.updated_block,
            royalty_receiver: row.royalty_receiver,
            royalty_bps: row.royalty_bps,
        };
        Self { item, mint_id: row.mint_id.map(MintId), metadata, history: Vec::new() }
    }
}

async fn load_items(
    db: &mut PgConnection,
    chain: ChainId,
    contracts: &[Addr],
    ids: &[Numeric],
) -> Result<HashMap<Token, WholeItem>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select i.chain_id, i.contract as "contract: Addr", i.token_id as "token_id: Numeric",
                  i.owner as "owner: Addr", i.uri, i.intent as "intent: Numeric", i.minted_block,
                  i.minted_tx as "minted_tx: Hash", i.updated_block,
                  c.royalty_receiver as "royalty_receiver?: Addr",
                  c.royalty_bps as "royalty_bps?", j.id as "mint_id?",
                  m.state as "state?", m.reason, m.name, m.description, m.image, m.animation_url,
                  m.external_url, m.attributes as "attributes?", m.verified, m.resolved_block,
                  m.resolved_at, m.royalty_receiver as "own_royalty_receiver: Addr",
                  m.royalty_bps as own_royalty_bps, m.tries as "tries?", m.due_at
             from unnest($2::bytea[], $3::numeric[]) as k (contract, token_id)
            cross join lateral (
                  select * from items o where o.chain_id = $1 and o.contract = k.contract
                     and o.token_id = k.token_id limit 1) as i
             left join lateral (
                  select * from collections o where o.chain_id = $1 and o.contract = k.contract
                   limit 1) as c on true
             left join lateral (
                  select o.id from mint_jobs o where o.chain_id = $1 and o.contract = k.contract
                     and o.intent = i.intent limit 1) as j on true
             left join lateral (
                  select * from token_metadata o where o.chain_id = $1 and o.contract = k.contract
                     and o.token_id = k.token_id limit 1) as m on true"#,
        chain.as_i64(),
        contracts as _,
        ids as _,
    )
    .fetch_all(db)
    .await?;
    let whole = rows.into_iter().map(WholeItem::from);
    Ok(whole.map(|whole| ((whole.item.contract, whole.item.token_id), whole)).collect())
}

async fn load_histories(
    db: &mut PgConnection,
    chain: ChainId,
    contracts: &[Addr],
    ids: &[Numeric],
    history_max: i64,
) -> Result<Vec<TransferRow>, DbError> {
    Ok(sqlx::query_as!(
        TransferRow,
        r#"select t.block_number, t.block_hash as "block_hash: Hash", t.log_index, t.place,
                  t.tx_hash as "tx_hash: Hash", t.contract as "contract: Addr",
                  t.token_id as "token_id: Numeric", t.amount as "amount: Numeric",
                  t.sender as "sender: Addr", t.recipient as "recipient: Addr", t.mined_at
             from unnest($2::bytea[], $3::numeric[]) with ordinality as k (contract, token_id, n)
            cross join lateral (
                  select * from transfers h
                   where h.chain_id = $1 and h.contract = k.contract and h.token_id = k.token_id
                   order by h.block_number desc, h.log_index desc, h.place desc limit $4) as t
            order by k.n, t.block_number desc, t.log_index desc, t.place desc"#,
        chain.as_i64(),
        contracts as _,
        ids as _,
        history_max,
    )
    .fetch_all(db)
    .await?)
}

/// How whole what is indexed of a contract is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its earlier logs are being indexed, and stand at this block.
    pub backfilled_to: Option<u64>,
    /// It was followed up to this block, and is no more.
    pub last_block: Option<u64>,
}

/// Of each of these contracts; as [`crate::index_sources::load_height`] and
/// [`crate::index_removals::load_last_block`] tell of one.
pub async fn load_standings(
    db: &mut PgConnection,
    chain: ChainId,
    contracts: &[Address],
) -> Result<HashMap<Address, Standing>, DbError> {
    let contracts: Vec<Addr> = contracts.iter().map(|contract| Addr(*contract)).collect();
    let rows = sqlx::query!(
        r#"select k.contract as "contract!: Addr",
                  (select min(s.height) from index_sources s
                    where s.chain_id = $1 and s.height is not null
                      and (s.address = k.contract
                           or s.address in (select c.factory from index_children c
                                             where c.chain_id = $1 and c.address = k.contract)))
                      as height,
                  (select s.last_block from index_sources s
                    where s.chain_id = $1 and s.last_block is not null
                      and s.address = coalesce(
                          (select o.address from index_sources o
                            where o.chain_id = $1 and o.address = k.contract),
                          (select c.factory from index_children c
                            where c.chain_id = $1 and c.address = k.contract
                            order by c.block_number, c.log_index limit 1))
                      and not exists (select 1 from collections o
                                       where o.chain_id = $1 and o.contract = k.contract))
                      as last_block
             from unnest($2::bytea[]) as k (contract)"#,
        chain.as_i64(),
        &contracts as _,
    )
    .fetch_all(db)
    .await?;
    let standing = rows.into_iter().map(|row| {
        let standing = Standing {
            backfilled_to: row.height.map(i64::cast_unsigned),
            last_block: row.last_block.map(i64::cast_unsigned),
        };
        (row.contract.0, standing)
    });
    Ok(standing.collect())
}

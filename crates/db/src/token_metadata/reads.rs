//! `token_metadata` and `token_traits`, for readers.

use crate::{Addr, DbError, Numeric, items_reads::ItemRow};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::{Address, ChainId, U256};

/// Longer links are not in lists.
pub const LISTED_LINK_MAX: i32 = 2_048;
/// Longer descriptions are cut there.
pub const LISTED_DESCRIPTION_MAX: i32 = 500;

/// What is known of a token's document.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataRow {
    pub contract: Address,
    pub token_id: U256,
    /// `pending`, `resolved` or `failed`.
    pub state: String,
    pub reason: Option<String>,
    pub name: Option<String>,
    pub description: Option<String>,
    /// Null in lists when it is longer than [`LISTED_LINK_MAX`].
    pub image: Option<String>,
    pub animation_url: Option<String>,
    pub external_url: Option<String>,
    pub attributes: Value,
    pub verified: Option<bool>,
    pub resolved_block: Option<i64>,
    pub resolved_at: Option<OffsetDateTime>,
    pub royalty_receiver: Option<Addr>,
    pub royalty_bps: Option<i32>,
    pub tries: i32,
    /// When it is tried again, if it is.
    pub due_at: Option<OffsetDateTime>,
}

/// Of one token, whole.
pub async fn load(
    db: &mut PgConnection,
    chain: ChainId,
    (contract, token_id): (Address, U256),
) -> Result<Option<MetadataRow>, DbError> {
    Ok(sqlx::query_as!(
        MetadataRow,
        r#"select contract as "contract: Addr", token_id as "token_id: Numeric", state, reason,
                  name, description, image, animation_url, external_url, attributes, verified,
                  resolved_block, resolved_at, royalty_receiver as "royalty_receiver: Addr",
                  royalty_bps, tries, due_at
             from token_metadata where chain_id = $1 and contract = $2 and token_id = $3::numeric"#,
        chain.as_i64(),
        contract.as_slice(),
        Numeric(token_id) as _,
    )
    .fetch_optional(db)
    .await?)
}

/// Of many tokens, as they are shown in lists.
pub async fn load_many(
    db: &mut PgConnection,
    chain: ChainId,
    tokens: &[(Address, U256)],
) -> Result<Vec<MetadataRow>, DbError> {
    let (contracts, ids): (Vec<Addr>, Vec<Numeric>) =
        tokens.iter().map(|(contract, id)| (Addr(*contract), Numeric(*id))).unzip();
    Ok(sqlx::query_as!(
        MetadataRow,
        r#"select m.contract as "contract: Addr", m.token_id as "token_id: Numeric", m.state,
                  m.reason, m.name, left(m.description, $5) as description,
                  case when length(m.image) <= $4 then m.image end as image,
                  case when length(m.animation_url) <= $4 then m.animation_url end
                      as animation_url,
                  m.external_url, m.attributes, m.verified, m.resolved_block, m.resolved_at,
                  m.royalty_receiver as "royalty_receiver: Addr", m.royalty_bps, m.tries, m.due_at
             from unnest($2::bytea[], $3::numeric[]) as k (contract, token_id)
            cross join lateral (
                  select * from token_metadata t
                   where t.chain_id = $1 and t.contract = k.contract
                     and t.token_id = k.token_id limit 1) as m"#,
        chain.as_i64(),
        &contracts as _,
        &ids as _,
        LISTED_LINK_MAX,
        LISTED_DESCRIPTION_MAX,
    )
    .fetch_all(db)
    .await?)
}

/// Which items of a collection to list.
#[derive(Clone, Debug)]
pub struct TraitFilter<'a> {
    pub contract: Address,
    pub owner: Option<Address>,
    /// Type and value; an item has all of them. At least one.
    pub traits: &'a [(String, String)],
}

/// Items of a collection that have all of some traits, in the order of token id, at most `limit`,
/// after `after`. Read along the first trait; the others are looked up for each item.
pub async fn list_items(
    db: &mut PgConnection,
    chain: ChainId,
    filter: &TraitFilter<'_>,
    after: Option<U256>,
    limit: i64,
) -> Result<Vec<ItemRow>, DbError> {
    let Some(((kind, value), others)) = filter.traits.split_first() else {
        return Ok(Vec::new());
    };
    let (kinds, values): (Vec<&str>, Vec<&str>) =
        others.iter().map(|(kind, value)| (kind.as_str(), value.as_str())).unzip();
    Ok(sqlx::query_as!(
        ItemRow,
        r#"select i.chain_id, i.contract as "contract: Addr", i.token_id as "token_id: Numeric",
                  i.owner as "owner: Addr", i.uri, i.intent as "intent: Numeric", i.minted_block,
                  i.minted_tx as "minted_tx: crate::Hash", i.updated_block,
                  c.royalty_receiver as "royalty_receiver?: Addr",
                  c.royalty_bps as "royalty_bps?"
             from token_traits t
             join items i on i.chain_id = t.chain_id and i.contract = t.contract
                         and i.token_id = t.token_id
             left join collections c on c.chain_id = $1 and c.contract = $2
            where t.chain_id = $1 and t.contract = $2 and t.trait_type = $3 and t.value = $4
              and t.token_id > coalesce($5::numeric, -1)
              and ($6::bytea is null or i.owner = $6)
              and not exists (
                  select 1 from unnest($7::text[], $8::text[]) as o (trait_type, value)
                   where not exists (
                         select 1 from token_traits s
                          where s.chain_id = $1 and s.contract = $2
                            and s.trait_type = o.trait_type and s.value = o.value
                            and s.token_id = t.token_id))
            order by t.token_id limit $9"#,
        chain.as_i64(),
        filter.contract.as_slice(),
        kind,
        value,
        after.map(Numeric) as _,
        filter.owner.as_ref().map(|a| a.as_slice()),
        &kinds as _,
        &values as _,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// How many items of a collection have a trait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraitCount {
    pub trait_type: String,
    pub value: String,
    pub items: i64,
}

/// Traits of a collection's items, in the order of type and value, at most `limit`, after `after`.
/// Burned items don't count. Goes over all traits of the collection's items.
pub async fn count_traits(
    db: &mut PgConnection,
    chain: ChainId,
    contract: Address,
    after: Option<(&str, &str)>,
    limit: i64,
) -> Result<Vec<TraitCount>, DbError> {
    // Nothing is before the empty one.
    let (kind, value) = after.unwrap_or_default();
    Ok(sqlx::query_as!(
        TraitCount,
        r#"with live as materialized (
               select token_id from items
                where chain_id = $1 and contract = $2 and owner is not null)
           select t.trait_type, t.value, count(*) as "items!"
             from token_traits t join live on live.token_id = t.token_id
            where t.chain_id = $1 and t.contract = $2
              and (t.trait_type, t.value) > ($3::text, $4::text)
            group by t.trait_type, t.value order by t.trait_type, t.value limit $5"#,
        chain.as_i64(),
        contract.as_slice(),
        kind,
        value,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Has the index seen this token of any contract?
pub async fn is_known(
    db: &mut PgConnection,
    chain: ChainId,
    (contract, token_id): (Address, U256),
) -> Result<bool, DbError> {
    let row = sqlx::query!(
        r#"select exists (select 1 from items
                           where chain_id = $1 and contract = $2 and token_id = $3::numeric)
               or exists (select 1 from followed_contracts s join balances b
                              on b.chain_id = s.chain_id and b.contract = s.address
                           where s.chain_id = $1 and s.address = $2 and s.kind = 'erc1155'
                             and b.token_id = $3::numeric) as "known!""#,
        chain.as_i64(),
        contract.as_slice(),
        Numeric(token_id) as _,
    )
    .fetch_one(db)
    .await?;
    Ok(row.known)
}

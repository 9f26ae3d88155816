//! `items`, for readers.

use crate::{Addr, DbError, Hash, Numeric};
use sqlx::PgConnection;
use vocab::{Address, B256, ChainId, ItemKey, U256};

/// An item as stored.
#[derive(Clone, Debug)]
pub struct ItemRow {
    pub chain_id: i64,
    pub contract: Address,
    pub token_id: U256,
    pub owner: Option<Addr>,
    pub uri: Option<String>,
    pub intent: Option<Numeric>,
    pub minted_block: i64,
    pub minted_tx: B256,
    pub updated_block: i64,
    /// Of items of our collections, what those say; both null for others.
    pub royalty_receiver: Option<Addr>,
    pub royalty_bps: Option<i32>,
}

pub async fn load(db: &mut PgConnection, item: ItemKey) -> Result<Option<ItemRow>, DbError> {
    Ok(sqlx::query_as!(
        ItemRow,
        r#"select i.chain_id, i.contract as "contract: Addr", token_id as "token_id: Numeric",
                  owner as "owner: Addr", uri, intent as "intent: Numeric", minted_block,
                  minted_tx as "minted_tx: Hash", updated_block,
                  c.royalty_receiver as "royalty_receiver?: Addr",
                  c.royalty_bps as "royalty_bps?"
             from items i
             left join collections c on c.chain_id = i.chain_id and c.contract = i.contract
            where i.chain_id = $1 and i.contract = $2 and token_id = $3"#,
        item.chain_id.as_i64(),
        item.contract.as_slice(),
        Numeric(item.token_id) as _,
    )
    .fetch_optional(db)
    .await?)
}

/// Items of a chain in the order of (contract, token id), at most `limit`, after `after`.
/// With an owner or a contract, only theirs.
pub async fn list(
    db: &mut PgConnection,
    chain: ChainId,
    owner: Option<Address>,
    contract: Option<Address>,
    after: Option<(Address, U256)>,
    limit: i64,
) -> Result<Vec<ItemRow>, DbError> {
    let (after_contract, after_token) = after.unzip();
    Ok(sqlx::query_as!(
        ItemRow,
        r#"select i.chain_id as "chain_id!", i.contract as "contract!: Addr",
                  i.token_id as "token_id!: Numeric", i.owner as "owner: Addr", i.uri,
                  i.intent as "intent: Numeric", i.minted_block as "minted_block!",
                  i.minted_tx as "minted_tx!: Hash", i.updated_block as "updated_block!",
                  c.royalty_receiver as "royalty_receiver?: Addr",
                  c.royalty_bps as "royalty_bps?"
             from (select * from items
                    where chain_id = $1
                      and ($3::bytea is not null
                           or contract <> all ((select backfilling($1))::bytea[]))
                      and ($2::bytea is null or owner = $2)
                      and ($3::bytea is null or contract = $3)
                      and ($4::bytea is null or (contract, token_id) > ($4, $5::numeric))
                    order by contract, token_id limit $6) as i
             left join collections c on c.chain_id = $1 and c.contract = i.contract
            order by i.contract, i.token_id"#,
        chain.as_i64(),
        owner.as_ref().map(|a| a.as_slice()),
        contract.as_ref().map(|a| a.as_slice()),
        after_contract.as_ref().map(|a| a.as_slice()),
        after_token.map(Numeric) as _,
        limit,
    )
    .fetch_all(db)
    .await?)
}

//! `transfers`, for readers.

use crate::{Addr, DbError, Hash, Numeric};
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::{Address, B256, ChainId, U256};

/// A transfer as stored.
#[derive(Clone, Debug)]
pub struct TransferRow {
    pub block_number: i64,
    pub block_hash: B256,
    pub log_index: i32,
    /// Among the transfers of its log.
    pub place: i32,
    pub tx_hash: B256,
    pub contract: Address,
    pub token_id: U256,
    /// None of an item that has one owner.
    pub amount: Option<Numeric>,
    pub sender: Address,
    pub recipient: Address,
    pub mined_at: OffsetDateTime,
}

/// Which transfers to list. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransferFilter {
    pub contract: Option<Address>,
    pub token_id: Option<U256>,
    /// Sender or recipient.
    pub account: Option<Address>,
    /// Both ends are included.
    pub first_block: Option<i64>,
    pub last_block: Option<i64>,
}

/// Block, log index, place.
pub type TransferPlace = (i64, i32, i32);

/// After all that there is.
const NEWEST: TransferPlace = (i64::MAX, i32::MAX, i32::MAX);

/// Transfers of a chain, newest first, at most `limit`, before `before`.
pub async fn list(
    db: &mut PgConnection,
    chain: ChainId,
    filter: TransferFilter,
    before: Option<TransferPlace>,
    limit: i64,
) -> Result<Vec<TransferRow>, DbError> {
    if let Some(account) = filter.account {
        return list_of_account(db, chain, (account, filter), before, limit).await;
    }
    let (block, log_index, place) = before.unwrap_or(NEWEST);
    Ok(sqlx::query_as!(
        TransferRow,
        r#"select block_number, block_hash as "block_hash: Hash", log_index, place,
                      tx_hash as "tx_hash: Hash", contract as "contract: Addr",
                      token_id as "token_id: Numeric", amount as "amount: Numeric",
                      sender as "sender: Addr", recipient as "recipient: Addr", mined_at
                 from transfers
                where chain_id = $1 and ($2::bytea is null or contract = $2)
                  and ($3::numeric is null or token_id = $3)
                  and block_number between $4 and $5
                  and ($2::bytea is not null
                  or contract <> all ((select backfilling($1))::bytea[]))
                  and (block_number, log_index, place) < ($6, $7, $8)
                order by block_number desc, log_index desc, place desc limit $9"#,
        chain.as_i64(),
        filter.contract.map(Addr) as _,
        filter.token_id.map(Numeric) as _,
        filter.first_block.unwrap_or(0),
        filter.last_block.unwrap_or(i64::MAX),
        block,
        log_index,
        place,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// By each of the account's indexes as many as are wanted, whatever the contract.
async fn list_of_account(
    db: &mut PgConnection,
    chain: ChainId,
    (account, filter): (Address, TransferFilter),
    before: Option<TransferPlace>,
    limit: i64,
) -> Result<Vec<TransferRow>, DbError> {
    let (block, log_index, place) = before.unwrap_or(NEWEST);
    Ok(sqlx::query_as!(
        TransferRow,
        r#"with of_account as (
               (select * from transfers
                 where chain_id = $1 and sender = $10 and ($2::bytea is null or contract = $2)
                   and ($3::numeric is null or token_id = $3)
                   and block_number between $4 and $5
                   and ($2::bytea is not null
                  or contract <> all ((select backfilling($1))::bytea[]))
                   and (block_number, log_index, place) < ($6, $7, $8)
                 order by block_number desc, log_index desc, place desc limit $9)
               union
               (select * from transfers
                 where chain_id = $1 and recipient = $10 and ($2::bytea is null or contract = $2)
                   and ($3::numeric is null or token_id = $3)
                   and block_number between $4 and $5
                   and ($2::bytea is not null
                  or contract <> all ((select backfilling($1))::bytea[]))
                   and (block_number, log_index, place) < ($6, $7, $8)
                 order by block_number desc, log_index desc, place desc limit $9)
           )
           select block_number as "block_number!", block_hash as "block_hash!: Hash",
                  log_index as "log_index!", place as "place!", tx_hash as "tx_hash!: Hash",
                  contract as "contract!: Addr", token_id as "token_id!: Numeric",
                  amount as "amount: Numeric", sender as "sender!: Addr",
                  recipient as "recipient!: Addr", mined_at as "mined_at!"
             from of_account
            order by block_number desc, log_index desc, place desc limit $9"#,
        chain.as_i64(),
        filter.contract.map(Addr) as _,
        filter.token_id.map(Numeric) as _,
        filter.first_block.unwrap_or(0),
        filter.last_block.unwrap_or(i64::MAX),
        block,
        log_index,
        place,
        limit,
        Addr(account) as _,
    )
    .fetch_all(db)
    .await?)
}

//! `items`: who owns what, as the chain tells.

use crate::{Addr, DbError, Hash, Numeric, collections::bytea};
use serde_json::{Value, json};
use sqlx::PgConnection;
use vocab::{Address, B256, ChainId, U256};

/// Name of this projection in `undo_records`.
pub const PROJECTION: &str = "items";

/// An item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemRow {
    pub contract: Address,
    pub token_id: U256,
    /// None once burned.
    pub owner: Option<Address>,
    /// None in base-URI mode.
    pub uri: Option<String>,
    /// word × 256 + bit.
    pub intent: Option<U256>,
    pub minted_block: u64,
    pub minted_tx: B256,
    pub updated_block: u64,
}

impl ItemRow {
    /// Key of an item in `undo_records`.
    #[must_use]
    pub fn undo_key(contract: Address, token_id: U256) -> Value {
        json!({ "contract": bytea(contract.as_slice()), "token_id": token_id.to_string() })
    }

    /// The row as [`crate::undo_records::restore`] reads it back.
    #[must_use]
    pub fn undo_image(&self) -> Value {
        json!({
            "contract": bytea(self.contract.as_slice()),
            "token_id": self.token_id.to_string(),
            "owner": self.owner.map(|owner| bytea(owner.as_slice())),
            "uri": self.uri,
            "intent": self.intent.map(|intent| intent.to_string()),
            "minted_block": self.minted_block,
            "minted_tx": bytea(self.minted_tx.as_slice()),
            "updated_block": self.updated_block,
        })
    }
}

struct Row {
    contract: Addr,
    token_id: Numeric,
    owner: Option<Addr>,
    uri: Option<String>,
    intent: Option<Numeric>,
    minted_block: i64,
    minted_tx: Hash,
    updated_block: i64,
}

impl From<Row> for ItemRow {
    fn from(row: Row) -> Self {
        Self {
            contract: row.contract.0,
            token_id: row.token_id.0,
            owner: row.owner.map(Into::into),
            uri: row.uri,
            intent: row.intent.map(Into::into),
            minted_block: row.minted_block.cast_unsigned(),
            minted_tx: row.minted_tx.0,
            updated_block: row.updated_block.cast_unsigned(),
        }
    }
}

/// Those of the items named by (contract, token id) that exist.
pub async fn load_many(
    db: &mut PgConnection,
    chain: ChainId,
    keys: &[(Address, U256)],
) -> Result<Vec<ItemRow>, DbError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let contracts: Vec<Addr> = keys.iter().map(|(contract, _)| Addr(*contract)).collect();
    let token_ids: Vec<Numeric> = keys.iter().map(|(_, token_id)| Numeric(*token_id)).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"select i.contract as "contract: Addr", i.token_id as "token_id: Numeric",
                  i.owner as "owner: Addr", i.uri, i.intent as "intent: Numeric",
                  i.minted_block, i.minted_tx as "minted_tx: Hash", i.updated_block
             from unnest($2::bytea[], $3::numeric[]) as k(contract, token_id)
            cross join lateral (
                  select * from items o
                   where o.chain_id = $1 and o.contract = k.contract
                     and o.token_id = k.token_id limit 1) as i"#,
        chain.as_i64(),
        &contracts as _,
        &token_ids as _,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Insert or replace rows in the caller's transaction.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    rows: &[ItemRow],
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let contracts: Vec<Addr> = rows.iter().map(|r| Addr(r.contract)).collect();
    let token_ids: Vec<Numeric> = rows.iter().map(|r| Numeric(r.token_id)).collect();
    let owners: Vec<Option<Addr>> = rows.iter().map(|r| r.owner.map(Addr)).collect();
    let uris: Vec<Option<&str>> = rows.iter().map(|r| r.uri.as_deref()).collect();
    let intents: Vec<Option<Numeric>> = rows.iter().map(|r| r.intent.map(Numeric)).collect();
    let minted_blocks: Vec<i64> = rows.iter().map(|r| r.minted_block.cast_signed()).collect();
    let minted_txs: Vec<Hash> = rows.iter().map(|r| Hash(r.minted_tx)).collect();
    let updated_blocks: Vec<i64> = rows.iter().map(|r| r.updated_block.cast_signed()).collect();
    sqlx::query!(
        "insert into items (chain_id, contract, token_id, owner, uri, intent, minted_block,
                            minted_tx, updated_block)
         select $1, * from unnest($2::bytea[], $3::numeric[], $4::bytea[], $5::text[],
                                  $6::numeric[], $7::int8[], $8::bytea[], $9::int8[])
         on conflict (chain_id, contract, token_id) do update
            set owner = excluded.owner, uri = excluded.uri, intent = excluded.intent,
                minted_block = excluded.minted_block, minted_tx = excluded.minted_tx,
                updated_block = excluded.updated_block",
        chain.as_i64(),
        &contracts as _,
        &token_ids as _,
        &owners as _,
        &uris as _,
        &intents as _,
        &minted_blocks,
        &minted_txs as _,
        &updated_blocks,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Intents of minted items in the order of (contract, token id), at most `limit`, after `after`:
/// each with its item.
pub async fn load_intents(
    db: &mut PgConnection,
    chain: ChainId,
    after: Option<(Address, U256)>,
    limit: i64,
) -> Result<Vec<(Address, U256, U256)>, DbError> {
    let (contract, token_id) = after.unzip();
    let rows = sqlx::query!(
        r#"select contract as "contract: Addr", token_id as "token_id: Numeric",
                  intent as "intent!: Numeric"
             from items
            where chain_id = $1 and intent is not null
              and ($2::bytea is null or (contract, token_id) > ($2, $3::numeric))
            order by contract, token_id limit $4"#,
        chain.as_i64(),
        contract.map(Addr) as _,
        token_id.map(Numeric) as _,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.contract.0, row.token_id.0, row.intent.0)).collect())
}

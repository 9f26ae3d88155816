//! `collections`: the collections that the factory made, as the chain tells.

use crate::{Addr, DbError, Hash};
use serde_json::{Value, json};
use sqlx::PgConnection;
use vocab::{Address, B256, ChainId};

pub mod requests;

/// Name of this projection in `undo_records`.
pub const PROJECTION: &str = "collections";

/// A collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionRow {
    pub contract: Address,
    pub creator: Address,
    pub salt: B256,
    pub name: String,
    pub symbol: String,
    /// `digest`, `base_uri` or `free_uri`.
    pub content_mode: Option<String>,
    pub base_uri: String,
    /// Items ever minted.
    pub minted: u64,
    pub burned: u64,
    pub created_block: u64,
    /// Who gets a share of sales; none without a share.
    pub royalty_receiver: Option<Address>,
    /// In 1/10,000 of the price. None: the logs were indexed before they were read.
    pub royalty_bps: Option<u16>,
}

impl CollectionRow {
    /// Key of a collection in `undo_records`.
    #[must_use]
    pub fn undo_key(contract: Address) -> Value {
        json!({ "contract": bytea(contract.as_slice()) })
    }

    /// The row as [`crate::undo_records::restore`] reads it back.
    #[must_use]
    pub fn undo_image(&self) -> Value {
        json!({
            "contract": bytea(self.contract.as_slice()),
            "creator": bytea(self.creator.as_slice()),
            "salt": bytea(self.salt.as_slice()),
            "name": self.name,
            "symbol": self.symbol,
            "content_mode": self.content_mode,
            "base_uri": self.base_uri,
            "minted": self.minted,
            "burned": self.burned,
            "created_block": self.created_block,
            "royalty_receiver": self.royalty_receiver.map(|to| bytea(to.as_slice())),
            "royalty_bps": self.royalty_bps,
        })
    }
}

/// Postgres' text form of a `bytea`.
pub(crate) fn bytea(bytes: &[u8]) -> String {
    format!("\\x{}", alloy_primitives::hex::encode(bytes))
}

struct Row {
    contract: Addr,
    creator: Addr,
    salt: Hash,
    name: String,
    symbol: String,
    content_mode: Option<String>,
    base_uri: String,
    minted: i64,
    burned: i64,
    created_block: i64,
    royalty_receiver: Option<Addr>,
    royalty_bps: Option<i32>,
}

impl From<Row> for CollectionRow {
    fn from(row: Row) -> Self {
        Self {
            contract: row.contract.0,
            creator: row.creator.0,
            salt: row.salt.0,
            name: row.name,
            symbol: row.symbol,
            content_mode: row.content_mode,
            base_uri: row.base_uri,
            minted: row.minted.cast_unsigned(),
            burned: row.burned.cast_unsigned(),
            created_block: row.created_block.cast_unsigned(),
            royalty_receiver: row.royalty_receiver.map(|to| to.0),
            royalty_bps: row.royalty_bps.and_then(|bps| bps.try_into().ok()),
        }
    }
}

/// Addresses of all collections of a chain.
pub async fn load_contracts(
    db: &mut PgConnection,
    chain: ChainId,
) -> Result<Vec<Address>, DbError> {
    let rows = sqlx::query!(
        r#"select contract as "contract: Addr" from collections where chain_id = $1"#,
        chain.as_i64(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|r| r.contract.0).collect())
}

/// Those of `contracts` that exist.
pub async fn load_many(
    db: &mut PgConnection,
    chain: ChainId,
    contracts: &[Address],
) -> Result<Vec<CollectionRow>, DbError> {
    if contracts.is_empty() {
        return Ok(Vec::new());
    }
    let contracts: Vec<Addr> = contracts.iter().copied().map(Addr).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"select contract as "contract: Addr", creator as "creator: Addr", salt as "salt: Hash",
                  name, symbol, content_mode, base_uri, minted, burned, created_block,
                  royalty_receiver as "royalty_receiver: Addr", royalty_bps
             from collections where chain_id = $1 and contract = any($2::bytea[])"#,
        chain.as_i64(),
        &contracts as _,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Insert or replace rows in the caller's transaction.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    rows: &[CollectionRow],
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let contracts: Vec<Addr> = rows.iter().map(|r| Addr(r.contract)).collect();
    let creators: Vec<Addr> = rows.iter().map(|r| Addr(r.creator)).collect();
    let salts: Vec<Hash> = rows.iter().map(|r| Hash(r.salt)).collect();
    let names: Vec<&str> = rows.iter().map(|r| r.name.as_str()).collect();
    let symbols: Vec<&str> = rows.iter().map(|r| r.symbol.as_str()).collect();
    let modes: Vec<Option<&str>> = rows.iter().map(|r| r.content_mode.as_deref()).collect();
    let base_uris: Vec<&str> = rows.iter().map(|r| r.base_uri.as_str()).collect();
    let minted: Vec<i64> = rows.iter().map(|r| r.minted.cast_signed()).collect();
    let burned: Vec<i64> = rows.iter().map(|r| r.burned.cast_signed()).collect();
    let created: Vec<i64> = rows.iter().map(|r| r.created_block.cast_signed()).collect();
    let receivers: Vec<Option<Addr>> = rows.iter().map(|r| r.royalty_receiver.map(Addr)).collect();
    let bps: Vec<Option<i32>> = rows.iter().map(|r| r.royalty_bps.map(i32::from)).collect();
    sqlx::query!(
        "insert into collections (chain_id, contract, creator, salt, name, symbol, content_mode,
                                  base_uri, minted, burned, created_block, royalty_receiver,
                                  royalty_bps)
         select $1, * from unnest($2::bytea[], $3::bytea[], $4::bytea[], $5::text[], $6::text[],
                                  $7::text[], $8::text[], $9::int8[], $10::int8[], $11::int8[],
                                  $12::bytea[], $13::int4[])
         on conflict (chain_id, contract) do update
            set creator = excluded.creator, salt = excluded.salt, name = excluded.name,
                symbol = excluded.symbol, content_mode = excluded.content_mode,
                base_uri = excluded.base_uri, minted = excluded.minted,
                burned = excluded.burned, created_block = excluded.created_block,
                royalty_receiver = excluded.royalty_receiver, royalty_bps = excluded.royalty_bps",
        chain.as_i64(),
        &contracts as _,
        &creators as _,
        &salts as _,
        &names as _,
        &symbols as _,
        &modes as _,
        &base_uris as _,
        &minted,
        &burned,
        &created,
        &receivers as _,
        &bps as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

//! `balances`: what accounts have of assets (ERC-20, under token id 0) and of items with many
//! owners (ERC-1155), as the logs of followed contracts say.

use crate::{
    Addr, DbError, Numeric,
    balance_readings::{Columns, Holder, Reading},
    column::Signed,
    copy::CopyBuffer,
};
use alloy_primitives::aliases::{I512, U512};
use sqlx::PgConnection;
use vocab::{Address, ChainId, U256};

const COPY: &str = "copy balances (chain_id, contract, token_id, account, balance, unreliable, \
                    updated_block) from stdin (format binary)";
const COLUMNS: i16 = 7;

/// What some blocks do to one balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceChange {
    pub contract: Address,
    /// 0 of an ERC-20.
    pub token_id: U256,
    pub account: Address,
    /// The sum of all that came and went.
    pub delta: I512,
    /// The least and the most that the sum was on the way, 0 at the start included.
    pub lowest: I512,
    pub highest: I512,
    /// The last of the blocks.
    pub updated_block: u64,
}

/// Apply changes, each of another row, in the caller's transaction. A balance that is below 0 or
/// above 2^256 - 1 on the way makes its row unreliable for good. Nobody else may write the chain's
/// rows meanwhile: what is there is changed where it lies, and the rest is new.
///
/// Each row is looked for by its key (the `limit` keeps it so): a plan that joins by anything else
/// would read the whole table for each piece.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    changes: &[BalanceChange],
) -> Result<(), DbError> {
    if changes.is_empty() {
        return Ok(());
    }
    let contracts: Vec<Addr> = changes.iter().map(|c| Addr(c.contract)).collect();
    let token_ids: Vec<Numeric> = changes.iter().map(|c| Numeric(c.token_id)).collect();
    let accounts: Vec<Addr> = changes.iter().map(|c| Addr(c.account)).collect();
    let deltas: Vec<Signed> = changes.iter().map(|c| Signed(c.delta)).collect();
    let lowest: Vec<Signed> = changes.iter().map(|c| Signed(c.lowest)).collect();
    let highest: Vec<Signed> = changes.iter().map(|c| Signed(c.highest)).collect();
    let blocks: Vec<i64> = changes.iter().map(|c| c.updated_block.cast_signed()).collect();
    sqlx::query!(
        r#"with found as (
             select d.*, b.at, coalesce(b.balance, 0) + d.delta as balance,
                    coalesce(b.unreliable, false) or coalesce(b.balance, 0) + d.lowest < 0
                        or coalesce(b.balance, 0) + d.highest > $9::numeric as unreliable
               from unnest($2::bytea[], $3::numeric[], $4::bytea[], $5::numeric[], $6::numeric[],
                           $7::numeric[], $8::int8[])
                    as d(contract, token_id, account, delta, lowest, highest, updated_block)
               left join lateral (
                    select o.ctid as at, o.balance, o.unreliable from balances o
                     where o.chain_id = $1 and o.contract = d.contract
                       and o.token_id = d.token_id and o.account = d.account limit 1) as b on true
           ), changed as (
             update balances b
                set balance = f.balance, unreliable = f.unreliable,
                    updated_block = f.updated_block
               from found f where b.ctid = f.at
           )
           insert into balances (chain_id, contract, token_id, account, balance, unreliable,
                                 updated_block)
           select $1, contract, token_id, account, balance, unreliable, updated_block
             from found where at is null"#,
        chain.as_i64(),
        &contracts as _,
        &token_ids as _,
        &accounts as _,
        &deltas as _,
        &lowest as _,
        &highest as _,
        &blocks,
        Numeric(U256::MAX) as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The same for changes of rows that are not there yet: one that is fails the transaction.
pub async fn record_first(
    db: &mut PgConnection,
    chain: ChainId,
    changes: &[BalanceChange],
) -> Result<(), DbError> {
    let most = I512::from_raw(U512::from(U256::MAX));
    let mut copy = CopyBuffer::new(changes.len().saturating_mul(120));
    for change in changes {
        let unreliable = change.lowest.is_negative() || change.highest > most;
        copy.row(COLUMNS);
        copy.field(&chain.as_i64().to_be_bytes());
        copy.field(change.contract.as_slice());
        copy.numeric(change.token_id);
        copy.field(change.account.as_slice());
        copy.signed(change.delta);
        copy.field(&[u8::from(unreliable)]);
        copy.field(&change.updated_block.to_be_bytes());
    }
    copy.send(db, COPY).await
}

/// A balance that is read of its contract, and may have changed in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    pub contract: Address,
    pub account: Address,
    /// The last of the blocks.
    pub updated_block: u64,
}

/// These may have changed, each of another account: what they are is not known until it is read.
pub async fn record_touched(
    db: &mut PgConnection,
    chain: ChainId,
    touched: &[Touched],
) -> Result<(), DbError> {
    if touched.is_empty() {
        return Ok(());
    }
    let contracts: Vec<Addr> = touched.iter().map(|t| Addr(t.contract)).collect();
    let accounts: Vec<Addr> = touched.iter().map(|t| Addr(t.account)).collect();
    let blocks: Vec<i64> = touched.iter().map(|t| t.updated_block.cast_signed()).collect();
    sqlx::query!(
        "insert into balances (chain_id, contract, token_id, account, balance, unreliable,
                               updated_block)
         select $1, t.contract, 0, t.account, 0, true, t.updated_block
           from unnest($2::bytea[], $3::bytea[], $4::int8[]) as t (contract, account, updated_block)
         on conflict (chain_id, contract, token_id, account)
            do update set balance = 0, unreliable = true, updated_block = excluded.updated_block",
        chain.as_i64(),
        &contracts as _,
        &accounts as _,
        &blocks,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What contracts said, each of another account: of rows that are there, and that no block above
/// the reading's has touched. Without a balance they are unreliable.
pub async fn record_read<'a>(
    db: &mut PgConnection,
    chain: ChainId,
    readings: impl IntoIterator<Item = &'a Reading>,
) -> Result<(), DbError> {
    let Columns { contracts, accounts, blocks, balances } = Columns::of(readings);
    if contracts.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with found as (
             select r.balance, b.at
               from unnest($2::bytea[], $3::bytea[], $4::int8[], $5::numeric[])
                        as r (contract, account, block_number, balance)
              cross join lateral (
                   select o.ctid as at from balances o
                    where o.chain_id = $1 and o.contract = r.contract and o.token_id = 0
                      and o.account = r.account and o.updated_block <= r.block_number
                    limit 1) as b
         )
         update balances b
            set balance = coalesce(f.balance, 0), unreliable = f.balance is null
           from found f where b.ctid = f.at",
        chain.as_i64(),
        &contracts as _,
        &accounts as _,
        &blocks,
        &balances as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Of whose rows these readings would change the balance.
pub async fn load_differing<'a>(
    db: &mut PgConnection,
    chain: ChainId,
    readings: impl IntoIterator<Item = &'a Reading>,
) -> Result<Vec<Holder>, DbError> {
    let Columns { contracts, accounts, balances, .. } = Columns::of(readings);
    if contracts.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"select r.contract as "contract!: Addr", r.account as "account!: Addr"
             from unnest($2::bytea[], $3::bytea[], $4::numeric[])
                      as r (contract, account, balance)
            cross join lateral (
                 select o.balance, o.unreliable from balances o
                  where o.chain_id = $1 and o.contract = r.contract and o.token_id = 0
                    and o.account = r.account limit 1) as b
            where (r.balance is null) <> b.unreliable or coalesce(r.balance, 0) <> b.balance"#,
        chain.as_i64(),
        &contracts as _,
        &accounts as _,
        &balances as _,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.contract.0, row.account.0)).collect())
}

/// How many rows of a chain are unreliable.
pub async fn count_unreliable(db: &mut PgConnection, chain: ChainId) -> Result<i64, DbError> {
    let row = sqlx::query!(
        r#"select count(*) as "count!" from balances where chain_id = $1 and unreliable"#,
        chain.as_i64(),
    )
    .fetch_one(db)
    .await?;
    Ok(row.count)
}

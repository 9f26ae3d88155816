//! `balance_readings`: what contracts said that accounts have of them, as of blocks. Projections
//! of ERC-20s whose events do not tell balances are made of it, as others are of logs.

use crate::{Addr, DbError, Numeric};
use sqlx::PgConnection;
use vocab::{Address, ChainId, U256};

/// What one account had after a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub contract: Address,
    pub account: Address,
    pub block_number: u64,
    /// None: the contract gave no balance.
    pub balance: Option<U256>,
}

/// An account of a contract.
pub type Holder = (Address, Address);

struct Row {
    contract: Addr,
    account: Addr,
    block_number: i64,
    balance: Option<Numeric>,
}

impl From<Row> for Reading {
    fn from(row: Row) -> Self {
        Self {
            contract: row.contract.0,
            account: row.account.0,
            block_number: row.block_number.cast_unsigned(),
            balance: row.balance.map(|balance| balance.0),
        }
    }
}

/// Readings as arrays, one for each column.
#[derive(Default)]
pub(crate) struct Columns {
    pub(crate) contracts: Vec<Addr>,
    pub(crate) accounts: Vec<Addr>,
    pub(crate) blocks: Vec<i64>,
    pub(crate) balances: Vec<Option<Numeric>>,
}

impl Columns {
    pub(crate) fn of<'a>(readings: impl IntoIterator<Item = &'a Reading>) -> Self {
        let mut columns = Self::default();
        for reading in readings {
            columns.contracts.push(Addr(reading.contract));
            columns.accounts.push(Addr(reading.account));
            columns.blocks.push(reading.block_number.cast_signed());
            columns.balances.push(reading.balance.map(Numeric));
        }
        columns
    }
}

/// Add readings, each of another account, in the caller's transaction. Of these accounts, those
/// that nothing can need any more go: at or below the first block of the window, all but the last.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    readings: &[Reading],
) -> Result<(), DbError> {
    if readings.is_empty() {
        return Ok(());
    }
    let Columns { contracts, accounts, blocks, balances } = Columns::of(readings);
    sqlx::query!(
        "insert into balance_readings (chain_id, contract, account, block_number, balance)
         select $1, * from unnest($2::bytea[], $3::bytea[], $4::int8[], $5::numeric[])
         on conflict (chain_id, contract, account, block_number)
            do update set balance = excluded.balance",
        chain.as_i64(),
        &contracts as _,
        &accounts as _,
        &blocks,
        &balances as _,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "with settled as (
             select coalesce(min(number), -1) as number from blocks where chain_id = $1
         )
         delete from balance_readings r
          using settled s, unnest($2::bytea[], $3::bytea[]) as k (contract, account)
          where r.chain_id = $1 and r.contract = k.contract and r.account = k.account
            and r.block_number < (
                select max(n.block_number) from balance_readings n
                 where n.chain_id = $1 and n.contract = k.contract and n.account = k.account
                   and n.block_number <= s.number)",
        chain.as_i64(),
        &contracts as _,
        &accounts as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forget those as of blocks above `ancestor`, which are no longer on the chain.
pub async fn record_unwound(
    db: &mut PgConnection,
    chain: ChainId,
    ancestor: u64,
) -> Result<(), DbError> {
    sqlx::query!(
        "delete from balance_readings where chain_id = $1 and block_number > $2",
        chain.as_i64(),
        ancestor.cast_signed(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Those as of blocks from `first` to `last`, by block.
pub async fn load(
    db: &mut PgConnection,
    chain: ChainId,
    (first, last): (u64, u64),
) -> Result<Vec<Reading>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select contract as "contract: Addr", account as "account: Addr", block_number,
                  balance as "balance: Numeric"
             from balance_readings where chain_id = $1 and block_number between $2 and $3
            order by block_number, contract, account"#,
        chain.as_i64(),
        first.cast_signed(),
        last.cast_signed(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The last one of each account as of blocks up to `last`, by holder, at most `limit`, after
/// `after`.
pub async fn load_last(
    db: &mut PgConnection,
    chain: ChainId,
    last: u64,
    after: Option<Holder>,
    limit: i64,
) -> Result<Vec<Reading>, DbError> {
    let (contract, account) = after.unwrap_or_default();
    let rows = sqlx::query_as!(
        Row,
        r#"select distinct on (contract, account) contract as "contract: Addr",
                  account as "account: Addr", block_number, balance as "balance: Numeric"
             from balance_readings
            where chain_id = $1 and block_number <= $2
              and ($3 or (contract, account) > ($4, $5))
            order by contract, account, block_number desc limit $6"#,
        chain.as_i64(),
        last.cast_signed(),
        after.is_none(),
        contract.as_slice(),
        account.as_slice(),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Accounts of these contracts whose balance is not known, as nothing was read since it changed:
/// at most `limit`, after `after`.
pub async fn load_unread(
    db: &mut PgConnection,
    chain: ChainId,
    contracts: &[Address],
    after: Option<Holder>,
    limit: i64,
) -> Result<Vec<Holder>, DbError> {
    let contracts: Vec<Addr> = contracts.iter().copied().map(Addr).collect();
    let (contract, account) = after.unwrap_or_default();
    let rows = sqlx::query!(
        r#"select b.contract as "contract: Addr", b.account as "account: Addr" from balances b
            where b.chain_id = $1 and b.unreliable and b.contract = any($2)
              and ($3 or (b.contract, b.account) > ($4, $5))
              and not exists (
                  select 1 from balance_readings r
                   where r.chain_id = $1 and r.contract = b.contract and r.account = b.account
                     and r.block_number >= b.updated_block)
            order by b.contract, b.account limit $6"#,
        chain.as_i64(),
        &contracts as _,
        after.is_none(),
        contract.as_slice(),
        account.as_slice(),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.contract.0, row.account.0)).collect())
}

/// Accounts of these contracts from `first` to `last` that some block has told of, in order; at
/// most `limit`.
pub async fn load_holders(
    db: &mut PgConnection,
    chain: ChainId,
    contracts: &[Address],
    (first, last): (Address, Address),
    limit: i64,
) -> Result<Vec<Holder>, DbError> {
    let contracts: Vec<Addr> = contracts.iter().copied().map(Addr).collect();
    let rows = sqlx::query!(
        r#"select contract as "contract: Addr", account as "account: Addr" from balances
            where chain_id = $1 and contract = any($2) and token_id = 0
              and account between $3 and $4
            order by contract, account limit $5"#,
        chain.as_i64(),
        &contracts as _,
        first.as_slice(),
        last.as_slice(),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.contract.0, row.account.0)).collect())
}

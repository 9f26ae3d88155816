//! `balances`, and who has items, for readers.

use crate::{Addr, DbError, Numeric};
use sqlx::PgConnection;
use vocab::{Address, ChainId, U256};

/// A balance as stored.
#[derive(Clone, Debug)]
pub struct BalanceRow {
    pub contract: Address,
    /// 0 of an ERC-20.
    pub token_id: U256,
    pub account: Address,
    /// None when it is unreliable.
    pub balance: Option<Numeric>,
    pub updated_block: i64,
    /// Standard of the contract.
    pub kind: Option<String>,
}

/// Which balances to list. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct BalanceFilter {
    pub account: Option<Address>,
    pub contract: Option<Address>,
    pub token_id: Option<U256>,
}

/// Balances in the order of (contract, token id, account), at most `limit`, after `after`. Those
/// that are 0 are left out, and those of contracts that are not read up to the head yet.
pub async fn list(
    db: &mut PgConnection,
    chain: ChainId,
    filter: BalanceFilter,
    after: Option<(Address, U256, Address)>,
    limit: i64,
) -> Result<Vec<BalanceRow>, DbError> {
    let contract = after.map(|(contract, ..)| Addr(contract));
    let token_id = after.map(|(_, token_id, _)| Numeric(token_id));
    let account = after.map(|(.., account)| Addr(account));
    Ok(sqlx::query_as!(
        BalanceRow,
        r#"select b.contract as "contract: Addr", b.token_id as "token_id: Numeric",
                  b.account as "account: Addr",
                  case when b.unreliable then null else b.balance end as "balance: Numeric",
                  b.updated_block,
                  (select f.kind from followed_contracts f
                    where f.chain_id = $1 and f.address = b.contract limit 1) as kind
             from balances b
            where b.chain_id = $1
              and ($3::bytea is not null
                   or b.contract <> all ((select backfilling($1))::bytea[]))
              and ($2::bytea is null or b.account = $2)
              and ($3::bytea is null or b.contract = $3)
              and ($4::numeric is null or b.token_id = $4)
              and (b.unreliable or b.balance <> 0)
              and ($5::bytea is null or
                   (b.contract, b.token_id, b.account) > ($5, $6::numeric, $7::bytea))
            order by b.contract, b.token_id, b.account limit $8"#,
        chain.as_i64(),
        filter.account.as_ref().map(|a| a.as_slice()),
        filter.contract.as_ref().map(|a| a.as_slice()),
        filter.token_id.map(Numeric) as _,
        contract as _,
        token_id as _,
        account as _,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Somebody with items of a contract that have one owner each.
#[derive(Clone, Copy, Debug)]
pub struct OwnerRow {
    pub owner: Address,
    pub items: i64,
}

/// Owners of a contract's items in the order of their addresses, at most `limit`, after `after`.
pub async fn list_owners(
    db: &mut PgConnection,
    chain: ChainId,
    contract: Address,
    after: Option<Address>,
    limit: i64,
) -> Result<Vec<OwnerRow>, DbError> {
    Ok(sqlx::query_as!(
        OwnerRow,
        r#"select owner as "owner!: Addr", count(*) as "items!"
             from items
            where chain_id = $1 and contract = $2 and owner is not null
              and ($3::bytea is null or owner > $3)
            group by owner order by owner limit $4"#,
        chain.as_i64(),
        contract.as_slice(),
        after.as_ref().map(|a| a.as_slice()),
        limit,
    )
    .fetch_all(db)
    .await?)
}

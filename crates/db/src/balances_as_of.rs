//! `balances` and owners of items as they were after a block of the reorg window: what later blocks
//! changed is as in its first undo record.

use crate::{
    Addr, DbError, Numeric,
    balances_reads::{BalanceFilter, BalanceRow, OwnerRow},
};
use sqlx::PgConnection;
use vocab::{Address, ChainId, U256};

/// As [`crate::balances_reads::list`], as of block `at`.
pub async fn list(
    db: &mut PgConnection,
    chain: ChainId,
    at: u64,
    filter: BalanceFilter,
    after: Option<(Address, U256, Address)>,
    limit: i64,
) -> Result<Vec<BalanceRow>, DbError> {
    // The limit of what stands as it was allows for all that is left out of it.
    Ok(sqlx::query_as!(
        BalanceRow,
        r#"with undone as materialized (
               select distinct on (k.contract, k.token_id, k.account)
                      k.contract, k.token_id, k.account, u.image
                 from undo_records u
                cross join lateral jsonb_populate_record(null::balances, u.key) as k
                where u.chain_id = $1 and u.projection = 'balances' and u.block_number > $9
                  and ($2::bytea is null or k.account = $2)
                  and ($3::bytea is null or k.contract = $3)
                  and ($3::bytea is not null
                       or k.contract <> all ((select backfilling($1))::bytea[]))
                  and ($4::numeric is null or k.token_id = $4)
                  and ($5::bytea is null or
                       (k.contract, k.token_id, k.account) > ($5, $6::numeric, $7::bytea))
                order by k.contract, k.token_id, k.account, u.block_number, u.id
           ), stands as (
               select * from balances b
                where b.chain_id = $1
              and ($3::bytea is not null
                   or b.contract <> all ((select backfilling($1))::bytea[]))
                  and ($2::bytea is null or b.account = $2)
                  and ($3::bytea is null or b.contract = $3)
                  and ($4::numeric is null or b.token_id = $4)
                  and (b.unreliable or b.balance <> 0)
                  and ($5::bytea is null or
                       (b.contract, b.token_id, b.account) > ($5, $6::numeric, $7::bytea))
                order by b.contract, b.token_id, b.account
                limit $8 + (select count(*) from undone)
           ), was as (
               select s.contract, s.token_id, s.account, s.balance, s.unreliable, s.updated_block
                 from stands s
                where not exists (select 1 from undone u where u.contract = s.contract
                                     and u.token_id = s.token_id and u.account = s.account)
               union all
               select r.contract, r.token_id, r.account, r.balance, r.unreliable, r.updated_block
                 from undone u
                cross join lateral jsonb_populate_record(null::balances, u.image) as r
                where u.image is not null and (r.unreliable or r.balance <> 0)
           )
           select w.contract as "contract!: Addr", w.token_id as "token_id!: Numeric",
                  w.account as "account!: Addr",
                  case when w.unreliable then null else w.balance end as "balance: Numeric",
                  w.updated_block as "updated_block!",
                  (select f.kind from followed_contracts f
                    where f.chain_id = $1 and f.address = w.contract limit 1) as kind
             from was w
            order by w.contract, w.token_id, w.account limit $8"#,
        chain.as_i64(),
        filter.account.as_ref().map(|a| a.as_slice()),
        filter.contract.as_ref().map(|a| a.as_slice()),
        filter.token_id.map(Numeric) as _,
        after.map(|(contract, ..)| Addr(contract)) as _,
        after.map(|(_, token_id, _)| Numeric(token_id)) as _,
        after.map(|(.., account)| Addr(account)) as _,
        limit,
        at.cast_signed(),
    )
    .fetch_all(db)
    .await?)
}

/// As [`crate::balances_reads::list_owners`], as of block `at`.
pub async fn list_owners(
    db: &mut PgConnection,
    chain: ChainId,
    at: u64,
    contract: Address,
    after: Option<Address>,
    limit: i64,
) -> Result<Vec<OwnerRow>, DbError> {
    Ok(sqlx::query_as!(
        OwnerRow,
        r#"with undone as materialized (
               select distinct on (k.token_id) k.token_id, u.image
                 from undo_records u
                cross join lateral jsonb_populate_record(null::items, u.key) as k
                where u.chain_id = $1 and u.projection = 'items' and u.block_number > $5
                  and k.contract = $2
                order by k.token_id, u.block_number, u.id
           ), was as (
               select i.owner from items i
                where i.chain_id = $1 and i.contract = $2
                  and not exists (select 1 from undone u where u.token_id = i.token_id)
               union all
               select r.owner from undone u
                cross join lateral jsonb_populate_record(null::items, u.image) as r
                where u.image is not null
           )
           select owner as "owner!: Addr", count(*) as "items!" from was
            where owner is not null and ($3::bytea is null or owner > $3)
            group by owner order by owner limit $4"#,
        chain.as_i64(),
        contract.as_slice(),
        after.as_ref().map(|a| a.as_slice()),
        limit,
        at.cast_signed(),
    )
    .fetch_all(db)
    .await?)
}

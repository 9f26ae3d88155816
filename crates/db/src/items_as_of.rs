//! `items` as they were after a block of the reorg window: what later blocks changed is as in its
//! first undo record.

use crate::{Addr, DbError, Hash, Numeric, items_reads::ItemRow};
use sqlx::PgConnection;
use vocab::{Address, ChainId, U256};

/// As [`crate::items_reads::list`], as of block `at`.
pub async fn list(
    db: &mut PgConnection,
    chain: ChainId,
    at: u64,
    (owner, contract): (Option<Address>, Option<Address>),
    after: Option<(Address, U256)>,
    limit: i64,
) -> Result<Vec<ItemRow>, DbError> {
    let (after_contract, after_token) = after.unzip();
    // Who owned an item at the time may own it no more: what was undone is not looked up by owner.
    Ok(sqlx::query_as!(
        ItemRow,
        r#"with undone as materialized (
               select distinct on (k.contract, k.token_id) k.contract, k.token_id, u.image
                 from undo_records u
                cross join lateral jsonb_populate_record(null::items, u.key) as k
                where u.chain_id = $1 and u.projection = 'items' and u.block_number > $7
                  and ($3::bytea is null or k.contract = $3)
                  and ($3 is not null or k.contract <> all ((select backfilling($1))::bytea[]))
                  and ($4::bytea is null or (k.contract, k.token_id) > ($4, $5::numeric))
                order by k.contract, k.token_id, u.block_number, u.id
           ), stands as (
               select * from items i where i.chain_id = $1
                  and ($3 is not null or i.contract <> all ((select backfilling($1))::bytea[]))
                  and ($2::bytea is null or i.owner = $2)
                  and ($3::bytea is null or i.contract = $3)
                  and ($4::bytea is null or (i.contract, i.token_id) > ($4, $5::numeric))
                order by i.contract, i.token_id limit $6 + (select count(*) from undone)
           ), was as (
               select s.contract, s.token_id, s.owner, s.uri, s.intent, s.minted_block,
                      s.minted_tx, s.updated_block
                 from stands s
                where not exists (select 1 from undone u where u.contract = s.contract
                                     and u.token_id = s.token_id)
               union all
               select r.contract, r.token_id, r.owner, r.uri, r.intent, r.minted_block,
                      r.minted_tx, r.updated_block
                 from undone u
                cross join lateral jsonb_populate_record(null::items, u.image) as r
                where u.image is not null and ($2::bytea is null or r.owner = $2)
           ), owed as materialized (
               select distinct on (k.contract) k.contract, r.royalty_receiver, r.royalty_bps as bps
                 from undo_records u
                cross join lateral jsonb_populate_record(null::collections, u.key) as k
                cross join lateral jsonb_populate_record(null::collections, u.image) as r
                where u.chain_id = $1 and u.projection = 'collections' and u.block_number > $7
                order by k.contract, u.block_number, u.id
           )
           select $1 as "chain_id!", w.contract as "contract!: Addr",
                  w.token_id as "token_id!: Numeric", w.owner as "owner: Addr", w.uri,
                  w.intent as "intent: Numeric", w.minted_block as "minted_block!",
                  w.minted_tx as "minted_tx!: Hash", w.updated_block as "updated_block!",
                  case when o.contract is null then c.royalty_receiver
                       else o.royalty_receiver end as "royalty_receiver: Addr",
                  case when o.contract is null then c.royalty_bps else o.bps end as royalty_bps
             from (select * from was order by contract, token_id limit $6) as w
             left join owed o on o.contract = w.contract
             left join collections c on c.chain_id = $1 and c.contract = w.contract
            order by w.contract, w.token_id"#,
        chain.as_i64(),
        owner.as_ref().map(|a| a.as_slice()),
        contract.as_ref().map(|a| a.as_slice()),
        after_contract.as_ref().map(|a| a.as_slice()),
        after_token.map(Numeric) as _,
        limit,
        at.cast_signed(),
    )
    .fetch_all(db)
    .await?)
}

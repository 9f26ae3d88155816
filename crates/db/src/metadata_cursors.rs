//! `metadata_cursors`: how far the resolver of metadata has looked through what the index tells,
//! and what each look puts into its queue (`token_metadata`).
//!
//! What is looked through grows in the order of blocks, by one writer. A reorg takes some of it
//! back and says so in `reconciliations`, in the same commit; the cursors go back with it.

use crate::{Addr, DbError, Numeric};
use sqlx::PgConnection;
use vocab::{Address, ChainId, U256};

/// How far a look has come. Held locked until the end of the transaction that it was loaded in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    transfer: (i64, i32, i32),
    update: (i64, i32),
    update_token: Option<U256>,
    reconciliation: i64,
}

/// What a look came upon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Rows that were looked at.
    pub seen: u64,
    /// Tokens put into the queue.
    pub queued: u64,
}

/// Lock the cursors of a chain; none when another process is looking.
pub async fn lock(db: &mut PgConnection, chain: ChainId) -> Result<Option<Cursor>, DbError> {
    sqlx::query!(
        "insert into metadata_cursors (chain_id) values ($1) on conflict do nothing",
        chain.as_i64(),
    )
    .execute(&mut *db)
    .await?;
    let row = sqlx::query!(
        r#"select transfer_block, transfer_log, transfer_place, update_block, update_log,
                  update_token as "update_token: Numeric", reconciliation
             from metadata_cursors where chain_id = $1 for update skip locked"#,
        chain.as_i64(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Cursor {
        transfer: (row.transfer_block, row.transfer_log, row.transfer_place),
        update: (row.update_block, row.update_log),
        update_token: row.update_token.map(|id| id.0),
        reconciliation: row.reconciliation,
    }))
}

/// Keep how far it came, in the transaction that locked it.
pub async fn record(db: &mut PgConnection, chain: ChainId, cursor: &Cursor) -> Result<(), DbError> {
    sqlx::query!(
        "update metadata_cursors
            set transfer_block = $2, transfer_log = $3, transfer_place = $4, update_block = $5,
                update_log = $6, update_token = $7::numeric, reconciliation = $8
          where chain_id = $1",
        chain.as_i64(),
        cursor.transfer.0,
        cursor.transfer.1,
        cursor.transfer.2,
        cursor.update.0,
        cursor.update.1,
        cursor.update_token.map(Numeric) as _,
        cursor.reconciliation,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forget what was asked of blocks that a reorg gave up, of at most `limit` tokens, and go back to
/// the ancestor. Excludes [`crate::token_metadata::record_asked`] until the transaction ends, so
/// that nothing of those blocks comes in behind it. Gives none when there was no reorg.
pub async fn follow_reorgs(
    db: &mut PgConnection,
    chain: ChainId,
    cursor: &mut Cursor,
    limit: i64,
) -> Result<Option<Looked>, DbError> {
    let found = sqlx::query!(
        "select max(id) as last, min(ancestor_number) as ancestor from reconciliations
          where chain_id = $1 and id > $2",
        chain.as_i64(),
        cursor.reconciliation,
    )
    .fetch_one(&mut *db)
    .await?;
    let (Some(last), Some(ancestor)) = (found.last, found.ancestor) else { return Ok(None) };
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('token_metadata', $1))",
        chain.as_i64()
    )
    .execute(&mut *db)
    .await?;
    let rows = sqlx::query!(
        r#"with gone as (
               select contract, token_id from token_metadata
                where chain_id = $1 and asked_block > $2 limit $3 for update),
           traits as (
               delete from token_traits t using gone
                where t.chain_id = $1 and t.contract = gone.contract
                  and t.token_id = gone.token_id)
           update token_metadata m
              set state = 'pending', reason = null, host = '', uri = null, asked_block = null,
                  asked_hash = null, tries = 0, due_at = now(), claim = null, name = null,
                  description = null, image = null, animation_url = null, external_url = null,
                  attributes = '[]', verified = null, resolved_block = null, resolved_at = null,
                  royalty_receiver = null, royalty_bps = null
             from gone
            where m.chain_id = $1 and m.contract = gone.contract and m.token_id = gone.token_id"#,
        chain.as_i64(),
        ancestor,
        limit,
    )
    .execute(db)
    .await?
    .rows_affected();
    cursor.transfer = cursor.transfer.min((ancestor, i32::MAX, i32::MAX));
    if cursor.update > (ancestor, i32::MAX) {
        cursor.update = (ancestor, i32::MAX);
    }
    cursor.update_token = None;
    if rows < limit.unsigned_abs() {
        cursor.reconciliation = last;
    }
    Ok(Some(Looked { seen: rows, queued: rows }))
}

/// Put tokens of the next `limit` transfers into the queue that are not known yet, and those that
/// were minted again after they were asked for.
pub async fn follow_transfers(
    db: &mut PgConnection,
    chain: ChainId,
    cursor: &mut Cursor,
    limit: i64,
) -> Result<Looked, DbError> {
    let (block, log, place) = cursor.transfer;
    let rows = sqlx::query!(
        r#"select block_number, log_index, place, contract as "contract: Addr",
                  token_id as "token_id: Numeric",
                  amount is null and sender = '\x0000000000000000000000000000000000000000'
                      as "minted!"
             from transfers
            where chain_id = $1 and (block_number, log_index, place) > ($2, $3, $4)
            order by block_number, log_index, place limit $5"#,
        chain.as_i64(),
        block,
        log,
        place,
        limit,
    )
    .fetch_all(&mut *db)
    .await?;
    let Some(last) = rows.last() else { return Ok(Looked::default()) };
    cursor.transfer = (last.block_number, last.log_index, last.place);
    let seen = rows.len() as u64;
    let contracts: Vec<Addr> = rows.iter().map(|row| row.contract).collect();
    let ids: Vec<Numeric> = rows.iter().map(|row| row.token_id).collect();
    let minted: Vec<i64> =
        rows.iter().map(|row| if row.minted { row.block_number } else { -1 }).collect();
    let queued = sqlx::query!(
        "insert into token_metadata (chain_id, contract, token_id)
         select distinct $1::int8, contract, token_id
           from unnest($2::bytea[], $3::numeric[]) as t (contract, token_id)
         on conflict (chain_id, contract, token_id) do nothing",
        chain.as_i64(),
        &contracts as _,
        &ids as _,
    )
    .execute(&mut *db)
    .await?
    .rows_affected();
    let again = sqlx::query!(
        "update token_metadata m
            set state = 'pending', reason = null, host = '', tries = 0, due_at = now(),
                claim = null
           from (select contract, token_id, max(minted) as minted
                   from unnest($2::bytea[], $3::numeric[], $4::int8[])
                        as t (contract, token_id, minted)
                  where minted >= 0 group by contract, token_id) as t
          where m.chain_id = $1 and m.contract = t.contract and m.token_id = t.token_id
            and m.asked_block < t.minted",
        chain.as_i64(),
        &contracts as _,
        &ids as _,
        &minted,
    )
    .execute(db)
    .await?
    .rows_affected();
    Ok(Looked { seen, queued: queued + again })
}

/// Put tokens that the next notice of changed metadata names into the queue again, if they were
/// asked for before it; at most `limit`. What was read of them stays until it is replaced.
pub async fn follow_update(
    db: &mut PgConnection,
    chain: ChainId,
    cursor: &mut Cursor,
    limit: i64,
) -> Result<Looked, DbError> {
    let (block, log) = cursor.update;
    let next = sqlx::query!(
        r#"select block_number, log_index, contract as "contract: Addr",
                  first_token_id as "first: Numeric", last_token_id as "last: Numeric"
             from metadata_updates
            where chain_id = $1 and (block_number, log_index) > ($2, $3)
            order by block_number, log_index limit 1"#,
        chain.as_i64(),
        block,
        log,
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(next) = next else { return Ok(Looked::default()) };
    let rows = sqlx::query!(
        r#"with stale as (
               select token_id, asked_block from token_metadata
                where chain_id = $1 and contract = $2 and token_id between $3::numeric and $4
                  and token_id > coalesce($5::numeric, -1)
                order by token_id limit $6 for update),
           queued as (
               update token_metadata m
                  set state = 'pending', reason = null, host = '', tries = 0, due_at = now(),
                      claim = null
                 from stale
                where m.chain_id = $1 and m.contract = $2 and m.token_id = stale.token_id
                  and stale.asked_block < $7
               returning 1)
           select count(*) as "seen!", (select count(*) from queued) as "queued!",
                  max(token_id) as "last: Numeric"
             from stale"#,
        chain.as_i64(),
        next.contract as _,
        next.first as _,
        next.last as _,
        cursor.update_token.map(Numeric) as _,
        limit,
        next.block_number,
    )
    .fetch_one(db)
    .await?;
    if rows.seen < limit {
        cursor.update = (next.block_number, next.log_index);
        cursor.update_token = None;
    } else {
        cursor.update_token = rows.last.map(|id| id.0);
    }
    // The notice itself was seen, too.
    let seen = rows.seen.unsigned_abs() + 1;
    Ok(Looked { seen, queued: rows.queued.unsigned_abs() })
}

/// Put items into the queue that are not in it, of the next `limit` after `after`; gives the last
/// one looked at. What contracts were told of later than others is found so.
pub async fn sweep_items(
    db: &mut PgConnection,
    chain: ChainId,
    after: Option<(Address, U256)>,
    limit: i64,
) -> Result<(u64, Option<(Address, U256)>), DbError> {
    let (contract, token_id) = after.unzip();
    let found = sqlx::query!(
        r#"with piece as (
               select contract, token_id from items
                where chain_id = $1
                  and (contract, token_id) > ($2::bytea, $3::numeric)
                order by contract, token_id limit $4),
           queued as (
               insert into token_metadata (chain_id, contract, token_id)
               select $1, p.contract, p.token_id from piece p
                where not exists (select 1 from token_metadata m
                                   where m.chain_id = $1 and m.contract = p.contract
                                     and m.token_id = p.token_id)
               on conflict do nothing returning 1)
           select (select count(*) from queued) as "queued!",
                  l.contract as "contract?: Addr", l.token_id as "token_id?: Numeric"
             from (select 1) as one
             left join (select contract, token_id from piece
                         order by contract desc, token_id desc limit 1) as l on true"#,
        chain.as_i64(),
        // Nothing is before the empty one.
        contract.as_ref().map_or(&[][..], |contract| contract.as_slice()),
        token_id.map_or(Numeric(U256::ZERO), Numeric) as _,
        limit,
    )
    .fetch_one(db)
    .await?;
    let last = found.contract.zip(found.token_id).map(|(c, t)| (c.0, t.0));
    Ok((found.queued.unsigned_abs(), last))
}

/// [`sweep_items`] for the tokens of followed ERC-1155 contracts.
pub async fn sweep_balances(
    db: &mut PgConnection,
    chain: ChainId,
    after: Option<(Address, U256)>,
    limit: i64,
) -> Result<(u64, Option<(Address, U256)>), DbError> {
    let (contract, token_id) = after.unzip();
    let found = sqlx::query!(
        r#"with piece as (
               select s.address as contract, b.token_id
                 from followed_contracts s
                cross join lateral (
                      select distinct token_id from balances b
                       where b.chain_id = $1 and b.contract = s.address
                         and b.token_id > case when s.address = $2::bytea then $3::numeric
                                               else -1 end
                       order by token_id limit $4) as b
                where s.chain_id = $1 and s.kind = 'erc1155'
                  and s.address >= $2
                order by s.address, b.token_id limit $4),
           queued as (
               insert into token_metadata (chain_id, contract, token_id)
               select $1, p.contract, p.token_id from piece p
                where not exists (select 1 from token_metadata m
                                   where m.chain_id = $1 and m.contract = p.contract
                                     and m.token_id = p.token_id)
               on conflict do nothing returning 1)
           select (select count(*) from queued) as "queued!",
                  l.contract as "contract?: Addr", l.token_id as "token_id?: Numeric"
             from (select 1) as one
             left join (select contract, token_id from piece
                         order by contract desc, token_id desc limit 1) as l on true"#,
        chain.as_i64(),
        // Nothing is before the empty one.
        contract.as_ref().map_or(&[][..], |contract| contract.as_slice()),
        token_id.map_or(Numeric(U256::ZERO), Numeric) as _,
        limit,
    )
    .fetch_one(db)
    .await?;
    let last = found.contract.zip(found.token_id).map(|(c, t)| (c.0, t.0));
    Ok((found.queued.unsigned_abs(), last))
}

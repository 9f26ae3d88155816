//! What is left of a contract that is followed no more, deleted piece by piece.

use crate::{Addr, DbError};
use sqlx::{AssertSqlSafe, PgConnection};
use vocab::{Address, B256, ChainId};

/// Tables with rows of a contract that no single log stands for.
const OF_CONTRACT: [&str; 8] = [
    "items",
    "balances",
    "allowances",
    "token_approvals",
    "operator_approvals",
    "balance_readings",
    "token_traits",
    "token_metadata",
];

/// Where a piece ended: block and place in it.
pub type Place = (i64, i32);

/// Before the first log.
pub const BEGINNING: Place = (-1, -1);

/// What is deleted from now on, until [`record_ended`]; nothing of it is answered any more. False
/// when it is not there, or goes on.
pub async fn record_begun(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update index_sources set purging = true, last_block = 0
          where chain_id = $1 and address = $2 and last_block is not null",
        chain.as_i64(),
        address.as_slice(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// It is gone.
pub async fn record_ended(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "delete from index_sources where chain_id = $1 and address = $2 and purging",
        chain.as_i64(),
        address.as_slice(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Is anything of this chain being deleted?
pub async fn is_under_way(db: &mut PgConnection, chain: ChainId) -> Result<bool, DbError> {
    let row = sqlx::query!(
        r#"select exists (select 1 from index_sources
                           where chain_id = $1 and purging) as "purging!""#,
        chain.as_i64(),
    )
    .fetch_one(db)
    .await?;
    Ok(row.purging)
}

/// Some of the contracts that a factory has made and that are its own: they do not stand for
/// themselves, are no collections of ours, and no other factory was earlier.
pub async fn load_made(
    db: &mut PgConnection,
    chain: ChainId,
    factory: Address,
    limit: i64,
) -> Result<Vec<Address>, DbError> {
    let rows = sqlx::query!(
        r#"select distinct c.address as "address: Addr" from index_children c
            where c.chain_id = $1 and c.factory = $2
              and not exists (select 1 from index_sources o
                               where o.chain_id = $1 and o.address = c.address)
              and not exists (select 1 from collections o
                               where o.chain_id = $1 and o.contract = c.address)
              and not exists (select 1 from index_children e
                               where e.chain_id = $1 and e.address = c.address
                                 and e.factory <> c.factory
                                 and (e.block_number, e.log_index)
                                     < (c.block_number, c.log_index))
            order by 1 limit $3"#,
        chain.as_i64(),
        factory.as_slice(),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.address.0).collect())
}

/// A contract that a factory has made has nothing left.
pub async fn record_unmade(
    db: &mut PgConnection,
    chain: ChainId,
    factory: Address,
    made: Address,
) -> Result<(), DbError> {
    sqlx::query!(
        "delete from index_children where chain_id = $1 and factory = $2 and address = $3",
        chain.as_i64(),
        factory.as_slice(),
        made.as_slice(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Delete up to `limit` rows of a contract that are its own in one table after the other. Gives how
/// many; fewer than `limit` when nothing is left.
pub async fn delete_rows(
    db: &mut PgConnection,
    chain: ChainId,
    contract: Address,
    limit: i64,
) -> Result<i64, DbError> {
    let mut deleted = 0;
    for table in OF_CONTRACT {
        // Made of names in the constants only.
        let sql = AssertSqlSafe(format!(
            "delete from {table} where ctid = any(array(
                 select ctid from {table} where chain_id = $1 and contract = $2 limit $3))"
        ));
        let query = sqlx::query(sql).bind(chain.as_i64()).bind(Addr(contract));
        let done = query.bind(limit - deleted).execute(&mut *db).await?;
        deleted += done.rows_affected().cast_signed();
        if deleted >= limit {
            break;
        }
    }
    Ok(deleted)
}

/// Delete up to `limit` logs of a contract that come after `after`, and what was made of each. Logs
/// with one of the topics `but` are another source's. Gives the last one looked at, none when there
/// are no more, and how many were deleted.
pub async fn delete_logs(
    db: &mut PgConnection,
    chain: ChainId,
    contract: Address,
    (after, limit): (Place, i64),
    but: &[B256],
) -> Result<Option<(Place, u64)>, DbError> {
    let but: Vec<&[u8]> = but.iter().map(|topic| topic.as_slice()).collect();
    let looked = sqlx::query!(
        r#"select block_number, log_index,
                  not substring(topics for 32) = any($5::bytea[]) as "own!"
             from raw_logs
            where address = $2 and chain_id = $1
              and (block_number, log_index) > ($3::int8, $4::int4)
            order by address, chain_id, block_number, log_index limit $6"#,
        chain.as_i64(),
        contract.as_slice(),
        after.0,
        after.1,
        &but as _,
        limit,
    )
    .fetch_all(&mut *db)
    .await?;
    let Some(last) = looked.last() else { return Ok(None) };
    let last = (last.block_number, last.log_index);
    let own: Vec<Place> =
        looked.iter().filter(|row| row.own).map(|row| (row.block_number, row.log_index)).collect();
    Ok(Some((last, delete_places(db, chain, &own).await?)))
}

/// The same of the logs of any contract with one of these topics; `limit` logs of the chain are
/// looked at.
pub async fn delete_topics(
    db: &mut PgConnection,
    chain: ChainId,
    topics: &[B256],
    (after, limit): (Place, i64),
) -> Result<Option<(Place, u64)>, DbError> {
    let topics: Vec<&[u8]> = topics.iter().map(|topic| topic.as_slice()).collect();
    let looked = sqlx::query!(
        r#"select block_number, log_index,
                  substring(topics for 32) = any($4::bytea[]) as "own!"
             from raw_logs
            where chain_id = $1 and (block_number, log_index) > ($2::int8, $3::int4)
            order by chain_id, block_number, log_index limit $5"#,
        chain.as_i64(),
        after.0,
        after.1,
        &topics as _,
        limit,
    )
    .fetch_all(&mut *db)
    .await?;
    let Some(last) = looked.last() else { return Ok(None) };
    let last = (last.block_number, last.log_index);
    let own: Vec<Place> =
        looked.iter().filter(|row| row.own).map(|row| (row.block_number, row.log_index)).collect();
    Ok(Some((last, delete_places(db, chain, &own).await?)))
}

/// Tables whose rows each stand for one log.
const OF_LOG: [&str; 7] = [
    "raw_logs",
    "transfers",
    "metadata_updates",
    "decoded_logs",
    "unread_logs",
    "undecoded_logs",
    "index_children",
];

async fn delete_places(
    db: &mut PgConnection,
    chain: ChainId,
    places: &[Place],
) -> Result<u64, DbError> {
    if places.is_empty() {
        return Ok(0);
    }
    let (blocks, indexes): (Vec<i64>, Vec<i32>) = places.iter().copied().unzip();
    for table in OF_LOG {
        // Made of names in the constants only.
        let sql = AssertSqlSafe(format!(
            "delete from {table} t using unnest($2::int8[], $3::int4[]) as p (block, place)
              where t.chain_id = $1 and t.block_number = p.block and t.log_index = p.place"
        ));
        let query = sqlx::query(sql).bind(chain.as_i64()).bind(&blocks).bind(&indexes);
        query.execute(&mut *db).await?;
    }
    Ok(places.len() as u64)
}

/// Forget what contracts told in branches that were given up.
pub async fn delete_orphaned(
    db: &mut PgConnection,
    chain: ChainId,
    contracts: &[Address],
) -> Result<(), DbError> {
    let contracts: Vec<Addr> = contracts.iter().copied().map(Addr).collect();
    // By no index: there are few of them.
    sqlx::query!("set local statement_timeout = 0").execute(&mut *db).await?;
    sqlx::query!(
        "delete from orphaned_logs where chain_id = $1 and address = any($2)",
        chain.as_i64(),
        &contracts as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Is this contract a collection of our factory?
pub async fn is_ours(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
) -> Result<bool, DbError> {
    let row = sqlx::query!(
        r#"select exists (select 1 from collections
                           where chain_id = $1 and contract = $2) as "ours!""#,
        chain.as_i64(),
        address.as_slice(),
    )
    .fetch_one(db)
    .await?;
    Ok(row.ours)
}

//! `undo_records`: what projection rows were before each block of the reorg window, and how a reorg
//! takes back what blocks did to each table of [`digest::TABLES`].

use crate::{
    Addr, DbError, Numeric,
    digest::{Compared, TABLES, TakenBack},
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use vocab::ChainId;

/// The row under `key` before block `block_number` changed it; no image when there was none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoRecord {
    pub block_number: u64,
    pub projection: &'static str,
    pub key: Value,
    pub image: Option<Value>,
}

/// One column of the keys of rows.
#[derive(Clone, Debug)]
pub enum KeyColumn {
    Addresses(Vec<Addr>),
    Numbers(Vec<Numeric>),
}

/// Add records, oldest first, in the caller's transaction.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    records: &[UndoRecord],
) -> Result<(), DbError> {
    if records.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = records.iter().map(|r| r.block_number.cast_signed()).collect();
    let projections: Vec<String> = records.iter().map(|r| r.projection.to_owned()).collect();
    let keys: Vec<Value> = records.iter().map(|r| r.key.clone()).collect();
    let images: Vec<Option<Value>> = records.iter().map(|r| r.image.clone()).collect();
    sqlx::query!(
        "insert into undo_records (chain_id, block_number, projection, key, image)
         select $1, * from unnest($2::int8[], $3::text[], $4::jsonb[], $5::jsonb[])",
        chain.as_i64(),
        &numbers,
        &projections,
        &keys,
        &images as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Note what the rows under these keys are, before block `number` changes them. The columns are
/// those of [`Compared::order`], all of one length; no key twice.
pub async fn record_images(
    db: &mut PgConnection,
    chain: ChainId,
    number: u64,
    table: &Compared,
    keys: Vec<KeyColumn>,
) -> Result<(), DbError> {
    let parts: Vec<String> = table.order.iter().map(|c| format!("'{c}', k.{c}")).collect();
    let same: Vec<String> = table.order.iter().map(|c| format!("o.{c} = k.{c}")).collect();
    let arrays: Vec<String> = (3..)
        .zip(&keys)
        .map(|(place, column)| match column {
            KeyColumn::Addresses(_) => format!("${place}::bytea[]"),
            KeyColumn::Numbers(_) => format!("${place}::numeric[]"),
        })
        .collect();
    // Made of names in the constants only.
    let sql = AssertSqlSafe(format!(
        "insert into undo_records (chain_id, block_number, projection, key, image)
         select $1, $2, '{table}', jsonb_build_object({}), to_jsonb(t)
           from unnest({}) as k({})
           left join lateral (select * from {table} o where o.chain_id = $1 and {} limit 1) as t
             on true",
        parts.join(", "),
        arrays.join(", "),
        table.order.join(", "),
        same.join(" and "),
        table = table.table,
    ));
    let mut query = sqlx::query(sql).bind(chain.as_i64()).bind(number.cast_signed());
    for column in keys {
        query = match column {
            KeyColumn::Addresses(values) => query.bind(values),
            KeyColumn::Numbers(values) => query.bind(values),
        };
    }
    query.execute(db).await?;
    Ok(())
}

/// Take back in every projection what blocks above `ancestor` did.
pub async fn restore(db: &mut PgConnection, chain: ChainId, ancestor: u64) -> Result<(), DbError> {
    restore_those(db, chain, ancestor, |_| true).await
}

/// The same in those tables that `wanted` names.
pub async fn restore_those(
    db: &mut PgConnection,
    chain: ChainId,
    ancestor: u64,
    wanted: impl Fn(&str) -> bool,
) -> Result<(), DbError> {
    for table in TABLES.iter().filter(|table| wanted(table.table)) {
        let sql = match table.taken_back {
            TakenBack::Moved => continue,
            TakenBack::Deleted => {
                format!("delete from {} where chain_id = $1 and block_number > $2", table.table)
            }
            TakenBack::Restored => restoring(table),
        };
        let query = sqlx::query(AssertSqlSafe(sql));
        query.bind(chain.as_i64()).bind(ancestor.cast_signed()).execute(&mut *db).await?;
    }
    Ok(())
}

/// Made of names in the constants only; the `limit` has each row found by its key. The first image
/// of each key is how its row was before.
fn restoring(table: &Compared) -> String {
    let same: Vec<String> = table.order.iter().map(|c| format!("o.{c} = k.{c}")).collect();
    let rows: Vec<String> = table.columns.iter().map(|c| format!("r.{c}")).collect();
    let changed = table.columns.iter().filter(|column| !table.order.contains(column));
    let changed: Vec<String> = changed.map(|c| format!("{c} = excluded.{c}")).collect();
    format!(
        "with first as (
             select distinct on (key) key, image from undo_records
              where chain_id = $1 and projection = '{table}' and block_number > $2
              order by key, block_number, id
         ), gone as (
             delete from {table}
              where ctid = any(array(
                    select t.ctid from first f
                     cross join lateral jsonb_populate_record(null::{table}, f.key) as k
                     cross join lateral (select o.ctid from {table} o
                                          where o.chain_id = $1 and {} limit 1) as t
                     where f.image is null))
         )
         insert into {table} (chain_id, {})
         select $1, {} from first f
          cross join lateral jsonb_populate_record(null::{table}, f.image) as r
          where f.image is not null
         on conflict (chain_id, {}) do update set {}",
        same.join(" and "),
        table.columns.join(", "),
        rows.join(", "),
        table.order.join(", "),
        changed.join(", "),
        table = table.table,
    )
}

/// Forget the records of blocks above `ancestor`, which were unwound.
pub async fn record_unwound(
    db: &mut PgConnection,
    chain: ChainId,
    ancestor: u64,
) -> Result<(), DbError> {
    sqlx::query!(
        "delete from undo_records where chain_id = $1 and block_number > $2",
        chain.as_i64(),
        ancestor.cast_signed(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forget the records of blocks up to `anchor`, which can no longer be unwound.
pub async fn record_anchor(
    db: &mut PgConnection,
    chain: ChainId,
    anchor: u64,
) -> Result<(), DbError> {
    sqlx::query!(
        "delete from undo_records where chain_id = $1 and block_number <= $2",
        chain.as_i64(),
        anchor.cast_signed(),
    )
    .execute(db)
    .await?;
    Ok(())
}

//! `decoded_logs` and `unread_logs`: what logs say that are read by an ABI, and those that can't
//! be.

use crate::{Addr, DbError};
use serde_json::Value;
use sqlx::PgConnection;
use vocab::{Address, ChainId};

/// One log.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodedRow {
    pub block_number: u64,
    pub log_index: u32,
    pub contract: Address,
    pub event: String,
    pub signature: String,
    /// By name where all arguments have one, else in order. Holds no NUL.
    pub args: Value,
}

/// Add rows in the caller's transaction.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    rows: &[DecodedRow],
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = rows.iter().map(|r| r.block_number.cast_signed()).collect();
    let places: Vec<i32> = rows.iter().map(|r| r.log_index.cast_signed()).collect();
    let contracts: Vec<Addr> = rows.iter().map(|r| Addr(r.contract)).collect();
    let events: Vec<String> = rows.iter().map(|r| r.event.clone()).collect();
    let signatures: Vec<String> = rows.iter().map(|r| r.signature.clone()).collect();
    let args: Vec<Value> = rows.iter().map(|r| r.args.clone()).collect();
    sqlx::query!(
        "insert into decoded_logs (chain_id, block_number, log_index, contract, event, signature,
                                   args)
         select $1, * from unnest($2::int8[], $3::int4[], $4::bytea[], $5::text[], $6::text[],
                                  $7::jsonb[])",
        chain.as_i64(),
        &numbers,
        &places,
        &contracts as _,
        &events,
        &signatures,
        &args,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A log that was to be read by an ABI, and can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnreadRow {
    pub block_number: u64,
    pub log_index: u32,
    pub contract: Address,
    /// `data` or `too_long`.
    pub reason: &'static str,
}

/// Add such rows (`unread_logs`) in the caller's transaction.
pub async fn record_unread(
    db: &mut PgConnection,
    chain: ChainId,
    rows: &[UnreadRow],
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = rows.iter().map(|r| r.block_number.cast_signed()).collect();
    let places: Vec<i32> = rows.iter().map(|r| r.log_index.cast_signed()).collect();
    let contracts: Vec<Addr> = rows.iter().map(|r| Addr(r.contract)).collect();
    let reasons: Vec<String> = rows.iter().map(|r| r.reason.to_owned()).collect();
    sqlx::query!(
        "insert into unread_logs (chain_id, block_number, log_index, contract, reason)
         select $1, * from unnest($2::int8[], $3::int4[], $4::bytea[], $5::text[])",
        chain.as_i64(),
        &numbers,
        &places,
        &contracts as _,
        &reasons,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which logs to list. None means any.
#[derive(Clone, Debug, Default)]
pub struct DecodedFilter {
    pub contract: Option<Address>,
    pub event: String,
    /// Objects of which the arguments have to hold one.
    pub args: Option<[Value; 2]>,
    /// Both ends are included.
    pub first_block: Option<i64>,
    pub last_block: Option<i64>,
}

/// Block and place of logs of a chain in its order, at most `limit`, after (block, log index).
pub async fn list(
    db: &mut PgConnection,
    chain: ChainId,
    filter: &DecodedFilter,
    after: Option<(i64, i32)>,
    limit: i64,
) -> Result<Vec<(i64, i32)>, DbError> {
    let (block, place) = after.unwrap_or((-1, 0));
    let [one, other] = filter.args.clone().unwrap_or_default();
    let rows = sqlx::query!(
        "select block_number, log_index from decoded_logs
          where chain_id = $1 and event = $2 and ($3::bytea is null or contract = $3)
            and ($4::bool or args @> $5::jsonb or args @> $6::jsonb)
            and block_number between $7 and $8 and (block_number, log_index) > ($9, $10)
            and ($3::bytea is not null
                  or contract <> all ((select backfilling($1))::bytea[]))
          order by block_number, log_index limit $11",
        chain.as_i64(),
        filter.event,
        filter.contract.map(Addr) as _,
        filter.args.is_none(),
        one,
        other,
        filter.first_block.unwrap_or(0),
        filter.last_block.unwrap_or(i64::MAX),
        block,
        place,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.block_number, row.log_index)).collect())
}

/// Those of the logs at these places that were read by an ABI.
pub async fn load_many(
    db: &mut PgConnection,
    chain: ChainId,
    places: &[(u64, u32)],
) -> Result<Vec<DecodedRow>, DbError> {
    let numbers: Vec<i64> = places.iter().map(|(number, _)| number.cast_signed()).collect();
    let indexes: Vec<i32> = places.iter().map(|(_, place)| place.cast_signed()).collect();
    let rows = sqlx::query!(
        r#"select d.block_number, d.log_index, d.contract as "contract: Addr", d.event,
                  d.signature, d.args
             from unnest($2::int8[], $3::int4[]) as p (block_number, log_index)
             join decoded_logs d on d.chain_id = $1 and d.block_number = p.block_number
                                and d.log_index = p.log_index"#,
        chain.as_i64(),
        &numbers,
        &indexes,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DecodedRow {
            block_number: row.block_number.cast_unsigned(),
            log_index: row.log_index.cast_unsigned(),
            contract: row.contract.0,
            event: row.event,
            signature: row.signature,
            args: row.args,
        })
        .collect())
}

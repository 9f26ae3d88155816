//! `transfers`: every change of owner, mints and burns included.

use crate::{Addr, DbError, Hash, Numeric};
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::{Address, B256, ChainId, U256};

/// One transfer; the zero address sends mints and receives burns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferRow {
    pub block_number: u64,
    pub log_index: u32,
    pub block_hash: B256,
    pub tx_hash: B256,
    pub contract: Address,
    pub token_id: U256,
    pub sender: Address,
    pub recipient: Address,
    pub mined_at: OffsetDateTime,
}

/// Add rows in the caller's transaction.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    rows: &[TransferRow],
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = rows.iter().map(|r| r.block_number.cast_signed()).collect();
    let indexes: Vec<i32> = rows.iter().map(|r| r.log_index.cast_signed()).collect();
    let hashes: Vec<Hash> = rows.iter().map(|r| Hash(r.block_hash)).collect();
    let txs: Vec<Hash> = rows.iter().map(|r| Hash(r.tx_hash)).collect();
    let contracts: Vec<Addr> = rows.iter().map(|r| Addr(r.contract)).collect();
    let token_ids: Vec<Numeric> = rows.iter().map(|r| Numeric(r.token_id)).collect();
    let senders: Vec<Addr> = rows.iter().map(|r| Addr(r.sender)).collect();
    let recipients: Vec<Addr> = rows.iter().map(|r| Addr(r.recipient)).collect();
    let times: Vec<OffsetDateTime> = rows.iter().map(|r| r.mined_at).collect();
    sqlx::query!(
        "insert into transfers (chain_id, block_number, log_index, block_hash, tx_hash, contract,
                                token_id, sender, recipient, mined_at)
         select $1, * from unnest($2::int8[], $3::int4[], $4::bytea[], $5::bytea[], $6::bytea[],
                                  $7::numeric[], $8::bytea[], $9::bytea[], $10::timestamptz[])",
        chain.as_i64(),
        &numbers,
        &indexes,
        &hashes as _,
        &txs as _,
        &contracts as _,
        &token_ids as _,
        &senders as _,
        &recipients as _,
        &times,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Take back the transfers of blocks above `ancestor`.
pub async fn restore(db: &mut PgConnection, chain: ChainId, ancestor: u64) -> Result<(), DbError> {
    sqlx::query!(
        "delete from transfers where chain_id = $1 and block_number > $2",
        chain.as_i64(),
        ancestor.cast_signed(),
    )
    .execute(db)
    .await?;
    Ok(())
}

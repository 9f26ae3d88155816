//! `transfers`: every change of an item's owner, mints and burns included, and of amounts of items
//! that have many owners (ERC-1155).

use crate::{DbError, copy::CopyBuffer};
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::{Address, B256, ChainId, U256};

const COPY: &str = "copy transfers (chain_id, block_number, log_index, place, block_hash, \
                    tx_hash, contract, token_id, amount, sender, recipient, mined_at) \
                    from stdin (format binary)";
const COLUMNS: i16 = 12;

/// One transfer; the zero address sends mints and receives burns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferRow {
    pub block_number: u64,
    pub log_index: u32,
    /// Among the transfers of its log, from 0.
    pub place: u32,
    pub block_hash: B256,
    pub tx_hash: B256,
    pub contract: Address,
    pub token_id: U256,
    /// None of an item that has one owner.
    pub amount: Option<U256>,
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
    let mut copy = CopyBuffer::new(rows.len().saturating_mul(260));
    for row in rows {
        copy.row(COLUMNS);
        copy.field(&chain.as_i64().to_be_bytes());
        copy.field(&row.block_number.to_be_bytes());
        copy.field(&row.log_index.to_be_bytes());
        copy.field(&row.place.to_be_bytes());
        copy.field(row.block_hash.as_slice());
        copy.field(row.tx_hash.as_slice());
        copy.field(row.contract.as_slice());
        copy.numeric(row.token_id);
        match row.amount {
            Some(amount) => copy.numeric(amount),
            None => copy.null(),
        }
        copy.field(row.sender.as_slice());
        copy.field(row.recipient.as_slice());
        copy.time(Some(row.mined_at));
    }
    copy.send(db, COPY).await
}

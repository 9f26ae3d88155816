//! Handing calls to the transactor, in the caller's transaction.

use crate::AppError;
use db::{
    PgConnection,
    transactions::{self, NewTransaction},
};
use vocab::{Address, ChainId, TransactionId, U256};

/// A call that must reach the chain once.
pub(crate) struct Call<'a> {
    pub(crate) chain_id: ChainId,
    pub(crate) role: &'a str,
    /// The one wallet that may send it.
    pub(crate) wallet: Address,
    pub(crate) kind: &'a str,
    pub(crate) recipient: Address,
    pub(crate) input: Vec<u8>,
    pub(crate) request_id: &'a str,
}

pub(crate) async fn record_call(
    db: &mut PgConnection,
    call: Call<'_>,
) -> Result<TransactionId, AppError> {
    let id = TransactionId::new();
    let transaction = NewTransaction {
        id: id.0,
        chain_id: call.chain_id,
        role: call.role.to_owned(),
        wallet: Some(call.wallet),
        kind: call.kind.to_owned(),
        priority: 0,
        recipient: Some(call.recipient),
        value_wei: U256::ZERO,
        input: call.input,
        gas_limit: None,
        not_before: None,
        request_id: Some(call.request_id.to_owned()),
    };
    transactions::record_queued(db, &transaction).await?;
    Ok(id)
}

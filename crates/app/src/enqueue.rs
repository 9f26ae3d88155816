//! Handing calls to the transactor, in the caller's transaction.

use crate::AppError;
use db::PgConnection;
use transactor::NewTransaction;
use vocab::{Address, ChainId, TransactionId};

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
    let transaction = NewTransaction {
        wallet: Some(call.wallet),
        to: Some(call.recipient),
        input: call.input.into(),
        request_id: Some(call.request_id.to_owned()),
        ..NewTransaction::new(call.chain_id, call.role, call.kind)
    };
    Ok(transactor::enqueue(db, transaction).await?)
}

//! The way in.

use crate::config::TX_GAS_MAX;
use db::{DbError, PgConnection, transactions};
use journal::NewFact;
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use time::OffsetDateTime;
use tokio::sync::Notify;
use vocab::{Address, Bytes, ChainId, JobStatus, TransactionId, U256, topic};

/// A call that must reach the chain once.
#[derive(Clone, Debug)]
pub struct NewTransaction {
    pub chain_id: ChainId,
    /// Which wallets may send it.
    pub role: String,
    /// The one wallet that must send it, if that matters.
    pub wallet: Option<Address>,
    /// What it is to the product, for [`crate::Outcomes`].
    pub kind: String,
    /// Higher goes first.
    pub priority: i16,
    /// None creates a contract.
    pub to: Option<Address>,
    pub value: U256,
    pub input: Bytes,
    /// None: estimated, plus a fifth.
    pub gas_limit: Option<u64>,
    pub not_before: Option<OffsetDateTime>,
    /// The request that asked for it, for traces.
    pub request_id: Option<String>,
}

/// Queue a job in the caller's transaction. After its commit call [`Nudge::wake`].
///
/// # Errors
/// [`DbError`] when it can't be written.
pub async fn enqueue(db: &mut PgConnection, new: NewTransaction) -> Result<TransactionId, DbError> {
    let id = TransactionId::new();
    let fact = NewFact {
        topic: topic::TRANSACTIONS,
        kind: "transaction_status_changed",
        reverting: false,
        attributes: json!({
            "chain_id": new.chain_id.to_string(),
            "transaction_id": id,
            "kind": &new.kind,
            "status": JobStatus::Queued,
        }),
        chain_id: Some(new.chain_id),
        block: None,
        data: json!({ "status": JobStatus::Queued, "request_id": &new.request_id }),
    };
    let row = transactions::NewTransaction {
        id: id.0,
        chain_id: new.chain_id,
        role: new.role,
        wallet: new.wallet,
        kind: new.kind,
        priority: new.priority,
        recipient: new.to,
        value_wei: new.value,
        input: new.input.into(),
        gas_limit: new.gas_limit.map(|gas| gas.min(TX_GAS_MAX).cast_signed()),
        not_before: new.not_before,
        request_id: new.request_id,
    };
    transactions::record_queued(db, &row).await?;
    journal::record(db, &[fact]).await?;
    Ok(id)
}

type Bells = HashMap<(ChainId, String), Arc<Notify>>;

/// Wakes lanes of this process when there is work; without it they look every tick. Clones share.
#[derive(Clone, Debug, Default)]
pub struct Nudge(Arc<Mutex<Bells>>);

impl Nudge {
    /// A job of this role waits: wake one of its lanes.
    pub fn wake(&self, chain: ChainId, role: &str) {
        self.bell(chain, role).notify_one();
    }

    pub(crate) fn bell(&self, chain: ChainId, role: &str) -> Arc<Notify> {
        let mut bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bells.entry((chain, role.to_owned())).or_default().clone()
    }
}

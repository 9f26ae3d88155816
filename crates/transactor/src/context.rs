//! What lanes share, and how a change of state is recorded.

use crate::{Config, Moved, Reason, pulse::Pulse};
use db::{DbError, PgConnection, transactions, transactions::Change};
use journal::NewFact;
use serde_json::json;
use std::collections::HashSet;
use tokio::sync::watch;
use uuid::Uuid;
use vocab::{B256, BlockRef, ChainId, JobStatus, TransactionId, topic};

pub(crate) struct Context {
    pub config: Config,
    pub pulse: watch::Receiver<Option<Pulse>>,
}

impl Context {
    pub fn chain_id(&self) -> ChainId {
        self.config.chain.id
    }
}

/// A change of state that is to be recorded.
#[derive(Clone, Debug)]
pub(crate) struct Move {
    pub id: Uuid,
    pub kind: String,
    pub request_id: Option<String>,
    pub from: JobStatus,
    pub to: JobStatus,
    pub reason: Option<Reason>,
    pub tx_hash: Option<B256>,
    pub block: Option<BlockRef>,
    pub reverted: bool,
    /// It takes back what was told before.
    pub reverting: bool,
}

impl Move {
    pub fn new(id: Uuid, kind: &str, from: JobStatus, to: JobStatus) -> Self {
        Self {
            id,
            kind: kind.to_owned(),
            request_id: None,
            from,
            to,
            reason: None,
            tx_hash: None,
            block: None,
            reverted: false,
            reverting: false,
        }
    }

    fn change(&self) -> Change {
        Change {
            id: self.id,
            from: self.from.as_str(),
            to: self.to.as_str(),
            reason: self.reason.as_ref().map(Reason::to_string),
            tx_hash: self.tx_hash,
            block: self.block,
            reverted: self.reverted,
        }
    }

    fn fact(&self, chain: ChainId) -> NewFact {
        let mut attributes = json!({
            "chain_id": chain.to_string(),
            "transaction_id": self.id,
            "kind": self.kind,
            "status": self.to,
        });
        if self.reverting {
            attributes["previous_status"] = json!(self.from);
        }
        NewFact {
            topic: topic::TRANSACTIONS,
            kind: "transaction_status_changed",
            reverting: self.reverting,
            attributes,
            chain_id: Some(chain),
            block: self.block,
            data: json!({
                "status": self.to,
                "previous_status": self.from,
                "reason": self.reason.as_ref().map(|r| json!({ "code": r.code, "text": r.text })),
                "tx_hash": self.tx_hash,
                "reverted": self.reverted,
                "request_id": self.request_id,
            }),
        }
    }

    fn moved(&self, chain: ChainId) -> Moved {
        Moved {
            id: TransactionId(self.id),
            kind: self.kind.clone(),
            chain_id: chain,
            from: self.from,
            to: self.to,
            reason: self.reason.clone(),
            tx_hash: self.tx_hash,
            block: self.block,
            reverted: self.reverted,
        }
    }
}

/// Change the states of jobs in the caller's transaction, and tell product and journal of those
/// that did change. Gives their ids.
pub(crate) async fn record_moves(
    context: &Context,
    db: &mut PgConnection,
    moves: &[Move],
) -> Result<HashSet<Uuid>, DbError> {
    if moves.is_empty() {
        return Ok(HashSet::new());
    }
    let changes: Vec<Change> = moves.iter().map(Move::change).collect();
    let moved: HashSet<Uuid> =
        transactions::record_changes(db, &changes).await?.into_iter().collect();
    let done: Vec<&Move> = moves.iter().filter(|m| moved.contains(&m.id)).collect();
    tell(context, db, &done).await?;
    Ok(moved)
}

/// Tell product and journal of changes made in the caller's transaction.
pub(crate) async fn tell(
    context: &Context,
    db: &mut PgConnection,
    moves: &[&Move],
) -> Result<(), DbError> {
    if moves.is_empty() {
        return Ok(());
    }
    let chain = context.chain_id();
    let moved: Vec<Moved> = moves.iter().map(|m| m.moved(chain)).collect();
    context.config.outcomes.record(db, &moved).await?;
    let facts: Vec<NewFact> = moves.iter().map(|m| m.fact(chain)).collect();
    journal::record(db, &facts).await?;
    for one in moves {
        tracing::info!(transaction.id = %one.id, request.id = one.request_id.as_deref(),
            from = %one.from, to = %one.to, tx_hash = one.tx_hash.map(tracing::field::display),
            reason = one.reason.as_ref().map(tracing::field::display), "transaction moved");
    }
    Ok(())
}

/// A stored status.
pub(crate) fn status(stored: &str) -> JobStatus {
    stored.parse().expect("invariant: the schema allows known states only")
}

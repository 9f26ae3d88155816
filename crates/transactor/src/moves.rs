//! The one place where jobs change their state: the law is checked, the row is changed, product and
//! journal are told, all in the caller's transaction.

use crate::{
    Moved, Outcomes, Reason,
    compensation::Compensation,
    life::{Illegal, may_become},
    queue::{NewTransaction, record_new},
};
use alloy_primitives::Address;
use db::{
    DbError, PgConnection,
    transactions::{self, Change, Changed, stops, stops::Waiting},
};
use journal::NewFact;
use serde_json::json;
use std::collections::HashSet;
use uuid::Uuid;
use vocab::{B256, BlockRef, ChainId, JobStatus, PrincipalId, TransactionId, topic};

/// Why a change was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error(transparent)]
    Db(#[from] DbError),
    /// A fault of ours.
    #[error("transaction {id}")]
    Illegal {
        id: TransactionId,
        #[source]
        source: Illegal,
    },
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

    /// Of a job that still waits.
    pub fn of_waiting(job: &Waiting, to: JobStatus, reason: Reason) -> Self {
        Self {
            request_id: job.request_id.clone(),
            reason: Some(reason),
            ..Self::new(job.id, &job.kind, JobStatus::Queued, to)
        }
    }

    fn check(&self) -> Result<(), MoveError> {
        let (id, from, to) = (TransactionId(self.id), self.from, self.to);
        match may_become(from, to) {
            true => Ok(()),
            false => Err(MoveError::Illegal { id, source: Illegal { from, to } }),
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

/// Who is told of changes.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    pub chain: ChainId,
    pub outcomes: &'a dyn Outcomes,
}

/// Change the states of jobs, and tell of those that did change. Gives their ids. What follows from
/// it is recorded too: a declared undo is queued, a job that waited to replace one which took
/// effect is cancelled.
pub(crate) async fn record_moves(
    told: Told<'_>,
    db: &mut PgConnection,
    moves: &[Move],
) -> Result<HashSet<Uuid>, MoveError> {
    if moves.is_empty() {
        return Ok(HashSet::new());
    }
    let moved = change(told, db, moves).await?;
    let ids = |wanted: fn(&Move) -> bool| -> Vec<Uuid> {
        moves.iter().filter(|m| wanted(m) && moved.contains(&m.id)).map(|m| m.id).collect()
    };
    let in_vain = ids(|m| matches!(m.to, JobStatus::Failed | JobStatus::Expired));
    if !in_vain.is_empty() {
        undo(told, db, &in_vain).await?;
    }
    let effective = ids(|m| m.to == JobStatus::Final);
    if !effective.is_empty() {
        let waiting = stops::load_replacements(db, &effective).await?;
        let reason = || Reason::new("replaced_was_mined", "the job that it replaces took effect");
        let dropped: Vec<Move> =
            waiting.iter().map(|w| Move::of_waiting(w, JobStatus::Cancelled, reason())).collect();
        change(told, db, &dropped).await?;
    }
    Ok(moved)
}

async fn change(
    told: Told<'_>,
    db: &mut PgConnection,
    moves: &[Move],
) -> Result<HashSet<Uuid>, MoveError> {
    moves.iter().try_for_each(Move::check)?;
    let changes: Vec<Change> = moves.iter().map(Move::change).collect();
    let changed = transactions::record_changes(db, &changes).await?;
    measure(told.chain, moves, &changed);
    let moved: HashSet<Uuid> = changed.into_iter().map(|changed| changed.id).collect();
    let done: Vec<&Move> = moves.iter().filter(|m| moved.contains(&m.id)).collect();
    tell(told, db, &done).await?;
    Ok(moved)
}

/// How long jobs took to each level, from their first hand-over: also those without logs and those
/// that reverted.
fn measure(chain: ChainId, moves: &[Move], changed: &[Changed]) {
    for one in moves.iter().filter(|m| m.block.is_some()) {
        let of = changed.iter().find(|changed| changed.id == one.id);
        let Some(seconds) = of.and_then(|changed| changed.since_submitted) else { continue };
        let level = match one.to {
            JobStatus::Tentative => "tentative",
            JobStatus::Auditable => "auditable",
            _ => "final",
        };
        let outcome = if one.reverted { "reverted" } else { "effective" };
        let chain = chain.to_string();
        metrics::histogram!("transactor_level_seconds",
            "chain_id" => chain, "level" => level, "outcome" => outcome)
        .record(seconds);
    }
}

/// Give queued jobs, which the caller has locked, their wallet and nonces: `nonces[i]` to
/// `moves[i]`.
pub(crate) async fn record_reserved(
    told: Told<'_>,
    db: &mut PgConnection,
    wallet: Address,
    moves: &[Move],
    nonces: &[i64],
) -> Result<(), MoveError> {
    moves.iter().try_for_each(Move::check)?;
    let ids: Vec<Uuid> = moves.iter().map(|m| m.id).collect();
    db::nonces::record_reserved(db, told.chain, wallet, nonces, &ids).await?;
    transactions::record_reserved(db, wallet, &ids, nonces).await?;
    Ok(tell(told, db, &moves.iter().collect::<Vec<_>>()).await?)
}

async fn tell(told: Told<'_>, db: &mut PgConnection, moves: &[&Move]) -> Result<(), DbError> {
    if moves.is_empty() {
        return Ok(());
    }
    let moved: Vec<Moved> = moves.iter().map(|m| m.moved(told.chain)).collect();
    told.outcomes.record(db, &moved).await?;
    let facts: Vec<NewFact> = moves.iter().map(|m| m.fact(told.chain)).collect();
    journal::record(db, &facts).await?;
    for one in moves {
        let span = tracing::info_span!("transaction", status = %one.to);
        if let Some(trace) = one.request_id.as_deref().and_then(runtime::Trace::of_request) {
            trace.adopt(&span);
        }
        let _entered = span.enter();
        tracing::info!(transaction.id = %one.id, request.id = one.request_id.as_deref(),
            from = %one.from, to = %one.to, tx_hash = one.tx_hash.map(tracing::field::display),
            reason = one.reason.as_ref().map(tracing::field::display), "transaction moved");
    }
    Ok(())
}

/// Queue the declared undo of jobs that ended without effect. One job is undone once.
async fn undo(told: Told<'_>, db: &mut PgConnection, ids: &[Uuid]) -> Result<(), DbError> {
    for declared in stops::load_compensations(db, ids).await? {
        let Some(call) = Compensation::parse(declared.compensation) else {
            tracing::error!(transaction.id = %declared.id, "the declared undo can't be read");
            metrics::counter!("transactor_compensations_unreadable_total").increment(1);
            continue;
        };
        let job = NewTransaction {
            to: Some(call.to),
            value: call.value,
            input: call.input,
            gas_limit: call.gas_limit,
            compensates: Some(TransactionId(declared.id)),
            principal_id: declared.principal_id.map(PrincipalId),
            request_id: declared.request_id,
            ..NewTransaction::new(told.chain, call.role.unwrap_or(declared.role), call.kind)
        };
        let id = record_new(db, job).await?;
        metrics::counter!("transactor_compensations_total").increment(1);
        tracing::info!(transaction.id = %declared.id, undo = %id, "its undo is queued");
    }
    Ok(())
}

/// A stored status.
pub(crate) fn status(stored: &str) -> JobStatus {
    stored.parse().expect("invariant: the schema allows known states only")
}

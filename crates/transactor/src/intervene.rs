//! Stepping in on a job: cancel, speed up, replace, drive again. Each works in the caller's
//! transaction; after its commit call [`crate::Nudge::wake`] for the job's role.

use crate::{
    NewTransaction, Outcomes, Reason,
    life::next_of,
    moves::{Move, MoveError, Told, record_moves, status},
    queue::{Ordering, record_row},
};
use db::{
    DbError, PgConnection,
    transactions::stops::{self, Locked},
};
use time::OffsetDateTime;
use vocab::{ChainId, JobStatus, TransactionId, U256, Urgency};

/// Why nobody may step in on a job now. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("there is no such transaction")]
    Unknown,
    /// The state does not allow it.
    #[error("the transaction is {0}")]
    Status(JobStatus),
    /// Bytes of it may still be mined.
    #[error("a signature of it may still be mined")]
    Unsettled,
    #[error("its undo was queued")]
    Compensated,
    #[error("another transaction takes its place")]
    Replaced,
    /// The product has ended what stood on it.
    #[error("transactions of kind {0} are not driven again")]
    Kind(String),
}

#[derive(Debug, thiserror::Error)]
pub enum InterveneError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Db(#[from] DbError),
    /// A fault of ours.
    #[error(transparent)]
    Move(MoveError),
}

impl From<MoveError> for InterveneError {
    fn from(error: MoveError) -> Self {
        match error {
            MoveError::Db(error) => Self::Db(error),
            illegal @ MoveError::Illegal { .. } => Self::Move(illegal),
        }
    }
}

/// What a cancellation has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It is cancelled.
    Now,
    /// Its nonce will be voided. It ends as cancelled when the void is final; should it be mined
    /// first, it ends by that.
    Requested,
}

/// Stop a job. One that failed or expired is given up, which lets those behind it in its order go.
///
/// # Errors
/// [`Refused::Unknown`]; [`Refused::Status`] when it is mined or has ended otherwise.
pub async fn cancel(
    db: &mut PgConnection,
    outcomes: &dyn Outcomes,
    id: TransactionId,
) -> Result<Cancelled, InterveneError> {
    let job = lock(db, id).await?;
    let now = status(&job.status);
    match now {
        JobStatus::Queued | JobStatus::Failed | JobStatus::Expired => {
            let reason = Reason::new("cancelled", "it was cancelled");
            record(db, outcomes, id, &job, JobStatus::Cancelled, Some(reason)).await?;
            Ok(Cancelled::Now)
        }
        JobStatus::Reserved | JobStatus::Submitted | JobStatus::Unknown => {
            stops::record_cancel_requested(db, id.0).await?;
            Ok(Cancelled::Requested)
        }
        ended => Err(Refused::Status(ended).into()),
    }
}

/// Let a job offer more. Its lane prices it anew as soon as it is next to be mined. None leaves the
/// urgency or the fee cap (wei per gas) as it is.
///
/// # Errors
/// [`Refused::Unknown`]; [`Refused::Status`] when it is mined or has ended.
pub async fn speed_up(
    db: &mut PgConnection,
    id: TransactionId,
    urgency: Option<Urgency>,
    fee_cap_wei: Option<u128>,
) -> Result<(), InterveneError> {
    let job = lock(db, id).await?;
    match status(&job.status) {
        JobStatus::Queued | JobStatus::Reserved | JobStatus::Submitted | JobStatus::Unknown => {
            let (urgency, cap) = (urgency.map(Urgency::as_str), fee_cap_wei.map(U256::from));
            Ok(stops::record_bump_requested(db, id.0, urgency, cap).await?)
        }
        ended => Err(Refused::Status(ended).into()),
    }
}

/// Drive a job again that failed or expired: it goes back to the queue, at its old place in its
/// order. A deadline that has passed is dropped unless another is given.
///
/// # Errors
/// [`Refused`], all but [`Refused::Status`] of states other than these two.
pub async fn redrive(
    db: &mut PgConnection,
    outcomes: &dyn Outcomes,
    id: TransactionId,
    deadline: Option<OffsetDateTime>,
) -> Result<(), InterveneError> {
    let job = lock(db, id).await?;
    let now = status(&job.status);
    if !matches!(now, JobStatus::Failed | JobStatus::Expired) {
        return Err(Refused::Status(now).into());
    }
    if !outcomes.may_redrive(&job.kind) {
        return Err(Refused::Kind(job.kind).into());
    }
    for (holds, refused) in [
        (job.unsettled, Refused::Unsettled),
        (job.compensated, Refused::Compensated),
        (job.replaced, Refused::Replaced),
    ] {
        if holds {
            return Err(refused.into());
        }
    }
    let still = job.deadline_at.filter(|at| *at > OffsetDateTime::now_utc());
    record(db, outcomes, id, &job, JobStatus::Queued, None).await?;
    Ok(stops::record_redriven(db, id.0, deadline.or(still)).await?)
}

/// Cancel a job and queue another in its place. The new one goes out only when the old one has
/// ended without effect; if the old one takes effect after all, the new one ends as cancelled. It
/// takes the old one's order unless it names one.
///
/// # Errors
/// As [`cancel`]; [`Refused::Replaced`] when another takes its place already.
pub async fn replace(
    db: &mut PgConnection,
    outcomes: &dyn Outcomes,
    id: TransactionId,
    mut new: NewTransaction,
) -> Result<TransactionId, InterveneError> {
    let job = lock(db, id).await?;
    if job.replaced {
        return Err(Refused::Replaced.into());
    }
    if new.ordering.is_none() {
        let on_failure = match job.ordering_on_failure.as_str() {
            "free" => crate::OnFailure::Free,
            _ => crate::OnFailure::Block,
        };
        new.ordering = job.ordering_key.map(|key| Ordering { key, on_failure });
    }
    cancel(db, outcomes, id).await?;
    Ok(record_row(db, new.row(Some(id))).await?)
}

async fn lock(db: &mut PgConnection, id: TransactionId) -> Result<Locked, InterveneError> {
    Ok(stops::lock(db, id.0).await?.ok_or(Refused::Unknown)?)
}

async fn record(
    db: &mut PgConnection,
    outcomes: &dyn Outcomes,
    id: TransactionId,
    job: &Locked,
    to: JobStatus,
    reason: Option<Reason>,
) -> Result<(), InterveneError> {
    let from = status(&job.status);
    debug_assert!(next_of(from).contains(&to));
    let told = Told { chain: ChainId(job.chain_id.cast_unsigned()), outcomes };
    let one = Move {
        request_id: job.request_id.clone(),
        reason,
        tx_hash: job.tx_hash.map(Into::into),
        reverted: job.reverted,
        ..Move::new(id.0, &job.kind, from, to)
    };
    record_moves(told, db, &[one]).await?;
    Ok(())
}

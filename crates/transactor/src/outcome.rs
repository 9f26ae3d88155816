//! Telling the product what became of its jobs.

use crate::Reason;
use db::{DbError, PgConnection};
use std::{future::Future, pin::Pin};
use vocab::{B256, BlockRef, ChainId, JobStatus, TransactionId};

/// A change of state of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub id: TransactionId,
    pub kind: String,
    pub chain_id: ChainId,
    pub from: JobStatus,
    pub to: JobStatus,
    pub reason: Option<Reason>,
    pub tx_hash: Option<B256>,
    /// Where it is mined; none when it is not (or no longer).
    pub block: Option<BlockRef>,
    /// Mined without effect: it reverted, or its nonce was voided. Such a job is `tentative` and
    /// `auditable` like others and ends as `failed` when its block is final.
    pub reverted: bool,
}

/// What [`Outcomes::record`] gives.
pub type OutcomeFuture<'a> = Pin<Box<dyn Future<Output = Result<(), DbError>> + Send + 'a>>;

/// The product's part in a change of state.
pub trait Outcomes: Send + Sync {
    /// Record what `moved` means, inside the transactor's transaction `db`. An error rolls the
    /// whole change back, and it is tried again. Several changes of one job come in their order.
    /// Must not take long: it holds the rows of its wallet's lane.
    fn record<'a>(&'a self, db: &'a mut PgConnection, moved: &'a [Moved]) -> OutcomeFuture<'a>;

    /// May a job of this kind be driven again after it failed or expired? Not when the product has
    /// ended for good what stood on it.
    fn may_redrive(&self, kind: &str) -> bool {
        let _ = kind;
        true
    }
}

/// For jobs that nobody asks after.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ignored;

impl Outcomes for Ignored {
    fn record<'a>(&'a self, _: &'a mut PgConnection, _: &'a [Moved]) -> OutcomeFuture<'a> {
        Box::pin(std::future::ready(Ok(())))
    }
}

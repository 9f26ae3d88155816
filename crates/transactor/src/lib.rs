//! Transactions out: takes queued jobs to the chain, each exactly once.
//!
//! ```text
//! enqueue → queued → [claim, simulate, price] → reserved → [sign, keep bytes] → [send]
//!                                                              ↓            ↓
//!                                                          submitted ⇄ unknown
//!                                                              ↓ ↑ reorg: same bytes again
//!                                                          tentative → auditable → final | failed
//! ```
//! One lane per wallet, under a fenced lease, alone gives out that wallet's nonces. Between any two
//! steps the process may die: what was reserved is signed (the signer is deterministic), what was
//! signed is sent again as it is. Invariants:
//!
//! - a nonce is given out once, in the commit that also reserves its job;
//! - bytes are in the database before any endpoint sees them;
//! - a job whose bytes were handed over keeps its nonce until some hash of that nonce is final;
//! - only a receipt in a block of our header chain says that a job is mined; no receipt says
//!   nothing.

mod approval;
mod approve;
mod breaker;
mod compensation;
mod config;
mod confirm;
mod context;
mod fees;
mod funds;
mod gate;
mod hand_out;
mod intervene;
mod lane;
mod ledger;
mod life;
mod lost;
mod mempool;
mod moves;
mod order;
mod outcome;
mod pause;
mod planted;
mod pool;
mod pulse;
mod queue;
mod quote;
mod reason;
mod run;
mod rush;
mod send;
mod share;
mod sign;
mod stop;
mod take;
mod tend;
mod top_up;
mod witness;
mod wording;

pub use approval::Wanted;
pub use approve::{ApproveError, Approved, Unfit, approve};
pub use compensation::Compensation;
pub use config::{Config, Options, Role, TopUp};
pub use fees::L1Charge;
pub use intervene::{Cancelled, InterveneError, Refused, cancel, redrive, replace, speed_up};
pub use life::{Illegal, fold, may_become, next_of};
pub use moves::MoveError;
pub use outcome::{Ignored, Moved, OutcomeFuture, Outcomes};
#[cfg(feature = "planted-faults")]
pub use planted::Fault;
pub use queue::{
    AdmitError, Idempotency, Intake, NewTransaction, Nudge, OnFailure, Ordering, QUEUED_FACT,
    QueueFull, enqueue, prepare,
};
pub use quote::{Quote, QuoteError, quote, quote_with};
pub use reason::{ErrorNames, Reason};
pub use run::{StartError, run};
pub use wording::{Cause, Sent, classify};

use runtime::Failpoints;

/// Places where a test can have the process die, in the order in which a job passes them.
pub const FAILPOINTS: Failpoints = Failpoints::new(&[
    "after_claim",
    "after_simulate",
    "before_reserve",
    "after_reserve",
    "after_sign",
    "before_bytes",
    "after_bytes",
    "after_send",
    "before_sent",
    "after_sent",
    "after_receipts",
    "before_mined",
    "after_mined",
    "before_level",
    "after_level",
]);

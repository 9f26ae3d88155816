//! Projections made anew of stored logs, while the index goes on.
//!
//! ```text
//! raw logs ─► settled blocks, in pieces ─► indexes ─► blocks of the window, with undo ─► exchange
//!             each in a commit with the              reorgs are followed              or compare
//!             row that says how far it came
//! ```
//! All is written into a second set of tables ([`db::shadow`]). Cut off anywhere, the next call for
//! the same tables goes on; the live tables change in one commit, at the end, and not at all when
//! they are only compared. `docs/internals/followed.md` says why it is so.

mod build;
mod exchange;
mod follow;
mod meter;
mod settle;
mod spot;
mod subject;
mod verify;

pub use build::discard;
pub use exchange::{FactsOf, Rebuilt, rebuild};
pub use meter::{Phase, Progress};
pub use settle::Pace;
pub use spot::{Mismatch, SpotChecked, spot_check};
pub use subject::Subject;
pub use verify::{ChainVerdict, TableVerdict, Verdict, verify};

use db::DbError;
use runtime::Failpoints;
use time::OffsetDateTime;

/// Places where a test can have a rebuild die, in the order in which it passes them.
pub const FAILPOINTS: Failpoints = Failpoints::new(&[
    "rebuild_begun",
    "rebuild_piece_written",
    "rebuild_piece_committed",
    "rebuild_settled",
    "rebuild_index_built",
    "rebuild_followed",
    "rebuild_locked",
    "rebuild_exchanged",
    "rebuild_committed",
]);

/// Who is told how it gets on.
pub type Tell<'t> = &'t mut (dyn FnMut(Progress) + Send);

/// Why nothing was exchanged or compared. The live tables are as they were.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    #[error("nothing is indexed in this database")]
    NothingIndexed,
    /// The first chain has not come near its head: what it loads has no indexes yet.
    #[error("the first load of this database is not over: wait until its chain is near the head")]
    Loading,
    /// Their logs come below what would have been read.
    #[error("contracts that were added are still being read: wait until they have joined")]
    Reading,
    /// Their rows go while others are made.
    #[error("a removed contract is being deleted: end that (`stoa index remove --purge`)")]
    Purging,
    #[error("another process is rebuilding or verifying")]
    UnderWay,
    /// Of other tables; it can be gone on with, or dropped.
    #[error("a rebuild of `{name}`, begun at {started_at}, was not ended: end it, or discard it")]
    Unfinished { name: String, started_at: OffsetDateTime },
    /// What was made so far does not hold any more.
    #[error("{0} since it was begun: discard it, and begin again")]
    Changed(&'static str),
    /// Readers or commits never left a gap; what was made is kept.
    #[error("the tables were in use all the time, so they were not exchanged: run it again")]
    Blocked,
    #[error("the database failed")]
    Db(#[from] DbError),
}

//! Following one chain into Postgres.
//!
//! ```text
//! head → headers → logs → ONE commit {blocks, raw logs, projections, undo, facts, checkpoint}
//!          ↓ parent differs
//!        ancestor → ONE commit {unwound projections, orphaned logs, reverting facts, checkpoint}
//! ```
//! Every commit names the checkpoint (height, hash, epoch) that it builds on, so that a writer
//! that was taken over from, or that does not know how its last commit ended, cannot do harm: it
//! drops what it knows and stands for election again ([`run`]).
//!
//! Blocks below the window are read in ranges, several at a time (`backfill`). Contracts that come
//! later are read beside the head and joined to it (`beside`); those that are removed keep what
//! they have (`removals`).
//!
//! Where logs do not tell what is so, contracts are asked as of the block that is committed
//! (`ask`).
//!
//! What the logs mean is not known here: that is the [`Projector`]'s.

mod additions;
mod anew;
mod ask;
mod backfill;
mod beside;
mod choice;
mod commit;
mod election;
mod error;
mod fetch;
mod finality;
mod follow;
mod nudge;
mod options;
mod planted;
mod projector;
mod purge;
mod receipts;
mod removals;
mod reorg;
mod rewind;
mod sources;
mod standings;

pub use additions::record_added;
pub use anew::begin_anew;
pub use election::{run, run_to_head};
pub use error::IndexError;
pub use options::IndexerOptions;
pub use planted::Fault;
pub use projector::{
    Answer, Asking, Batch, Block, Makes, Orphaned, Projector, Question, Reads, Recorded,
};
pub use purge::{PurgeError, purge};
pub use removals::{RemoveError, Removed, record_followed_again, remove};
pub use rewind::{RewindError, Rewound, rewind};
pub use sources::Sources;

use runtime::Failpoints;

/// Places where a test can have the process die, in the order in which a range passes them; then
/// blocks of the window and what contracts are asked beside, then the way back from a branch that
/// was given up; then those of a contract that is read beside, and those of commands that remove
/// one, and delete what is left of it.
pub const FAILPOINTS: Failpoints = Failpoints::new(&[
    "range_read",
    "range_begun",
    "range_copied",
    "range_projected",
    "before_range_commit",
    "after_range_commit",
    "before_index_build",
    "after_index_build",
    "blocks_begun",
    "blocks_projected",
    "before_blocks_commit",
    "after_blocks_commit",
    "answers_begun",
    "before_answers_commit",
    "after_answers_commit",
    "unwind_begun",
    "before_unwind_commit",
    "after_unwind_commit",
    "beside_read",
    "beside_begun",
    "before_beside_commit",
    "after_beside_commit",
    "join_begun",
    "join_projected",
    "before_join_commit",
    "after_join_commit",
    "before_removal_commit",
    "after_removal_commit",
    "purge_begun",
    "before_purge_piece",
    "after_purge_piece",
    "before_purge_end",
]);

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
//! later are read beside the head and joined to it (`beside`).
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
mod failpoint;
mod fetch;
mod finality;
mod follow;
mod nudge;
mod options;
mod planted;
mod projector;
mod receipts;
mod reorg;
mod rewind;
mod sources;
mod standings;

pub use additions::record_added;
pub use anew::begin_anew;
pub use election::{run, run_to_head};
pub use error::IndexError;
pub use failpoint::POINTS as FAILPOINTS;
pub use options::IndexerOptions;
pub use planted::Fault;
pub use projector::{
    Answer, Asking, Batch, Block, Makes, Orphaned, Projector, Question, Reads, Recorded,
};
pub use rewind::{RewindError, Rewound, rewind};
pub use sources::Sources;

//! Facts: what happened, in order, for ever.
//!
//! A use case records facts in the transaction of what they tell ([`record`]). One sequencer per
//! database, fenced by a lease, numbers committed facts ([`run_sequencer`]). Readers
//! ([`load_after`], [`Tail`]) see numbered facts only: per topic in order, without gaps, each
//! exactly once.

mod leader;
mod sequencer;
mod tail;

pub use db::{
    facts::{Fact, TopicHead, load_after, load_between, load_heads, load_log_name, load_with_ends},
    outbox::{NewFact, record},
};
pub use leader::Leader;
pub use sequencer::{SequencerOptions, ring, run_sequencer};
pub use tail::Tail;

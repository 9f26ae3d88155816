//! Faults of our own in the indexer, and whether storms and kills tell of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]

mod chains;
mod planted;
mod storms;

//! The index of a real node in a real database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]

mod backfill;
mod claims;
mod endpoints;
mod faults;
mod finalized;
mod follow;
mod followed;
mod killed;
mod lies;
mod proxy;
mod purged;
mod readings;
mod rebuild;
mod rebuild_killed;
mod removed;
mod reorg;
mod rewind;
mod rig;
mod solidity;
mod sources;
mod speaker;
mod spot;
mod token;

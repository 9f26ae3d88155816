//! The application's jobs on a real database.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod batching;
mod minting;
mod outcomes;

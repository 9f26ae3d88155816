//! Stories through the public API of the real binary, on real Postgres and a real chain.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod faults;
mod kills;
mod proofs;
mod server;
mod walk;

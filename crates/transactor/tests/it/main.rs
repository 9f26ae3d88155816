//! The transactor on real parts: Postgres, anvil, the signer.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod follower;
mod happy;
mod rig;

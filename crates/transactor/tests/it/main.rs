//! The transactor on real parts: Postgres, anvil, the signer.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod approvals;
mod clock;
mod endpoints;
mod faults;
mod fees;
mod fence;
mod follower;
mod funds;
mod happy;
mod history;
mod kill;
mod ordering;
mod planted;
mod proxy;
mod quotes;
mod refusals;
mod reorg;
mod rig;
mod steps;
mod stopped_wallets;
mod stops;
mod strangers;
mod workers;

//! Stories through the public API of the real binary, on real Postgres and a real chain.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod approvals;
mod audit_logs;
mod bad_item;
mod chains;
mod chains_served;
mod configuration;
mod configured_wallets;
mod endpoints;
mod faults;
mod index;
mod index_rebuild;
mod isolation;
mod kills;
mod operate;
mod operators;
mod private_home;
mod proofs;
mod runbooks;
mod server;
mod signer_keys;
mod signer_tools;
mod sources;
mod sponsored;
mod sponsored_kills;
mod walk;

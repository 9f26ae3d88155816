//! The API over real HTTP on a real Postgres.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod abis;
mod batches;
mod collections;
mod content;
mod edge;
mod etags;
mod facts;
mod group;
mod harness;
mod hostile;
mod idempotency;
mod indexes;
mod items;
mod keys;
mod mints;
mod openapi;
mod quotes;
mod sponsored;
mod sponsored_attacks;
mod sponsors;
mod stream;
mod transaction_changes;
mod transactions;
mod uploads;
mod wallets;

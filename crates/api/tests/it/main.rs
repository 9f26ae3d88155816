//! The API over real HTTP on a real Postgres.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod collections;
mod content;
mod edge;
mod etags;
mod facts;
mod group;
mod harness;
mod hostile;
mod idempotency;
mod items;
mod keys;
mod mints;
mod openapi;
mod stream;
mod uploads;

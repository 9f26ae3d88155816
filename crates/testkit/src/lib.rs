//! Real parts for tests, each fresh and isolated: a migrated database per test, an EVM node per
//! test, and what it takes to wait for a condition instead of sleeping.
//!
//! Under nextest one Postgres cluster serves all tests of a run (`cargo xtask services` starts it);
//! otherwise each test process starts its own. A helper here may panic: a test that cannot have
//! its parts must fail, never be skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]

mod database;
mod fault;
pub mod identity_provider;
pub mod mail_sink;
mod node;
pub mod op_stack;
pub mod picture;
mod tcp;
mod wait;

pub use database::{TestDatabase, database};
pub use fault::{Fault, FaultProxy, Rule, WsFault};
pub use node::{ACCOUNTS, NodeOptions, TestNode, anvil, anvil_of, tools};
pub use tcp::TcpProxy;
pub use wait::{eventually, eventually_within};

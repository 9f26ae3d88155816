//! Real services for a laptop and for tests: a private Postgres cluster, a private Redis-free
//! setup, and a local EVM node. Each is a child process that ends when its parent does, even when
//! the parent is killed with SIGKILL.
//!
//! All calls block; use them from a blocking thread in async code.

mod anvil;
mod error;
mod postgres;
mod process;

pub use anvil::{Anvil, AnvilOptions};
pub use error::StackError;
pub use postgres::{Postgres, PostgresOptions, postgres_reaches};
pub use process::{Child, free_port, spawn_tied};

//! Real services for a laptop and for tests: a private Postgres cluster, a Redis, and a local EVM
//! node. Each is a child process that ends when its parent does, even when
//! the parent is killed with SIGKILL.
//!
//! All calls block; use them from a blocking thread in async code.

mod anvil;
mod error;
mod postgres;
mod process;
mod redis;

pub use anvil::{Anvil, AnvilOptions};
pub use error::StackError;
pub use nix::sys::signal::Signal;
pub use postgres::{Postgres, PostgresOptions, postgres_reaches};
pub use process::{Child, free_port, spawn_tied};
pub use redis::Redis;

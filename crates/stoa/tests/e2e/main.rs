//! Stories through the public API of the real binary, on real Postgres and a real chain.

mod faults;
mod kills;
mod server;
mod walk;

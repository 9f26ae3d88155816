//! The engine's audit log on a real database and real files.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod ends;
mod kill;
mod rig;
mod tampering;
mod workers;

//! Facts told to real receivers over real HTTP, from a real database.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod delivering;
mod fairness;
mod guard;
mod killed;
mod ordering;
mod receiver;
mod rig;
mod room;
mod tls;

//! The stream over real sockets and a real database.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod events;
mod fanout;
mod faults;
mod live;
mod rig;

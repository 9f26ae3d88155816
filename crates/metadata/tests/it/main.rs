//! Documents of strangers, from real hosts, a real node and a real database.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fetching;
mod gateways;
mod host;
mod resolving;
mod rig;

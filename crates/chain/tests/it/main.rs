//! Endpoints that fail, lag and lie, over real nodes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod decisions;
mod reads;
mod rig;
mod sends;
mod watching;

//! JSON arguments against the typed bindings of our own contracts, and hostile ABIs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod encoding;
mod hostile;

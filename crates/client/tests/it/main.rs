//! The client against the API's document. Against a server: `crates/stoa/tests/e2e/clients.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fresh;

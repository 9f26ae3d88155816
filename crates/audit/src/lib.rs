//! A log of JSON lines, one hash chain over all its files, which are rotated daily (UTC).
//!
//! Each line names the SHA-256 of the line before it, so that a line which is edited, removed,
//! moved or slipped in breaks the chain at a place that [`verify`] names. What a chain alone can't
//! show is that its *end* was cut off: keep a [`Head`] elsewhere and compare.
//!
//! [`Log`] writes and recovers; it decides neither what is logged nor when a line is durable.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panic"))]

mod line;
mod log;
mod verify;

pub use line::{Head, LINE_BYTES_MAX, Line, LineError};
pub use log::{Log, LogError};
pub use verify::{Broken, Summary, VerifyError, verify, verify_each};

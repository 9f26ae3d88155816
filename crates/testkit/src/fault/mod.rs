//! A node that misbehaves: a JSON-RPC proxy in front of a real one, with faults set by the test.

mod answer;
mod http;
mod proxy;
mod rule;

pub use proxy::{FaultProxy, WsFault};
pub use rule::{Fault, Rule};

//! Long proofs of one sentence: whatever dies, lies or is taken back, each accepted job takes
//! effect exactly once, and none gets stuck.
//!
//! A proof runs the real binary on a node that lives on, asks for mints and transfers through the
//! public API as clients do (each key again until it is accepted), does harm meanwhile, and then
//! asks the chain: a recipient that no other job pays holds exactly one item, or exactly one wei.
//!
//! - [`kills`]: SIGKILL at random times and at failpoints;
//! - [`reorgs`]: the chain takes blocks back, again and again;
//! - [`faults`]: the node errs, lies and hangs;
//! - [`storms`]: another sentence, of the index alone: whatever the chain takes back, it equals a
//!   fresh one.
//!
//! All that is random follows from a seed, which the report names; the times at which things
//! happen are the machine's, so a seed repeats the plan and not the instant.

mod clients;
mod clock;
pub mod faults;
pub mod kills;
mod oracle;
mod quantile;
pub mod reorgs;
mod report;
mod server;
pub mod storms;
mod world;

pub use report::{Found, Report};
pub use world::NodeBroke;

fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// One line of progress. A closed pipe is no reason to fail.
fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{line}");
}

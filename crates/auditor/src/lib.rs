//! The engine's audit log: which transactions took effect on chain, for whom, signed how.
//!
//! One JSON line for each transaction that became final, ended without effect after it was mined,
//! or whose finality a reorg took back, and for each decision that somebody took; one hash chain
//! ([`audit`]) over daily files.
//!
//! Lines follow the numbered facts. A line tells nothing that is not in facts or in signed bytes,
//! neither of which ever changes, so the same facts always give the same lines, byte for byte.
//! Hence each is in the chain exactly once: a line names its fact, and the last line on disk says
//! where to go on. What is on disk is then witnessed in Postgres. Files that lack what was
//! witnessed get it again, which must lead to the witnessed hash; files that say something else are
//! never written to.

mod entry;
mod files;
mod run;
mod step;

pub use run::{Options, run};
pub use step::NAME;

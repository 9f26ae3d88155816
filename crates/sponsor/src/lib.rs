//! Rules of sponsored transactions: what a user's consent must look like, which calls a sponsor
//! pays for, and what its budget allows.
//!
//! | file | decides |
//! |---|---|
//! | `consent` | which ways of consenting are served |
//! | `request` | ERC-2771: what exactly is signed, and how much gas carrying it takes |
//! | `signature` | who signed it, strictly |
//! | `rules` | does the sponsor pay for such a call, now? |
//! | `budget` | is there enough left? |
//!
//! Pure: no I/O, no clock. What this crate must not know: tables, nodes, HTTP.

mod budget;
mod consent;
mod request;
mod rules;
mod signature;

pub use budget::{Limits, Over, Used};
pub use consent::Consent;
pub use request::{Domain, ForwardRequest, Selector, carrying_gas};
pub use rules::{
    DEADLINE_AHEAD_MAX, DEADLINE_AHEAD_MIN, DEADLINE_MARGIN, Refused, Rule, Terms, check,
    is_multicall,
};
pub use signature::{SignatureFault, recover};

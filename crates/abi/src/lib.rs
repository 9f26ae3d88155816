//! Contract ABIs met at run time: which functions there are, JSON arguments → calldata, and
//! calldata, answers, reverts and logs → JSON.
//!
//! ```text
//! ABI (JSON) ─► Contract ─► function by name or signature ─► encode(JSON arguments) ─► calldata
//!                  └──────► decode_call, decode_answer, decode_error, decode_log ─► JSON
//! ```
//! Pure. ABIs, arguments and what contracts answer come from outside: everything is bounded, and
//! each fault names its place by a JSON pointer.
//!
//! What this crate must not know: which contract stands where, who may call it.

mod arguments;
mod contract;
mod declared;
mod event;
mod kind;
mod show;

pub use arguments::{NUMBER_MAX, parse_address, parse_uint};
pub use contract::{
    ABI_ITEMS_MAX, Called, Contract, Failed, Function, NoFunction, PARAMETERS_MAX, builtin_error,
    selector_of,
};
pub use declared::declared_events;
pub use event::Logged;

use std::fmt;

/// One thing wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer (RFC 6901) from the value that was given.
    pub pointer: String,
    /// For people.
    pub detail: String,
}

impl Fault {
    #[must_use]
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.detail)
    }
}

//! Requests to places that strangers name, so that nobody can send us where only we can go.
//!
//! ```text
//! URL ─► check (scheme, user, port, literal address) ─► resolve ─► keep what is public ─► connect
//! ```
//! A name is resolved once, and the connection is made to what was looked at: it can't change its
//! mind in between. Nothing follows redirects or proxies of the environment; who wants to follow a
//! redirect checks its target like the first address. What an operator allowed is exempt, and
//! nothing else is.

mod address;
mod allowed;
mod gate;

pub use address::is_public;
pub use allowed::{Allowed, NotAllowable};
pub use gate::{Gate, GateOptions, Ports, Refused, Trouble, host_of};

//! Token metadata: from what a contract names to a document that is stored.
//!
//! ```text
//! items, transfers ─► queue (Postgres) ─► ask the chain ─► data:, our own content ─► stored
//! notices, reorgs  ─►      ▲                    │
//!                          └── by host ◄────────┴─► fetch: ipfs, ar, https ────────► stored
//! ```
//! Contracts and the hosts that they name are strangers: what they say is bounded in size, depth,
//! number and time ([`document`], [`place`]), and they can't send us to addresses that the internet
//! can't reach ([`fetch`]). A host that is dead or slow delays its own tokens only.
//!
//! What is stored is a copy, keyed by token: it is shown beside what the index has, and never
//! without it.

mod ask;
mod discover;
pub mod document;
pub mod fetch;
mod hosts;
mod options;
pub mod place;
mod reader;
mod reason;
mod run;

pub use options::{Options, OptionsError};
pub use reader::{Found, Reader};
pub use reason::Reason;
pub use run::{Config, run};

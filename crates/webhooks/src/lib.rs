//! Facts handed to endpoints of others: [Standard Webhooks](https://www.standardwebhooks.com) 1.0.
//!
//! ```text
//! facts ─► select: who wants it, and may? ─► deliveries ─► places: whose turn? ─► send ─► outcome
//!   ▲            one cursor for all              ▲                                          │
//!   └── catch up: a position for who is behind ──┘ ◄──── schedule, next of its key ◄────────┘
//! ```
//! One process does it, by lease. A delivery is a row from the moment its fact was looked at until
//! it is sent, so a death anywhere costs a repetition at most, and that has the same `webhook-id`.
//! What an endpoint does not want leaves no row; of what it wants only so much waits in rows, and
//! beyond that its place in the log, from where it goes on by itself when there is room again.
//!
//! What this crate must not know: HTTP routes, who made an endpoint, where its key comes from.

mod book;
mod event;
mod options;
mod places;
mod run;
mod schedule;
mod secret;
mod send;
mod wanted;

pub use event::{body, delivery_id, ordering_key, test_body};
pub use options::{Options, OptionsError};
pub use run::{Config, FAILPOINTS, run};
pub use schedule::SCHEDULE;
pub use secret::{RootKey, Scheme, Signers};
pub use send::{Answer, Outcome, Sender, SenderError};
pub use wanted::{Pattern, actor_of};

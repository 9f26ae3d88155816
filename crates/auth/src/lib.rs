//! Who is calling, and what they may do.
//!
//! ```text
//! "Bearer sk_dev_…" ─► key text: shape and checksum ─► api_keys row (cached ≤ 10 s) ─► MAC equal?
//!                                                                                         │
//!                        policy: may (actor, action)? default no ◄───────── Actor ◄───────┘
//! ```
//! Nothing here knows HTTP. The policy table is the only place that says who may do what.

mod authenticator;
mod key;
mod policy;

pub use authenticator::{AuthError, Authenticator, NewKey, issue_key, revoke_key};
pub use key::{KeyText, MalformedKey, Pepper};
pub use policy::{Action, Actor, Denied, KeyHolder, PrincipalKind, Rule, Scope, authorize};

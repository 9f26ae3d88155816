//! Signing in with an OpenID Connect provider: the authorization code flow with PKCE, and whose ID
//! token it is.
//!
//! ```text
//! discovery document, keys (kept a while) ─► where to send a browser
//! code from the browser ─► token endpoint ─► ID token: signature, iss, aud, azp, exp, iat, nonce
//!                                             └─► issuer, subject, values of one claim
//! ```
//! The protocol is `openidconnect`'s; here is what it leaves to its users: a client that is bounded
//! and timed, keys that are kept and looked for anew when one is not known, the clock, and `azp`.
//!
//! What this crate must not know: sessions, roles, HTTP that we serve, where configuration is from.

mod asked;
mod claims;
mod provider;

pub use claims::Identity;
pub use provider::{Attempt, Options, OptionsError, Provider, ProviderError};

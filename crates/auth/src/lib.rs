//! Who is calling, and what they may do.
//!
//! ```text
//! "Bearer sk_dev_…" ─► key text: shape and checksum ─► api_keys row (cached ≤ 10 s) ─► MAC equal?
//! "Bearer eyJ…" ─► access token: signature, times ─► user_sessions row (cached ≤ 10 s) ─► open? │
//!                                                                                       │       │
//!                        policy: may (actor, action)? default no ◄───────── Actor ◄─────┴───────┘
//! ```
//! Nothing here knows HTTP, and nothing asks a chain. The policy table is the only place that says
//! who may do what.

mod access_tokens;
mod authenticator;
mod ed25519;
mod issue;
mod key;
mod key_check;
mod key_uses;
mod networks;
mod origin;
mod policy;
mod provider_state;
mod refresh_token;
mod request_signature;
mod session_check;
mod sign_in_message;
mod topics;

pub use access_tokens::{Claims, Subject, TOKEN_LEEWAY, TokenFault, TokenKey, TokenPolicy, Tokens};
pub use authenticator::{AuthError, Authenticator};
pub use ed25519::is_public_key;
pub use issue::{IssuedKey, NewKey, OVERLAP_MAX, issue_key, issue_key_as, revoke_key, rotate_key};
pub use key::{KeyText, MalformedKey, Pepper, fresh_nonce};
pub use networks::{NetworkFault, Networks};
pub use origin::{Origin, OriginFault};
pub use policy::{
    Action, Actor, Denied, KeyHolder, Maker, PrincipalKind, Role, Rule, Scope, Tie, User,
    authorize, authorize_at_all, authorize_on,
};
pub use provider_state::{Binder, ProviderState, STATE_TIME, SealedState, StateInvalid};
pub use refresh_token::{MalformedRefreshToken, RefreshToken};
pub use request_signature::{RequestParts, SIGNATURE_WINDOW, ShownSignature, SignatureFault};
pub use sign_in_message::{
    Challenge, MESSAGE_LEEWAY, MESSAGE_LEN_MAX, MalformedMessage, MessageFault, SignInMessage,
    is_statement,
};
pub use topics::{TOPICS, TopicRule};

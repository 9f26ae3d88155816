//! API keys by request: made, looked at, changed, given another secret, revoked.
//!
//! Nobody gives what they have not: what a key makes or changes can do no more than the key itself,
//! in scopes, places, time and the need to sign. A key with `admin` gives any scope, but a
//! machine's none that an operator holds. What the caller may give is read in the transaction of
//! the change, so that a key which was revoked a moment ago makes no other.
//!
//! A secret is told once, in the first answer. The answer that is kept for repeats goes without it.

mod change;
mod create;
mod power;
mod read;
mod refusal;
mod terms;

pub use create::KeySpec;
pub use read::KeyPlace;
pub use refusal::ApiKeyRefusal;
pub use terms::TermsSpec;

use crate::{
    App,
    tell_change::{By, Decision},
};
use auth::{Action, Authenticator, IssuedKey, Pepper};
use db::api_keys::{ApiKeyRow, KeyTerms};
use journal::NewFact;
use serde_json::{Value, json};
use std::sync::Arc;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

/// For how long a replaced secret goes on when nothing is said.
pub const OVERLAP: Duration = Duration::days(1);

/// The use cases of API keys. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ApiKeys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    app: App,
    pepper: Pepper,
    /// Forgets at once which keys changed here.
    authenticator: Authenticator,
}

/// A finished answer, and the secrets that only the first one of its kind tells.
#[derive(Debug)]
pub struct KeyAnswer {
    pub answer: crate::Answer,
    pub issued: Option<IssuedKey>,
}

impl ApiKeys {
    /// `pepper` is the authenticator's.
    #[must_use]
    pub fn new(app: App, pepper: Pepper, authenticator: Authenticator) -> Self {
        Self(Arc::new(Inner { app, pepper, authenticator }))
    }

    fn app(&self) -> &App {
        &self.0.app
    }

    fn now(&self) -> OffsetDateTime {
        self.app().config().clock.now()
    }
}

/// A decision about a key, for the record. No secret stands in it.
fn decided(
    by: By<'_>,
    act: &'static str,
    key: &ApiKeyRow,
    (before, after): (Value, Value),
) -> NewFact {
    let about = ("api_key", key.id.clone());
    let deed = Action::ChangeApiKey.into();
    Decision { by, deed, about, act, chain_id: None, before, after }.fact()
}

/// All that is decided about a key.
#[must_use]
pub fn key_terms(key: &ApiKeyRow) -> Value {
    terms_of(&key.terms(), key)
}

fn terms_of(terms: &KeyTerms, key: &ApiKeyRow) -> Value {
    let digits = |bytes: &Vec<u8>| vocab::Bytes::copy_from_slice(bytes).to_string();
    json!({
        "principal_id": key.principal_id,
        "name": terms.name,
        "scopes": terms.scopes.join(" "),
        "allowed_ips": terms.allowed_ips,
        "signature_required": terms.signature_required,
        "public_key": terms.public_key.as_ref().map(digits),
        "expires_at": terms.expires_at.and_then(|at| at.format(&Rfc3339).ok()),
    })
}

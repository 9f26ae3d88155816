//! `[oidc]`: the identity provider that staff sign in with.

use super::{
    Secret, Settings,
    option::{
        Kind::{Millis, Secret as Hidden, Text, Texts},
        Opt, option,
    },
};
use ::oidc::{Options, OptionsError, Provider};
use app::StaffOptions;
use auth::Role;
use std::time::Duration;
use zeroize::Zeroizing;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;
/// Where the provider sends browsers back to, below the address of the API.
const CALLBACK: &str = "/api/v1/auth/oidc/callback";
const ROLES_MAX: usize = 1_000;

/// What can be decided of signing in with a provider. Without an issuer there is none.
#[derive(Clone, Debug)]
pub(crate) struct OidcSettings {
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Secret,
    pub redirect_url: String,
    pub scopes: Vec<String>,
    pub claim: String,
    /// `VALUE=ROLE`
    pub roles: Vec<String>,
    pub session_time: Duration,
    pub answer_time: Duration,
    pub kept: Duration,
    pub leeway: Duration,
}

impl Default for OidcSettings {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            client_id: String::new(),
            client_secret: Secret::default(),
            redirect_url: String::new(),
            scopes: vec!["profile".to_owned()],
            claim: "groups".to_owned(),
            roles: Vec::new(),
            session_time: Duration::from_millis(DAY / 2),
            answer_time: Duration::from_secs(5),
            kept: Duration::from_millis(10 * MINUTE),
            leeway: Duration::from_secs(30),
        }
    }
}

pub(super) fn options() -> Vec<Opt<Settings>> {
    vec![
        option!("issuer", Text,
            "the provider, letter by letter as it calls itself, as `https://login.example.org`; \
             empty: staff sign in with wallets only",
            s => s.oidc.issuer),
        option!("client_id", Text, "as what this engine is registered there",
            s => s.oidc.client_id),
        option!("client_secret", Hidden, "its secret there; without: a public client",
            s => s.oidc.client_secret),
        option!("redirect_url", Text,
            "where the provider sends browsers back to, as it is registered there: the address of \
             the API and `/api/v1/auth/oidc/callback`; empty: by the server's own address",
            s => s.oidc.redirect_url),
        option!("scopes", Texts, "asked for beside `openid`", s => s.oidc.scopes),
        option!("claim", Text,
            "the claim of the ID token whose values give roles; what starts with `/` is a JSON \
             pointer, as `/realm_access/roles`",
            s => s.oidc.claim),
        option!("roles", Texts,
            "which value gives which role, as `stoa-admins=admin`: `organizer`, `verifier`, \
             `operator` or `admin`. Whoever has none of them is not signed in",
            s => s.oidc.roles),
        option!("session_ms", Millis(10 * MINUTE, 7 * DAY),
            "life of a session of staff, and of the roles that the provider gave it",
            s => s.oidc.session_time),
        option!("answer_ms", Millis(100, 15_000), "time for one answer of the provider",
            s => s.oidc.answer_time),
        option!("kept_ms", Millis(1_000, DAY),
            "how long its document and keys are believed; an unknown key is looked for at once",
            s => s.oidc.kept),
        option!("leeway_ms", Millis(0, 5 * MINUTE), "by how much its clock may differ",
            s => s.oidc.leeway),
    ]
}

/// The option, whether it is broken, and what it must be.
pub(super) fn rules(settings: &Settings) -> [(&'static str, bool, &'static str); 6] {
    let oidc = &settings.oidc;
    let wanted = !oidc.issuer.is_empty();
    let found = oidc.provider_options("http://127.0.0.1").check();
    let word = |text: &String| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    [
        (
            "oidc.issuer",
            wanted && found == Err(OptionsError::Issuer),
            "must be an https:// address without query (http:// is for this machine only)",
        ),
        (
            "oidc.redirect_url",
            wanted && found == Err(OptionsError::RedirectUrl)
                || !oidc.redirect_url.is_empty() && !oidc.redirect_url.ends_with(CALLBACK),
            "must be an https:// address that ends in /api/v1/auth/oidc/callback (http:// is for \
             this machine only)",
        ),
        ("oidc.client_id", wanted && oidc.client_id.is_empty(), "is needed with an issuer"),
        ("oidc.scopes", !oidc.scopes.iter().all(word), "must be words without spaces"),
        ("oidc.claim", oidc.claim.is_empty(), "must not be empty"),
        (
            "oidc.roles",
            oidc.roles.len() > ROLES_MAX
                || oidc.roles.iter().any(|text| role(text).is_none())
                || wanted && oidc.roles.is_empty(),
            "must be VALUE=ROLE each, with the role organizer, verifier, operator or admin; with \
             an issuer at least one",
        ),
    ]
}

fn role(text: &str) -> Option<(String, Role)> {
    let (value, role) = text.rsplit_once('=')?;
    let value = value.trim();
    let role = role.trim().parse().ok()?;
    (!value.is_empty()).then(|| (value.to_owned(), role))
}

impl OidcSettings {
    fn provider_options(&self, own: &str) -> Options {
        let redirect_url = match self.redirect_url.as_str() {
            "" => format!("{own}{CALLBACK}"),
            url => url.to_owned(),
        };
        let secret = self.client_secret.expose();
        Options {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: secret.map(|text| Zeroizing::new(text.to_owned())),
            redirect_url,
            scopes: self.scopes.clone(),
            claim: self.claim.clone(),
            answer_time: self.answer_time,
            kept: self.kept,
            leeway: time::Duration::try_from(self.leeway).unwrap_or_default(),
        }
    }

    /// As the use cases take it; `own` is the server's own address. None: there is no provider.
    ///
    /// # Errors
    /// [`OptionsError`]
    pub(crate) fn staff(&self, own: &str) -> Result<Option<StaffOptions>, OptionsError> {
        if self.issuer.is_empty() {
            return Ok(None);
        }
        Ok(Some(StaffOptions {
            provider: Provider::new(self.provider_options(own))?,
            roles: self.roles.iter().filter_map(|text| role(text)).collect(),
            session_time: time::Duration::try_from(self.session_time)
                .unwrap_or(time::Duration::DAY),
        }))
    }
}

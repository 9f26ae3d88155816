//! `[auth]`: how users sign in.

use super::{
    Settings,
    option::{
        Kind::{Flag, Millis, Text, Texts, Whole},
        Opt, option,
    },
};
use std::{net::IpAddr, time::Duration};

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

/// What can be decided of signing in. An empty text stands for what is usual.
#[derive(Clone, Debug)]
pub(crate) struct AuthSettings {
    pub origins: Vec<String>,
    pub statement: String,
    pub issuer: String,
    pub audience: String,
    pub keys_directory: String,
    pub key_rotation: Duration,
    pub challenge_time: Duration,
    pub access_token_time: Duration,
    pub session_time: Duration,
    pub contract_session_time: Duration,
    pub sessions_per_user_max: u32,
    pub challenges_per_client_max: u32,
    pub challenges_per_client_and_address_max: u32,
    pub challenges_per_address_max: u32,
    pub trusted_proxies: Vec<String>,
    pub signatures_required: bool,
}

impl Default for AuthSettings {
    fn default() -> Self {
        let usual = app::SignInOptions::new(Vec::new());
        let known = |time: time::Duration| Duration::try_from(time).unwrap_or_default();
        Self {
            origins: Vec::new(),
            statement: usual.statement,
            issuer: String::new(),
            audience: "stoa".to_owned(),
            keys_directory: String::new(),
            key_rotation: Duration::from_millis(30 * DAY),
            challenge_time: known(usual.challenge_time),
            access_token_time: Duration::from_secs(600),
            session_time: known(usual.session_time),
            contract_session_time: known(usual.contract_session_time),
            sessions_per_user_max: usual.sessions_per_user_max,
            challenges_per_client_max: usual.challenges_per_client_max,
            challenges_per_client_and_address_max: usual.challenges_per_client_and_address_max,
            challenges_per_address_max: usual.challenges_per_address_max,
            trusted_proxies: Vec::new(),
            signatures_required: false,
        }
    }
}

pub(super) fn options() -> Vec<Opt<Settings>> {
    vec![
        option!("origins", Texts,
            "pages where users sign in, as `https://app.example.org`; the first is the usual one. \
             Pages of no other origin may call the API. Without one: the server's own address",
            s => s.auth.origins),
        option!("statement", Text, "what users say by signing in; one line",
            s => s.auth.statement),
        option!("issuer", Text, "`iss` of access tokens; empty: the first origin",
            s => s.auth.issuer),
        option!("audience", Text, "`aud` of access tokens", s => s.auth.audience),
        option!("keys_directory", Text,
            "where the keys of access tokens are, when you make and rotate them yourself; it is \
             read every 10 s; empty: in the data directory",
            s => s.auth.keys_directory),
        option!("key_rotation_ms", Millis(10 * MINUTE, 366 * DAY),
            "time after which the next of the server's own keys signs", s => s.auth.key_rotation),
        option!("challenge_ms", Millis(30_000, 10 * MINUTE), "time to sign in with a message",
            s => s.auth.challenge_time),
        option!("access_token_ms", Millis(MINUTE, 60 * MINUTE), "life of an access token",
            s => s.auth.access_token_time),
        option!("session_ms", Millis(10 * MINUTE, 366 * DAY),
            "life of a session, however often it is refreshed", s => s.auth.session_time),
        option!("contract_session_ms", Millis(10 * MINUTE, 366 * DAY),
            "the same for contract accounts, whose owners may change meanwhile",
            s => s.auth.contract_session_time),
        option!("sessions_per_user_max", Whole(1, 1_000),
            "open sessions of one user; one more ends that which was used least lately",
            s => s.auth.sessions_per_user_max),
        option!("challenges_per_client_max", Whole(1, 1_000_000),
            "messages that one client (of IPv6: one network) may have asked for at once",
            s => s.auth.challenges_per_client_max),
        option!("challenges_per_client_and_address_max", Whole(1, 1_000_000),
            "of those for one wallet", s => s.auth.challenges_per_client_and_address_max),
        option!("challenges_per_address_max", Whole(1, 1_000_000),
            "messages for one wallet, of all clients", s => s.auth.challenges_per_address_max),
        option!("trusted_proxies", Texts,
            "addresses of proxies whose `X-Forwarded-For` is believed",
            s => s.auth.trusted_proxies),
        option!("signatures_required", Flag,
            "must all API keys sign their requests of value, not only those that are marked so?",
            s => s.auth.signatures_required),
    ]
}

/// The option, whether it is broken, and what it must be.
pub(super) fn rules(settings: &Settings) -> [(&'static str, bool, &'static str); 7] {
    let auth = &settings.auth;
    let plain = |text: &str| text.len() <= 280 && text.bytes().all(|b| b.is_ascii_graphic());
    let faulty = |origin: &String| origin.parse::<auth::Origin>().is_err();
    [
        (
            "auth.origins",
            auth.origins.iter().any(faulty) || auth.origins.len() > 100,
            "must be scheme, host and port of at most 100 pages, lower case, no path; http:// is \
             for this machine only",
        ),
        (
            "auth.statement",
            !auth::is_statement(&auth.statement),
            "must be one line of 1 to 500 printable ASCII characters",
        ),
        ("auth.issuer", !plain(&auth.issuer), "must be printable ASCII without spaces"),
        (
            "auth.audience",
            auth.audience.is_empty() || !plain(&auth.audience),
            "must be printable ASCII without spaces",
        ),
        (
            "auth.session_ms",
            auth.session_time < auth.access_token_time,
            "must not be below auth.access_token_ms",
        ),
        (
            "auth.contract_session_ms",
            auth.contract_session_time > auth.session_time,
            "must not be above auth.session_ms",
        ),
        (
            "auth.trusted_proxies",
            auth.trusted_proxies.iter().any(|text| text.parse::<IpAddr>().is_err()),
            "must be IP addresses",
        ),
    ]
}

impl AuthSettings {
    /// The proxies as addresses.
    pub(crate) fn proxies(&self) -> Vec<IpAddr> {
        let parsed = self.trusted_proxies.iter().filter_map(|text| text.parse::<IpAddr>().ok());
        parsed.map(|address| address.to_canonical()).collect()
    }

    /// As the use cases take them; `own` is the server's own origin.
    pub(crate) fn options(&self, own: auth::Origin) -> app::SignInOptions {
        let parsed = self.origins.iter().filter_map(|text| text.parse().ok());
        let mut origins: Vec<auth::Origin> = parsed.collect();
        if origins.is_empty() {
            origins.push(own);
        }
        let span = |time: Duration| time::Duration::try_from(time).unwrap_or(time::Duration::MAX);
        app::SignInOptions {
            statement: self.statement.clone(),
            challenge_time: span(self.challenge_time),
            session_time: span(self.session_time),
            contract_session_time: span(self.contract_session_time),
            sessions_per_user_max: self.sessions_per_user_max,
            challenges_per_client_max: self.challenges_per_client_max,
            challenges_per_client_and_address_max: self.challenges_per_client_and_address_max,
            challenges_per_address_max: self.challenges_per_address_max,
            ..app::SignInOptions::new(origins)
        }
    }
}

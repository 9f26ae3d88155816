//! What signing in stands on: its keys, and its options with this server's own address.

use super::{DevOptions, secrets::private_directory};
use crate::{configuration::Settings, token_keys::KeyFiles};
use anyhow::{Context, Result};
use app::{ApiKeys, App, SignIn, SignInConfig};
use auth::{Authenticator, Pepper, TokenPolicy, Tokens};
use chain::Chain;
use db::Db;
use std::sync::Arc;
use time::OffsetDateTime;
use vocab::SystemClock;

/// Users of a server.
#[derive(Clone, Debug)]
pub(super) struct Users {
    pub sign_in: SignIn,
    /// Knows keys and access tokens.
    pub authenticator: Authenticator,
    tokens: Tokens,
    pepper: Pepper,
    files: KeyFiles,
}

impl Users {
    /// `own` is the origin of this server. Users may sign in for each of the chains.
    pub(super) fn open(
        options: &DevOptions,
        settings: &Settings,
        (db, chains): (&Db, Vec<Chain>),
        (authenticator, pepper): (Authenticator, Pepper),
        own: &str,
    ) -> Result<Self> {
        let auth = &settings.auth;
        let files = if auth.keys_directory.is_empty() {
            let directory = options.data_dir.join("secrets/token_keys");
            private_directory(&directory)?;
            KeyFiles::own(directory, auth.key_rotation, auth.access_token_time)
        } else {
            KeyFiles::given(&auth.keys_directory)
        };
        // The configured ones were checked; the server's own is needed only without them.
        let server = own;
        let own = auth.origins.first().map_or(own, String::as_str);
        let own = own.parse().with_context(|| {
            format!("users can't sign in at {own}: name their pages in [auth] origins")
        })?;
        let sign_in = auth.options(own);
        let issuer = match (auth.issuer.as_str(), sign_in.origins.first()) {
            ("", Some(origin)) => origin.to_string(),
            (issuer, _) => issuer.to_owned(),
        };
        let policy = TokenPolicy {
            issuer,
            audience: auth.audience.clone(),
            lifetime: auth.access_token_time.try_into()?,
        };
        let keys = files.load(OffsetDateTime::now_utc())?;
        let tokens = Tokens::new(policy, Arc::new(SystemClock), keys);
        let authenticator = authenticator.with_tokens(tokens.clone());
        let authenticator = authenticator.requiring_signatures(auth.signatures_required);
        let sign_in = SignIn::new(SignInConfig {
            db: db.clone(),
            clock: Arc::new(SystemClock),
            chains,
            tokens: tokens.clone(),
            pepper: pepper.clone(),
            authenticator: authenticator.clone(),
            options: sign_in,
            staff: settings.oidc.staff(server)?,
        });
        Ok(Self { sign_in, authenticator, tokens, pepper, files })
    }

    /// The use cases of API keys.
    pub(super) fn keys(&self, app: &App) -> ApiKeys {
        ApiKeys::new(app.clone(), self.pepper.clone(), self.authenticator.clone())
    }

    /// Look for new keys, and forget what has expired. What fails is tried again next time.
    pub(super) async fn keep(&self) {
        match self.files.load(OffsetDateTime::now_utc()) {
            Ok(keys) => self.tokens.replace_keys(keys),
            Err(error) => {
                tracing::error!(error = %error, "the keys of access tokens stay as they are")
            }
        }
        if let Err(error) = self.authenticator.record_key_uses().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "uses of keys wait");
        }
        if let Err(error) = self.authenticator.purge_nonces().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old nonces stay");
        }
        if let Err(error) = self.sign_in.purge_expired().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old sessions stay");
        }
    }
}

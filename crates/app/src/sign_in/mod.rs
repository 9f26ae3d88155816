//! Signing in, with a wallet (EIP-4361) or a provider of identities, and staying signed in.
//!
//! ```text
//! ask ─► challenge row ─► wallet signs ─► message held against the row ─► whose signature?
//!                                                                          │ key: recovered
//!                                                                          │ contract: asked
//!                                                                          ▼ of two endpoints
//!         access token ◄── session, challenge spent: one transaction ◄─────┘
//!              │ 10 minutes
//!              └► refresh token, used once ─► the next two
//! ```
//! The row in Postgres decides whether a challenge is good. What a chain says of a contract account
//! is asked before the transaction, so that no lock waits for a node. Staff may sign in with a
//! provider of identities instead (`ask_provider`, `open_staff_session`); the session is the same.

mod ask_challenge;
mod ask_provider;
mod contract_signature;
mod end_session;
mod link_wallet;
mod open_session;
mod open_staff_session;
mod refresh_session;
mod refusal;

pub use ask_challenge::{Asked, ChallengeSpec};
pub use ask_provider::{StaffOptions, StaffSent, StaffSpec};
pub use open_session::{Opened, SignedMessage};
pub use open_staff_session::{StaffAnswer, StaffOpened};
pub use refusal::SignInRefusal;

use crate::AppError;
use auth::{Authenticator, Origin, Pepper, RefreshToken, Subject, Tokens};
use chain::Chain;
use db::{
    Db, DbError, PgConnection, PgTransaction,
    sign_in_challenges::{self, ChallengeCaps},
    user_sessions::{self, SessionRow},
    user_subjects,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use time::{Duration, OffsetDateTime};
use tokio::sync::Semaphore;
use vocab::{ChainId, Clock, PrincipalId};
use zeroize::Zeroizing;

/// Contract accounts that are asked about at once, all chains together. A slow node holds no more
/// requests than these.
const CHECKS_MAX: usize = 32;
/// Challenges that have not expired, of everybody; and how long a count of them is believed.
const CHALLENGES_MAX: i64 = 100_000;
const COUNT_TTL: std::time::Duration = std::time::Duration::from_secs(1);
/// Rows that one statement removes.
const PURGE_BATCH: i64 = 1_000;

/// What an operator decides of signing in.
#[derive(Clone, Debug)]
pub struct SignInOptions {
    /// Where people may sign in; not empty, the first is the usual one.
    pub origins: Vec<Origin>,
    /// What they say by it.
    pub statement: String,
    pub challenge_time: Duration,
    /// After this a session ends, however often it is refreshed.
    pub session_time: Duration,
    /// The same for what a contract signed in, whose owners may change.
    pub contract_session_time: Duration,
    /// Open sessions of one user; another one ends that which was used least lately.
    pub sessions_per_user_max: u32,
    /// Challenges at once of one client, of one client for one address, and for one address.
    pub challenges_per_client_max: u32,
    pub challenges_per_client_and_address_max: u32,
    pub challenges_per_address_max: u32,
    /// How long a refresh token that was used is answered with the same successor.
    pub refresh_grace: Duration,
}

impl SignInOptions {
    #[must_use]
    pub fn new(origins: Vec<Origin>) -> Self {
        Self {
            origins,
            statement: "Sign in to Stoa.".to_owned(),
            challenge_time: Duration::minutes(5),
            session_time: Duration::days(30),
            contract_session_time: Duration::days(1),
            sessions_per_user_max: 50,
            challenges_per_client_max: 60,
            challenges_per_client_and_address_max: 10,
            challenges_per_address_max: 600,
            refresh_grace: Duration::seconds(10),
        }
    }
}

/// What signing in stands on.
#[derive(Clone, Debug)]
pub struct SignInConfig {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    /// People may sign in for these; the first is the usual one.
    pub chains: Vec<Chain>,
    pub tokens: Tokens,
    pub pepper: Pepper,
    /// Forgets at once which sessions ended here.
    pub authenticator: Authenticator,
    pub options: SignInOptions,
    /// Staff sign in with it, if there is one.
    pub staff: Option<StaffOptions>,
}

/// The use cases of signing in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SignIn(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: SignInConfig,
    checks: Semaphore,
    /// How many challenges there are in all, counted a moment ago.
    challenges: Mutex<Option<(Instant, i64)>>,
}

/// From where somebody calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientPlace<'a> {
    /// An address of theirs; it stands in challenges and sessions.
    pub address: &'a str,
    pub user_agent: Option<&'a str>,
    /// Of the page that calls, as its browser tells.
    pub origin: Option<&'a str>,
}

/// How a session's tokens are kept by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// By itself.
    Token,
    /// By its browser, where no script sees them.
    Cookie,
}

impl SessionKind {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Cookie => "cookie",
        }
    }
}

/// What a client gets to show from now on.
#[derive(Clone)]
pub struct Grants {
    pub session: SessionRow,
    pub access_token: Zeroizing<String>,
    pub access_expires_at: OffsetDateTime,
    pub access_lifetime: Duration,
    pub refresh_token: Zeroizing<String>,
}

impl std::fmt::Debug for Grants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grants").field("session", &self.session.id).finish_non_exhaustive()
    }
}

impl SignIn {
    #[must_use]
    pub fn new(config: SignInConfig) -> Self {
        let checks = Semaphore::new(CHECKS_MAX);
        Self(Arc::new(Inner { config, checks, challenges: Mutex::default() }))
    }

    fn config(&self) -> &SignInConfig {
        &self.0.config
    }

    fn options(&self) -> &SignInOptions {
        &self.0.config.options
    }

    fn now(&self) -> OffsetDateTime {
        self.config().clock.now()
    }

    async fn connection(
        &self,
    ) -> Result<impl std::ops::DerefMut<Target = PgConnection> + use<>, AppError> {
        Ok(self.config().db.acquire().await.map_err(DbError::from)?)
    }

    /// Where people may sign in, the usual one first.
    #[must_use]
    pub fn origins(&self) -> &[Origin] {
        &self.options().origins
    }

    /// The keys by which others can verify access tokens (RFC 7517).
    #[must_use]
    pub fn published_keys(&self) -> serde_json::Value {
        self.config().tokens.published_keys()
    }

    fn caps(&self) -> ChallengeCaps {
        let options = self.options();
        ChallengeCaps {
            of_client: options.challenges_per_client_max.into(),
            of_client_for_address: options.challenges_per_client_and_address_max.into(),
            for_address: options.challenges_per_address_max.into(),
        }
    }

    /// Is there room for another challenge? Counted once a second, as counting takes its time when
    /// there are many.
    async fn has_room(&self, db: &mut PgConnection) -> Result<bool, AppError> {
        let known = *self.0.challenges.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = known.filter(|(at, _)| at.elapsed() < COUNT_TTL);
        let count = match fresh {
            Some((_, count)) => count,
            None => {
                let at = Instant::now();
                let count = sign_in_challenges::count(db, self.now(), CHALLENGES_MAX).await?;
                let mut known = self.0.challenges.lock().unwrap_or_else(PoisonError::into_inner);
                *known = Some((at, count));
                count
            }
        };
        Ok(count < CHALLENGES_MAX)
    }

    /// Both tokens of a session.
    fn grant(&self, session: SessionRow, refresh: &RefreshToken) -> Result<Grants, AppError> {
        let wallet = session.address.map(|address| address.0);
        let subject = Subject {
            principal: PrincipalId(session.principal_id),
            session: session.id,
            client: &session.origin,
            wallet: wallet.zip(session.chain_id.map(ChainId::from_i64)),
        };
        let issued = self.config().tokens.issue(subject);
        let (text, ends) = issued.map_err(|_| AppError::Bug("no key signs access tokens"))?;
        Ok(Grants {
            access_token: Zeroizing::new(text),
            access_expires_at: ends,
            access_lifetime: self.config().tokens.policy().lifetime,
            refresh_token: refresh.reveal(&self.config().pepper),
            session,
        })
    }

    /// Remove challenges and sessions that have expired, until none is left. A job for now and
    /// then.
    ///
    /// # Errors
    /// [`AppError::Db`]
    pub async fn purge_expired(&self) -> Result<u64, AppError> {
        let mut gone = 0;
        loop {
            let (mut db, now) = (self.connection().await?, self.now());
            let challenges = sign_in_challenges::delete_expired(&mut db, now, PURGE_BATCH).await?;
            let sessions = user_sessions::delete_expired(&mut db, now, PURGE_BATCH).await?;
            let states = user_subjects::delete_expired(&mut db, now, PURGE_BATCH).await?;
            gone += challenges + sessions + states;
            if challenges.max(sessions).max(states) < PURGE_BATCH.unsigned_abs() {
                return Ok(gone);
            }
        }
    }
}

/// End a transaction that changes nothing, and with it its locks.
async fn rollback(transaction: PgTransaction<'static>) {
    if let Err(error) = transaction.rollback().await {
        tracing::debug!(error = &error as &dyn std::error::Error, "a rollback was not heard");
    }
}

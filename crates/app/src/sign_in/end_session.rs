//! Where a user is signed in, and no longer being so.

use super::{SignIn, SignInRefusal};
use crate::{AppError, Caller};
use auth::{Action, RefreshToken, authorize};
use db::user_sessions::{self, SessionFilter, SessionRow};
use uuid::Uuid;

impl SignIn {
    /// The caller's open sessions, newest first, those before `before`.
    ///
    /// # Errors
    /// [`AppError::Denied`]
    pub async fn list_sessions(
        &self,
        caller: Caller<'_>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<SessionRow>, AppError> {
        authorize(caller.actor, Action::ReadSession)?;
        let principal = caller.actor.user()?.principal;
        let mut db = self.connection().await?;
        Ok(user_sessions::list(&mut db, Some(principal), before, self.now(), limit).await?)
    }

    /// End one of the caller's sessions. Its tokens are refused by this process at once, by others
    /// within 10 s.
    ///
    /// # Errors
    /// [`SignInRefusal::SessionUnknown`] for another's, and for one that has ended.
    pub async fn end_session(&self, caller: Caller<'_>, id: Uuid) -> Result<(), AppError> {
        authorize(caller.actor, Action::EndSession)?;
        let principal = caller.actor.user()?.principal;
        let filter = SessionFilter { id: Some(id), principal_id: Some(principal), except: None };
        let ended = self.end(filter, "ended").await?;
        if ended == 0 { Err(SignInRefusal::SessionUnknown.into()) } else { Ok(()) }
    }

    /// End all of the caller's sessions but the present one; how many.
    ///
    /// # Errors
    /// [`AppError::Denied`]
    pub async fn end_other_sessions(&self, caller: Caller<'_>) -> Result<usize, AppError> {
        authorize(caller.actor, Action::EndSession)?;
        let user = caller.actor.user()?;
        let filter = SessionFilter {
            principal_id: Some(user.principal),
            except: Some(user.session),
            id: None,
        };
        self.end(filter, "ended").await
    }

    /// End the session that the caller shows a token of; again does nothing.
    ///
    /// # Errors
    /// [`AppError::Denied`]
    pub async fn log_out(&self, caller: Caller<'_>) -> Result<(), AppError> {
        authorize(caller.actor, Action::EndSession)?;
        let user = caller.actor.user()?;
        let (id, principal_id) = (Some(user.session), Some(user.principal));
        self.end(SessionFilter { id, principal_id, except: None }, "logout").await.map(drop)
    }

    /// The same by a refresh token, for who has no valid access token any more.
    ///
    /// # Errors
    /// [`SignInRefusal::RefreshTokenInvalid`] for none of ours. One that was used before ends its
    /// session, too.
    pub async fn log_out_by_refresh_token(&self, text: &str) -> Result<(), AppError> {
        let token = RefreshToken::parse(text, &self.config().pepper);
        let token = token.map_err(|_| SignInRefusal::RefreshTokenInvalid)?;
        let filter = SessionFilter { id: Some(token.session()), ..SessionFilter::default() };
        self.end(filter, "logout").await.map(drop)
    }

    async fn end(&self, filter: SessionFilter, reason: &'static str) -> Result<usize, AppError> {
        let mut db = self.connection().await?;
        let ended = user_sessions::record_end(&mut db, filter, reason, self.now()).await?;
        self.tell_ended(reason, &ended);
        Ok(ended.len())
    }

    /// What follows from an end that is committed.
    pub(super) fn tell_ended(&self, reason: &'static str, ended: &[Uuid]) {
        for id in ended {
            self.config().authenticator.forget_session(*id);
            metrics::counter!("sessions_ended_total", "reason" => reason).increment(1);
            tracing::info!(session.id = %id, reason, "a session has ended");
        }
    }
}

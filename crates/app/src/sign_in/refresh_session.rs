//! A refresh token for the next two tokens.

use super::{ClientPlace, Grants, SessionKind, SignIn, SignInRefusal, rollback};
use crate::{AppError, Refusal};
use auth::{Pepper, RefreshToken};
use db::{
    DbError, PgTransaction,
    user_sessions::{self, Rotation, SessionFilter, SessionRow},
};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;

/// What a token from outside is to its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// The present one.
    Present,
    /// The one before, whose answer may have been lost a moment ago.
    Repeated,
    /// Used before.
    Reused,
    /// Ours, but of a session that is over or not known.
    Over,
}

impl SignIn {
    /// The next tokens of a session. The same token shown again within some seconds gets the same
    /// refresh token again; later, or when that was used already, its session ends.
    ///
    /// # Errors
    /// [`SignInRefusal::RefreshTokenInvalid`], [`SignInRefusal::RefreshTokenReused`],
    /// [`SignInRefusal::OriginUnknown`].
    pub async fn refresh_session(
        &self,
        text: &str,
        kind: SessionKind,
        client: ClientPlace<'_>,
    ) -> Result<Grants, AppError> {
        let (refreshed, outcome) = match self.try_refresh(text, kind, client).await {
            Ok((grants, Turn::Repeated)) => (Ok(grants), "repeated"),
            Ok((grants, _)) => (Ok(grants), "rotated"),
            Err(AppError::Refused(Refusal::SignIn(SignInRefusal::RefreshTokenReused))) => {
                (Err(SignInRefusal::RefreshTokenReused.into()), "reused")
            }
            Err(error) => (Err(error), "refused"),
        };
        metrics::counter!("session_refreshes_total", "outcome" => outcome).increment(1);
        refreshed
    }

    async fn try_refresh(
        &self,
        text: &str,
        kind: SessionKind,
        client: ClientPlace<'_>,
    ) -> Result<(Grants, Turn), AppError> {
        let pepper = &self.config().pepper;
        let token = RefreshToken::parse(text, pepper);
        let token = token.map_err(|_| SignInRefusal::RefreshTokenInvalid)?;
        let mut transaction = db::begin(&self.config().db).await?;
        let session = user_sessions::lock(&mut transaction, token.session()).await?;
        let Some(session) = session.filter(|session| session.kind == kind.as_str()) else {
            return Err(SignInRefusal::RefreshTokenInvalid.into());
        };
        if client.origin.is_some_and(|origin| origin != session.origin) {
            return Err(SignInRefusal::OriginUnknown.into());
        }
        let now = self.now();
        let turn = turn(&session, &token, pepper, (now, self.options().refresh_grace));
        match turn {
            Turn::Present => self.rotate(transaction, session, &token, now).await,
            Turn::Repeated => {
                let salt = session.successor_salt.as_deref().and_then(|s| s.try_into().ok());
                let salt = salt.ok_or(AppError::Bug("a rotated session without a salt"))?;
                rollback(transaction).await;
                let grants = self.grant(session, &token.successor(pepper, &salt))?;
                Ok((grants, turn))
            }
            Turn::Over => {
                rollback(transaction).await;
                Err(SignInRefusal::RefreshTokenInvalid.into())
            }
            Turn::Reused => {
                let filter = SessionFilter { id: Some(session.id), ..SessionFilter::default() };
                let ended =
                    user_sessions::record_end(&mut transaction, filter, "reuse", now).await?;
                transaction.commit().await.map_err(DbError::from)?;
                self.tell_ended("reuse", &ended);
                tracing::warn!(session.id = %session.id, generation = token.generation(),
                    present = session.generation,
                    "a refresh token was used a second time; its session has ended");
                Err(SignInRefusal::RefreshTokenReused.into())
            }
        }
    }

    async fn rotate(
        &self,
        mut transaction: PgTransaction<'static>,
        session: SessionRow,
        token: &RefreshToken,
        now: OffsetDateTime,
    ) -> Result<(Grants, Turn), AppError> {
        let pepper = &self.config().pepper;
        let salt = RefreshToken::fresh_salt();
        let next = token.successor(pepper, &salt);
        let generation = i32::try_from(next.generation());
        let rotation = Rotation {
            generation: generation.map_err(|_| AppError::Bug("a session without end"))?,
            mac: &next.mac(pepper),
            previous_mac: &token.mac(pepper),
            salt: &salt,
            now,
        };
        user_sessions::record_rotation(&mut transaction, session.id, rotation).await?;
        let grants = self.grant(SessionRow { last_used_at: now, ..session }, &next)?;
        transaction.commit().await.map_err(DbError::from)?;
        Ok((grants, Turn::Present))
    }
}

fn turn(
    session: &SessionRow,
    token: &RefreshToken,
    pepper: &Pepper,
    (now, grace): (OffsetDateTime, time::Duration),
) -> Turn {
    if !session.is_open(now) {
        return Turn::Over;
    }
    let mac = token.mac(pepper);
    let is = |stored: &[u8]| bool::from(mac.as_slice().ct_eq(stored));
    let present = i64::from(session.generation);
    let shown = i64::from(token.generation());
    if shown == present && is(&session.refresh_mac) {
        return Turn::Present;
    }
    let fresh = session.rotated_at.is_some_and(|at| now - at <= grace);
    let before = session.previous_mac.as_deref().is_some_and(is);
    if shown == present - 1 && before && fresh {
        return Turn::Repeated;
    }
    if shown < present {
        return Turn::Reused;
    }
    // Ours by its tag, and none that this database knows of: it was set back to an earlier state.
    Turn::Over
}

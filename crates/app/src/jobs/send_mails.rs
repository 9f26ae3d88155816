//! Letters that wait are handed to the mail server; those that it does not take wait for longer and
//! longer, and not beyond the time in which anybody is helped by them.

use crate::{
    AppError,
    users::{MailContent, mail_place, of_field},
};
use db::{
    Db, DbError,
    mails::{self, MailRow},
    user_emails,
};
use fields::{KeyRing, Sealed};
use mail::{Letter, MailError, Mailer};
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use vocab::Clock;

/// Letters of one round; they go out one after the other.
const BATCH: i64 = 20;
/// How long nobody else tries a letter that is being sent: more than a round can take.
const CLAIM: Duration = Duration::minutes(10);
/// Pause after the first failure; each is twice the one before.
const RETRY: Duration = Duration::seconds(2);
const RETRY_MAX: Duration = Duration::minutes(2);
/// What challenges are counted for is over by then.
const CHALLENGES_KEPT: Duration = Duration::days(1);
const PURGE_BATCH: i64 = 1_000;

/// The job. Several processes may have it.
#[derive(Clone, Debug)]
pub struct SendMails {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub keys: KeyRing,
    pub mailer: Mailer,
}

impl SendMails {
    /// One round; how many letters went out.
    ///
    /// # Errors
    /// [`AppError::Db`]
    pub async fn send_due(&self) -> Result<u64, AppError> {
        let now = self.clock.now();
        let (rows, waiting) = {
            let mut db = self.db.acquire().await.map_err(DbError::from)?;
            let rows = mails::claim(&mut db, (now, now + CLAIM), BATCH).await?;
            (rows, mails::count(&mut db).await?)
        };
        metrics::gauge!("mails_waiting").set(waiting as f64);
        let mut sent = 0;
        for row in rows {
            let outcome = self.send(&row).await;
            let label = match &outcome {
                Ok(()) => "sent",
                Err(MailError::Later) => "later",
                Err(MailError::Never) => "never",
            };
            metrics::counter!("mails_total", "outcome" => label).increment(1);
            sent += u64::from(outcome.is_ok());
            self.settle(&row, outcome).await?;
        }
        Ok(sent)
    }

    async fn send(&self, row: &MailRow) -> Result<(), MailError> {
        if row.expires_at <= self.clock.now() {
            return Err(MailError::Never);
        }
        let sealed = Sealed { key_id: row.key_id.clone(), bytes: row.content.clone() };
        let opened = self.keys.open(mail_place(&row.id), &sealed).map_err(|error| {
            let error = of_field(error);
            tracing::error!(mail.id = %row.id, error = &error as &dyn std::error::Error,
                "a letter can't be read");
            MailError::Later
        })?;
        let content: MailContent = serde_json::from_slice(&opened).map_err(|_| MailError::Never)?;
        let id = row.id.to_string();
        let letter =
            Letter { id: &id, to: &content.to, subject: &content.subject, text: &content.text };
        self.mailer.send(&letter).await
    }

    async fn settle(&self, row: &MailRow, outcome: Result<(), MailError>) -> Result<(), AppError> {
        let mut db = self.db.acquire().await.map_err(DbError::from)?;
        let next_at = self.clock.now() + pause(row.tries);
        match outcome {
            Err(MailError::Later) if next_at < row.expires_at => {
                tracing::warn!(mail.id = %row.id, tries = row.tries, "a letter waits");
                mails::record_later(&mut db, row.id, next_at).await?;
            }
            Ok(()) => mails::delete(&mut db, row.id).await?,
            Err(_) => {
                tracing::warn!(mail.id = %row.id, tries = row.tries, "a letter was given up");
                mails::delete(&mut db, row.id).await?;
            }
        }
        Ok(())
    }

    /// Forget challenges of long ago.
    ///
    /// # Errors
    /// [`AppError::Db`]
    pub async fn purge(&self) -> Result<u64, AppError> {
        let before: OffsetDateTime = self.clock.now() - CHALLENGES_KEPT;
        let mut db = self.db.acquire().await.map_err(DbError::from)?;
        Ok(user_emails::delete_old(&mut db, before, PURGE_BATCH).await?)
    }
}

fn pause(tries: i32) -> Duration {
    let doubled = RETRY * 2_i32.pow(u32::try_from(tries - 1).unwrap_or_default().min(10));
    doubled.min(RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_stay_bounded() {
        let seconds = [1, 2, 3, 4, 20, i32::MAX].map(|tries| pause(tries).whole_seconds());
        assert_eq!(seconds, [2, 4, 8, 16, 120, 120]);
    }
}

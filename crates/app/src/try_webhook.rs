//! One event that tells nothing, sent to see whether an endpoint takes it.

use crate::{
    App, AppError, Caller, WebhookRefusal, change_webhook::changed, read_webhooks::load_own,
};
use auth::{Action, authorize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;
use webhooks::{Answer, test_body};

/// Endpoints that one process tries at once.
pub(crate) const TRIES_MAX: usize = 16;

impl App {
    /// Sign and send an event of type `test`, whatever the endpoint's state; its id, and what came
    /// of it. Nothing of it is kept but that it was done.
    ///
    /// # Errors
    /// [`WebhookRefusal::Unknown`] for another's; [`WebhookRefusal::Busy`].
    pub async fn try_webhook(
        &self,
        caller: Caller<'_>,
        id: Uuid,
    ) -> Result<(Uuid, Answer), AppError> {
        authorize(caller.actor, Action::ChangeWebhook)?;
        let row = load_own(&mut *self.connection().await?, caller.actor, id).await?;
        let _place = self.webhook_tries().try_acquire().map_err(|_| WebhookRefusal::Busy)?;
        let sent = changed(caller, ("tried", id), Value::Null, Value::Null)?;
        journal::record(&mut *self.connection().await?, &[sent]).await?;
        // Verifiers compare with their clocks, so it is the real time.
        let now = OffsetDateTime::now_utc();
        let (event, body) = (Uuid::now_v7(), test_body(id, now));
        let settings = &self.config().webhooks;
        let signers = settings.key.signers(&row, now);
        let answer = settings.sender.send(&row.url, &event.to_string(), body, &signers).await;
        Ok((event, answer))
    }
}

//! Endpoints that are told of facts.

use crate::configuration::Settings;
use anyhow::Result;
use app::{App, WebhookKey, WebhookSender, WebhookSettings};
use db::Db;
use runtime::{Importance, Supervisor};
use uuid::Uuid;
use webhooks::Config;

pub(super) fn settings(settings: &Settings, key: WebhookKey) -> Result<WebhookSettings> {
    let options = &settings.webhooks;
    Ok(WebhookSettings {
        key,
        sender: WebhookSender::new(options)?,
        endpoints_max: options.endpoints_max,
        log_time: options.log_time,
        log_max: options.log_max,
    })
}

/// The task that tells them.
pub(super) fn spawn(supervisor: &mut Supervisor, db: &Db, settings: &Settings, key: WebhookKey) {
    let config = Config { db: db.clone(), key, options: settings.webhooks.clone() };
    let task = webhooks::run(config, supervisor.token().cancelled_owned());
    supervisor.spawn("webhooks", Importance::Critical, async { Ok(task.await?) });
}

/// Of what was told long ago nothing is kept. Goes round the endpoints behind `after`; gives where
/// it stands.
pub(super) async fn forget(app: &App, after: Uuid) -> Uuid {
    match app.forget_deliveries(after).await {
        Ok(next) => next,
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "deliveries stay");
            after
        }
    }
}

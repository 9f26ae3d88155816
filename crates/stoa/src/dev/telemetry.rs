//! What the server tells of itself beside its log and its metrics.

use super::origin;
use crate::configuration::Settings;
use anyhow::{Context, Result};
use app::App;
use runtime::{Importance, Metrics, Supervisor};
use tokio::net::TcpListener;

/// Begin to write samples for charts, and to take profiles where that is wanted: then at the origin
/// that is given.
pub(super) async fn start(
    supervisor: &mut Supervisor,
    settings: &Settings,
    (app, metrics): (&App, &Metrics),
) -> Result<Option<String>> {
    sample(supervisor, app.clone(), metrics.clone());
    profile(supervisor, settings).await
}

/// The task that writes samples.
fn sample(supervisor: &mut Supervisor, app: App, metrics: Metrics) {
    let shutdown = supervisor.token().cancelled_owned();
    supervisor.spawn("metric_sampler", Importance::Critical, async move {
        tokio::select! {
            () = shutdown => {}
            () = app.sample_metrics(metrics) => {}
        }
        Ok(())
    });
}

/// The port for profiles, where one is wanted; gives its origin.
async fn profile(supervisor: &mut Supervisor, settings: &Settings) -> Result<Option<String>> {
    let Some(address) = settings.telemetry.profile_listen.0 else { return Ok(None) };
    let listener = TcpListener::bind(address).await;
    let listener = listener
        .with_context(|| format!("cannot listen on {address} (telemetry.profile_listen)"))?;
    let found = origin(listener.local_addr()?, false);
    tracing::info!(profile = found, "profiles are taken here");
    let served = api::serve_profile(listener, supervisor.token());
    supervisor.spawn("profile", Importance::Critical, async { Ok(served.await?) });
    Ok(Some(found))
}

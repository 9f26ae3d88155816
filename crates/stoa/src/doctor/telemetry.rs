//! The collector of traces: it is sent a batch without a trace.

use super::{
    Patient,
    report::{Finding, within},
};

pub(super) async fn examine(of: &Patient) -> Vec<Finding> {
    let check = "telemetry";
    let Some(options) = of.loaded.settings.telemetry.traces() else {
        return vec![Finding::skip(check, "not configured: no traces are sent")];
    };
    let asked = within(of.time, async {
        // Of addresses nothing is told: they may hold a key.
        let status = runtime::probe_collector(&options).await;
        status.map_err(|error| super::report::chain(&error))
    });
    let todo = "start the collector, or mend telemetry.otlp_endpoint; traces are lost meanwhile, \
                nothing else";
    vec![match asked.await {
        Ok(status) if (200..300).contains(&status) => {
            Finding::ok(check, "the collector takes traces")
        }
        Ok(status @ (401 | 403)) => {
            let why = format!("the collector refuses us: {status}");
            Finding::warn(check, why, "mend telemetry.otlp_authorization")
        }
        Ok(status) => Finding::warn(check, format!("the collector answers {status}"), todo),
        Err(why) => Finding::warn(check, why, todo),
    }]
}

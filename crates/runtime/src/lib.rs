//! What every process needs and no product knows: logs, metrics, supervised tasks and an orderly
//! end. Nothing here reads the environment, but for the failpoints of tests; the binary passes
//! options in.

mod failpoint;
mod supervisor;
mod telemetry;

pub use failpoint::Failpoints;
pub use supervisor::{Ended, Importance, Supervisor, TaskError};
pub use telemetry::{
    LogFilter, LogFormat, Metrics, TelemetryError, install_logs, install_metrics, is_log_filter,
};
pub use tokio_util::sync::CancellationToken;

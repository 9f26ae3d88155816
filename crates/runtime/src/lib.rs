//! What every process needs and no product knows: logs, metrics, supervised tasks and an orderly
//! end. Nothing here reads the environment, but for the failpoints of tests; the binary passes
//! options in.

mod failpoint;
mod profile;
mod reading;
mod supervisor;
mod telemetry;
mod traces;

pub use failpoint::Failpoints;
pub use profile::{Memory, PROFILE_TIME_MAX, ProfileError, profile_cpu, read_memory};
pub use reading::{Buckets, Reading};
pub use supervisor::{Ended, Importance, Supervisor, TaskError};
pub use telemetry::{
    LogFilter, LogFormat, Metrics, Telemetry, TelemetryError, install_metrics, install_telemetry,
    is_log_filter, sends_traces,
};
pub use tokio_util::sync::CancellationToken;
pub use traces::{Trace, TraceError, TraceOptions, probe_collector};

use std::{io, path::PathBuf, time::Duration};

/// Why a service could not be had. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    #[error("`{program}` was not found; run `make tools`, or install {package}")]
    Missing { program: String, package: &'static str },
    #[error("{program} ended during its start; the end of its log:\n{log}")]
    Died { program: &'static str, log: String },
    #[error("{program} was not ready within {within:?}; the end of its log:\n{log}")]
    TimedOut { program: &'static str, within: Duration, log: String },
    #[error("user `{user}` cannot reach {path}: choose a data directory outside private homes")]
    Unreachable { user: &'static str, path: PathBuf },
    #[error("{what}")]
    Io { what: String, source: io::Error },
}

impl StackError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

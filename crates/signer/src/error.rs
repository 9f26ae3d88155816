//! Why the signer ends or does not start.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::policy::PolicyError;

/// Why [`crate::serve`] ended other than by its shutdown. Only [`ServeError::Locked`] and
/// [`ServeError::Store`] may pass with time; all others need an operator.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A file or directory can't be read or written.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others than the signer's user may reach what only the signer may.
    #[error("{} must belong to the signer's user and be closed to all others", path.display())]
    TooOpen {
        /// Which file or directory.
        path: PathBuf,
    },
    /// Another signer holds this keystore.
    #[error("another signer holds {}", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// The password opens none of it, or the file was changed.
    #[error("wrong password for {}, or the file is damaged", path.display())]
    WrongPassword {
        /// The key file.
        path: PathBuf,
    },
    /// A key file is unusable.
    #[error("{}: {reason}", path.display())]
    Keystore {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A back end that holds keys is wrongly declared, can't be opened, or refuses.
    #[error("back end: {reason}")]
    Backend {
        /// Which, and why.
        reason: String,
    },
    /// The certificates or the key of the TLS listener are unusable.
    #[error("TLS: {reason}")]
    Tls {
        /// Why.
        reason: String,
    },
    /// Keystore and store do not belong together.
    #[error("keystore and store disagree: {reason}")]
    Mismatch {
        /// How.
        reason: String,
    },
    /// The audit log can't be read or written.
    #[error("the audit log failed")]
    Audit(#[from] audit::LogError),
    /// Audit log and store do not belong together, or one of them was changed.
    #[error("audit log and store disagree: {reason}")]
    AuditMismatch {
        /// How.
        reason: String,
    },
    /// The policy file makes no sense.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The signer's database failed. What it committed is safe; start again.
    #[error("the signer's store failed")]
    Store(#[source] redb::Error),
    /// The store was written by another version.
    #[error("store of schema {found}, expected {expected}")]
    Schema {
        /// In the file.
        found: u64,
        /// Known to this version.
        expected: u64,
    },
    /// Another server answers at the socket's path.
    #[error("{} is in use", path.display())]
    SocketInUse {
        /// The socket.
        path: PathBuf,
    },
    /// A system call that hardens or ties this process failed.
    #[error("{what}")]
    Process {
        /// Which.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The parent named in the configuration is gone.
    #[error("the parent process is gone")]
    ParentGone,
    /// The signing thread ended: a bug.
    #[error("the signing thread ended")]
    DeskEnded,
}

impl ServeError {
    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    pub(crate) fn keystore(path: &Path, reason: &str) -> Self {
        Self::Keystore { path: path.to_owned(), reason: reason.to_owned() }
    }
}

/// redb has an error type per operation; all of them mean the same here.
impl<E: Into<redb::Error>> From<StoreFault<E>> for ServeError {
    fn from(fault: StoreFault<E>) -> Self {
        Self::Store(fault.0.into())
    }
}

pub(crate) struct StoreFault<E>(pub(crate) E);

//! The log's directory, held by one process at a time.

use crate::{NAME, entry::fact_of};
use audit::{Head, Line, Log, LogError};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Why the files can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    #[error("the audit log's files")]
    Log(#[from] LogError),
    #[error("{}", path.display())]
    Lock {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("another process writes the audit log in {}", .0.display())]
    Held(PathBuf),
    #[error("the last line is not of the engine's audit log")]
    Foreign,
    #[error("writing ended early")]
    Cancelled,
}

/// The files, open, and a lock that others respect until it is dropped.
#[derive(Debug)]
pub(crate) struct Files {
    log: Log,
    _lock: File,
}

impl Files {
    /// Take the directory, made when missing; a line that a death cut short is removed.
    pub fn open(dir: &Path) -> Result<Self, FilesError> {
        // It is made by the log, with the right mode; a log that isn't ours yet is not touched.
        let path = dir.join("lock");
        let fail = |source| FilesError::Lock { path: path.clone(), source };
        make(dir).map_err(fail)?;
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        let lock = lock.map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FilesError::Held(dir.to_owned())),
            Err(TryLockError::Error(source)) => return Err(fail(source)),
        }
        Ok(Self { log: Log::open(dir, NAME)?, _lock: lock })
    }

    /// The last line's place and fact; the beginning when there is none.
    pub fn place(&self) -> Result<(Head, i64), FilesError> {
        match self.log.last_line() {
            None => Ok((Head::START, 0)),
            Some(line) => {
                let fact = fact_of(line.text()).ok_or(FilesError::Foreign)?;
                Ok((line.head(), fact))
            }
        }
    }

    /// Append lines, to the disk. After an error open the files anew.
    pub fn append(&mut self, lines: &[Line]) -> Result<(), FilesError> {
        self.log.append(lines)?;
        Ok(self.log.sync()?)
    }
}

fn make(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

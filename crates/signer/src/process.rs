//! What this process gives up and whose death ends it.

use std::{io, os::fd::OwnedFd};

use rustix::{
    fs::Mode,
    process::{
        DumpableBehavior, Pid, PidfdFlags, Resource, Rlimit, getppid, pidfd_open,
        set_dumpable_behavior, setrlimit, umask,
    },
};
use tokio::io::{Interest, unix::AsyncFd};

use crate::error::ServeError;

/// No debugger of the same user may attach, no core is written, no file is made for others.
pub(crate) fn harden() -> Result<(), ServeError> {
    let fail = |what| move |error: rustix::io::Errno| process_error(what, error.into());
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(fail("PR_SET_DUMPABLE"))?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .map_err(fail("RLIMIT_CORE"))?;
    umask(Mode::RWXG | Mode::RWXO);
    Ok(())
}

/// Watches the parent by a pidfd. PR_SET_PDEATHSIG would fire when the parent's *thread* that
/// started us ends, which in an async program may be long before the program does.
#[derive(Debug)]
pub(crate) struct ParentWatch(Option<AsyncFd<OwnedFd>>);

impl ParentWatch {
    pub(crate) fn new(parent: Option<u32>) -> Result<Self, ServeError> {
        let Some(parent) = parent else { return Ok(Self(None)) };
        let pid = i32::try_from(parent).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(ServeError::ParentGone)?;
        let fd = pidfd_open(pid, PidfdFlags::NONBLOCK).map_err(|_| ServeError::ParentGone)?;
        // Asked after the descriptor is open: from here on its process can't be another.
        if getppid() != Some(pid) {
            return Err(ServeError::ParentGone);
        }
        let fd = AsyncFd::register_with_interest(fd, Interest::READABLE);
        fd.map(|fd| Self(Some(fd))).map_err(|e| process_error("watching the parent", e.into()))
    }

    /// Ends when the parent has died; never, if there is none to watch.
    pub(crate) async fn gone(&self) {
        match &self.0 {
            Some(fd) => {
                // An error means that watching is no longer possible: as good as gone.
                let _ = fd.readable().await;
            }
            None => std::future::pending().await,
        }
    }
}

fn process_error(what: &'static str, source: io::Error) -> ServeError {
    ServeError::Process { what, source }
}

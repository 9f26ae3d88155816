//! What this process gives up and whose death ends it.

use std::{io, os::fd::OwnedFd, thread};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::Mode,
    io::Errno,
    process::{
        DumpableBehavior, Pid, PidfdFlags, Resource, Rlimit, getppid, pidfd_open,
        set_dumpable_behavior, setrlimit, umask,
    },
};
use tokio::sync::oneshot;

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

/// How often the watching thread looks whether the server still needs it.
const WATCH_STEP: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Ends when `parent` has died; never, if there is none to watch. `parent` must be the parent of
/// this process now.
///
/// Watches by a pidfd: PR_SET_PDEATHSIG would fire when the parent's *thread* that started us
/// ends, which in an async program may be long before the program does.
pub(crate) fn watch_parent(
    parent: Option<u32>,
) -> Result<impl Future<Output = ()> + use<>, ServeError> {
    let (gone, told) = oneshot::channel();
    let mut kept = None;
    if let Some(parent) = parent {
        let pid = i32::try_from(parent).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(ServeError::ParentGone)?;
        let fd = pidfd_open(pid, PidfdFlags::empty()).map_err(|_| ServeError::ParentGone)?;
        // Asked after the descriptor is open: from here on its process can't be another.
        if getppid() != Some(pid) {
            return Err(ServeError::ParentGone);
        }
        thread::Builder::new()
            .name("signer-parent".to_owned())
            .spawn(move || wait_for_death(&fd, gone))
            .map_err(|source| process_error("starting a thread", source))?;
    } else {
        kept = Some(gone);
    }
    Ok(async move {
        // A watch that ended without a word is as good as a death.
        let _ = told.await;
        drop(kept);
    })
}

fn wait_for_death(parent: &OwnedFd, gone: oneshot::Sender<()>) {
    while !gone.is_closed() {
        let mut watched = [PollFd::new(parent, PollFlags::IN)];
        match poll(&mut watched, Some(&WATCH_STEP)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) | Err(_) => break,
        }
    }
    let _ = gone.send(());
}

fn process_error(what: &'static str, source: io::Error) -> ServeError {
    ServeError::Process { what, source }
}

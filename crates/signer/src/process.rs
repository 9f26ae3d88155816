//! What this process gives up and whose death ends it.

use std::{io, os::fd::OwnedFd, thread};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::Mode,
    io::Errno,
    mm::{MlockAllFlags, mlockall},
    process::{
        DumpableBehavior, Pid, PidfdFlags, Resource, Rlimit, getppid, getrlimit, pidfd_open,
        set_dumpable_behavior, setrlimit, umask,
    },
    thread::{CapabilitySet, capabilities},
};
use tokio::sync::oneshot;

use crate::error::ServeError;

/// No debugger of the same user may attach, no core is written, no file is made for others.
fn harden() -> Result<(), ServeError> {
    let fail = |what| move |error: rustix::io::Errno| process_error(what, error.into());
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(fail("PR_SET_DUMPABLE"))?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .map_err(fail("RLIMIT_CORE"))?;
    umask(Mode::RWXG | Mode::RWXO);
    lock_memory();
    Ok(())
}

/// Hardens unless told not to, as a test is that shares its process with the keys.
pub(crate) fn harden_if(wanted: bool) -> Result<(), ServeError> {
    if wanted { harden() } else { Ok(()) }
}

/// Keeps every page of this process, present and to come, out of swap. Where the limit of locked
/// memory is finite the process would die of the first allocation above it, so there it only
/// says so: swap is then to be off, or encrypted.
fn lock_memory() {
    let may_all = capabilities(None).is_ok_and(|c| c.effective.contains(CapabilitySet::IPC_LOCK));
    let limit = getrlimit(Resource::Memlock);
    let raised = limit.maximum.is_none()
        && setrlimit(Resource::Memlock, Rlimit { current: None, maximum: None }).is_ok();
    if !may_all && !raised {
        tracing::warn!(limit.bytes = ?limit.maximum,
            "MEMORY IS NOT LOCKED: keys may reach the swap. Allow it (LimitMEMLOCK=infinity, or \
             CAP_IPC_LOCK), or turn swap off");
        return;
    }
    // Pages are locked when first touched: whole stacks would be filled otherwise.
    let how = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    if let Err(error) = mlockall(how) {
        tracing::warn!(%error, "MEMORY IS NOT LOCKED: keys may reach the swap");
    }
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

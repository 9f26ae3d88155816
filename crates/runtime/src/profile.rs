//! Where the time of this process goes, and how much memory it holds, looked at while it runs.

use pprof::{Frames, ProfilerGuardBuilder, Report};
use serde::Serialize;
use std::{collections::BTreeMap, fs, io, time::Duration};
use tokio::{
    sync::{Mutex, MutexGuard},
    task::spawn_blocking,
    time::sleep,
};

/// Longest look at once.
pub const PROFILE_TIME_MAX: Duration = Duration::from_secs(60);
/// Samples per second of processor time at most.
pub const PROFILE_HERTZ_MAX: u16 = 1_000;
/// Code that must not be walked through while it may hold locks of its own.
const LEFT_OUT: [&str; 4] = ["libc", "libgcc", "pthread", "vdso"];

/// The signal is the process's: there is one look at a time.
static LOOKING: Mutex<()> = Mutex::const_new(());

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("somebody is looking already")]
    Busy,
    #[error("1 to 60 seconds, at 1 to 1000 samples a second")]
    Bounds,
    #[error("the profiler does not run")]
    Profiler(#[from] pprof::Error),
    #[error("the profile was cut off")]
    Cancelled,
}

/// Watch what this process computes for a while. One line for each stack that was seen: its thread
/// and functions from the outermost on, with `;` between, then how often. As flame graphs are made
/// of. Dropped, it ends.
///
/// # Errors
/// [`ProfileError`]
pub async fn profile_cpu(time: Duration, hertz: u16) -> Result<String, ProfileError> {
    let fits = (Duration::from_secs(1)..=PROFILE_TIME_MAX).contains(&time);
    if !fits || !(1..=PROFILE_HERTZ_MAX).contains(&hertz) {
        return Err(ProfileError::Bounds);
    }
    let _one: MutexGuard<'_, ()> = LOOKING.try_lock().map_err(|_| ProfileError::Busy)?;
    let guard =
        ProfilerGuardBuilder::default().frequency(hertz.into()).blocklist(&LEFT_OUT).build()?;
    sleep(time).await;
    // Names are looked up in what the program was built with, which takes its time.
    let folded = spawn_blocking(move || guard.report().build().map(|report| folded(&report)));
    Ok(folded.await.map_err(|_| ProfileError::Cancelled)??)
}

fn folded(report: &Report) -> String {
    let mut stacks: BTreeMap<String, isize> = BTreeMap::new();
    for (frames, count) in &report.data {
        *stacks.entry(stack(frames)).or_default() += count;
    }
    stacks
        .into_iter()
        .fold(String::new(), |text, (stack, count)| text + &format!("{stack} {count}\n"))
}

fn stack(frames: &Frames) -> String {
    let plain = |name: String| name.replace(';', ":").replace(char::is_whitespace, "");
    let symbols = frames.frames.iter().rev().flat_map(|inlined| inlined.iter().rev());
    let thread = [plain(frames.thread_name_or_id())];
    let names = thread.into_iter().chain(symbols.map(|symbol| plain(symbol.name())));
    names.collect::<Vec<_>>().join(";")
}

/// Memory of this process, in bytes, as the kernel counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// In memory now, and at most so far.
    pub resident: u64,
    pub resident_peak: u64,
    /// Of that, what no file stands behind: heap and stacks.
    pub anonymous: u64,
    /// Of files: code, and what is mapped.
    pub file: u64,
    pub swapped: u64,
    /// Of the anonymous: the main heap; what the allocator got beside it, with stacks of threads.
    pub heap: u64,
    pub arenas: u64,
    pub threads: u64,
}

/// How much memory this process holds.
///
/// # Errors
/// When the kernel does not tell.
pub fn read_memory() -> io::Result<Memory> {
    let status = fs::read_to_string("/proc/self/status")?;
    let maps = fs::read_to_string("/proc/self/smaps")?;
    Ok(memory_of(&status, &maps))
}

fn memory_of(status: &str, maps: &str) -> Memory {
    let number = |line: &str| line.split_whitespace().nth(1).and_then(|text| text.parse().ok());
    let field = |name: &str| {
        let line = status.lines().find(|line| line.split(':').next() == Some(name));
        line.and_then(number).unwrap_or(0u64)
    };
    let bytes = |name: &str| field(name).saturating_mul(1_024);
    let (mut heap, mut arenas) = (0u64, 0u64);
    let mut name = None;
    for line in maps.lines() {
        if let Some(resident) = line.strip_prefix("Rss:") {
            let kilobytes = number(&format!("Rss: {resident}")).unwrap_or_default();
            match name {
                Some("[heap]") => heap += kilobytes * 1_024,
                None => arenas += kilobytes * 1_024,
                Some(_) => {}
            }
        } else if line.starts_with(|first: char| first.is_ascii_hexdigit() && !first.is_uppercase())
        {
            // Address, rights, place, device, inode, and what it is, if it has a name.
            name = line.split_whitespace().nth(5);
        }
    }
    Memory {
        resident: bytes("VmRSS"),
        resident_peak: bytes("VmHWM"),
        anonymous: bytes("RssAnon"),
        file: bytes("RssFile"),
        swapped: bytes("VmSwap"),
        heap,
        arenas,
        threads: field("Threads"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_told_by_what_it_is() {
        let status = "Name:\tstoa\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\nRssAnon:\t  150 kB\n\
            RssFile:\t   50 kB\nVmSwap:\t    0 kB\nThreads:\t7\n";
        let maps = "00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/stoa\nRss: 50 kB\n\
            00e03000-00e24000 rw-p 00000000 00:00 0 [heap]\nSize: 200 kB\nRss: 100 kB\n\
            7f0000000000-7f0000021000 rw-p 00000000 00:00 0\nRss: 30 kB\n\
            7f1000000000-7f1000021000 rw-p 00000000 00:00 0 \nRss: 12 kB\n\
            7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0 [stack]\nRss: 8 kB\n";
        let expected = Memory {
            resident: 200 * 1_024,
            resident_peak: 300 * 1_024,
            anonymous: 150 * 1_024,
            file: 50 * 1_024,
            swapped: 0,
            heap: 100 * 1_024,
            arenas: 42 * 1_024,
            threads: 7,
        };
        assert_eq!(memory_of(status, maps), expected);
    }

    #[tokio::test]
    async fn what_is_out_of_bounds_is_refused() {
        for (seconds, hertz) in [(0, 99), (61, 99), (1, 0), (1, 1_001)] {
            let refused = profile_cpu(Duration::from_secs(seconds), hertz).await;
            assert!(matches!(refused, Err(ProfileError::Bounds)), "{refused:?}");
        }
    }
}

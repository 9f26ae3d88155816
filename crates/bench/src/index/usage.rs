//! Processor time and memory of processes, from `/proc`.

use anyhow::{Context, Result, bail, ensure};
use std::{
    collections::HashMap,
    fs,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

/// How often a running process is looked at. Peaks of memory are the kernel's own, so only what
/// is reached in the last such moment can be missed.
const LOOK: Duration = Duration::from_millis(5);

/// Processor seconds, of user and system together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Use {
    pub cpu_s: f64,
    pub peak_rss_mb: f64,
}

impl Use {
    /// Of one process, without its children.
    pub fn of(id: u32) -> Self {
        let cpu_s = stat(id).map_or(0.0, |stat| stat.own);
        Self { cpu_s, peak_rss_mb: 0.0 }
    }

    /// Of a process, its descendants, and those of them that have ended.
    pub fn of_tree(root: u32) -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let all: HashMap<u32, Stat> = entries
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|id| Some((id, stat(id)?)))
            .collect();
        let ours = all.iter().filter(|(id, stat)| **id == root || stat.parent == root);
        let cpu_s = ours.map(|(_, stat)| stat.own + stat.ended).sum();
        Self { cpu_s, peak_rss_mb: 0.0 }
    }
}

struct Stat {
    parent: u32,
    state: char,
    own: f64,
    /// Of children that have ended and were waited for.
    ended: f64,
}

/// A line of proc_pid_stat(5). Linux fixes the tick at 1/100 s for user space.
fn stat(id: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, tail) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = tail.split(' ').collect();
    let seconds = |at: usize| Some(fields.get(at)?.parse::<f64>().ok()? / 100.0);
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        own: seconds(11)? + seconds(12)?,
        ended: seconds(13)? + seconds(14)?,
    })
}

fn peak_rss_mb(id: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().split(' ').next()?.parse::<f64>().ok()? / 1024.0)
}

/// A process whose use is watched to its end. Killed when dropped before.
pub struct Watched {
    child: Child,
    seen: Use,
}

impl Watched {
    pub fn start(mut command: Command) -> Result<Self> {
        let child = command.spawn().context("the program could not be started")?;
        Ok(Self { child, seen: Use::default() })
    }

    /// Until it ends well.
    pub fn wait(mut self, patience: Duration) -> Result<Use> {
        let started = Instant::now();
        while self.look()? {
            ensure!(started.elapsed() < patience, "no end within {patience:?}");
            thread::sleep(LOOK);
        }
        let status = self.child.wait()?;
        ensure!(status.success(), "the program ended with {status}");
        Ok(self.seen)
    }

    /// See what it takes; false when it has ended.
    pub fn look(&mut self) -> Result<bool> {
        let id = self.child.id();
        // Dead and not yet waited for, it still tells what it took.
        let Some(stat) = stat(id) else { bail!("the program's process can't be read") };
        self.seen.cpu_s = stat.own;
        if let Some(peak) = peak_rss_mb(id) {
            self.seen.peak_rss_mb = self.seen.peak_rss_mb.max(peak);
        }
        Ok(stat.state != 'Z')
    }

    /// End it; gives what it took.
    pub fn stop(mut self) -> Result<Use> {
        ensure!(self.look()?, "the program ended by itself");
        self.child.kill()?;
        self.child.wait()?;
        Ok(self.seen)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_watched_to_its_end() {
        let mut command = Command::new("sh");
        command.args(["-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"]);
        let seen = Watched::start(command).unwrap().wait(Duration::from_secs(60)).unwrap();
        assert!(seen.peak_rss_mb > 0.1, "{seen:?}");
        let mut command = Command::new("sh");
        command.args(["-c", "exit 3"]);
        assert!(Watched::start(command).unwrap().wait(Duration::from_secs(60)).is_err());
        assert!(Use::of_tree(std::process::id()).cpu_s >= Use::of(std::process::id()).cpu_s);
    }
}

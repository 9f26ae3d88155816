//! Processor time of the parts, from `/proc`: on a small machine this says who the bottleneck is.

use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    fs,
};

/// Processor seconds by program: the server's process tree and ourselves (`bench`).
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Cpu(pub BTreeMap<String, f64>);

struct Process {
    parent: u32,
    name: String,
    seconds: f64,
}

impl Cpu {
    /// Used so far. Parts that cannot be read are left out.
    pub fn of(server: u32) -> Self {
        let processes = processes();
        let mut sums = BTreeMap::new();
        for (id, process) in &processes {
            let ours = *id == std::process::id();
            if ours || descends(&processes, *id, server) {
                *sums.entry(process.name.clone()).or_default() += process.seconds;
            }
        }
        Self(sums)
    }

    pub fn since(&self, earlier: &Self) -> Self {
        let used = |(name, now): (&String, &f64)| {
            let before = earlier.0.get(name).copied().unwrap_or_default();
            (name.clone(), ((now - before) * 100.0).round() / 100.0)
        };
        Self(self.0.iter().map(used).collect())
    }
}

fn descends(processes: &HashMap<u32, Process>, mut id: u32, root: u32) -> bool {
    // The table is no snapshot: a bound keeps a reused id from making a ring.
    for _ in 0..32 {
        if id == root {
            return true;
        }
        let Some(process) = processes.get(&id) else { return false };
        id = process.parent;
    }
    false
}

fn processes() -> HashMap<u32, Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let id: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            Some((id, parse(&stat)?))
        })
        .collect()
}

/// A line of proc_pid_stat(5). Linux fixes the tick at 1/100 s for user space.
fn parse(stat: &str) -> Option<Process> {
    let (head, tail) = stat.rsplit_once(") ")?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = tail.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    let parent = fields.get(1)?.parse().ok()?;
    Some(Process { parent, name, seconds: (ticks(11)? + ticks(12)?) / 100.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let line = "42 (a ) b) S 7 1 1 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 1 0 9 8 7";
        let process = parse(line).unwrap();
        assert_eq!((process.parent, process.name.as_str()), (7, "a ) b"));
        assert_eq!(process.seconds, 2.0);
    }

    #[test]
    fn we_are_in_the_table() {
        assert!(descends(&processes(), std::process::id(), std::process::id()));
        assert!(Cpu::of(u32::MAX).0.len() == 1);
    }
}

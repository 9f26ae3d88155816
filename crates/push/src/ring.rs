//! The newest facts of one topic, in memory, bounded by count and by size.

use crate::{entry::Entry, filter::Filter};
use std::{collections::VecDeque, sync::Arc};

/// How much one read looks at while it holds the lock.
const SCAN_MAX: usize = 2_000;

#[derive(Debug)]
pub(crate) struct Ring {
    epoch: i64,
    /// Number of the newest fact known; the entries are those right up to it.
    head: i64,
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    facts_max: usize,
    bytes_max: usize,
}

/// What was found, and how far the reader has now looked.
#[derive(Debug)]
pub(crate) struct Found {
    pub entries: Vec<Arc<Entry>>,
    pub looked_to: i64,
}

impl Ring {
    pub fn new(epoch: i64, head: i64, facts_max: usize, bytes_max: usize) -> Self {
        Self { epoch, head, entries: VecDeque::new(), bytes: 0, facts_max, bytes_max }
    }

    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    pub fn head(&self) -> i64 {
        self.head
    }

    /// A new epoch: nothing known before `head` is comparable with what follows.
    pub fn reset(&mut self, epoch: i64, head: i64) {
        *self = Self::new(epoch, head, self.facts_max, self.bytes_max);
    }

    /// Add the next fact. One that does not follow the head empties the ring, so that readers go to
    /// the database instead of missing what lies between.
    pub fn push(&mut self, entry: Arc<Entry>) {
        if entry.seq <= self.head {
            return;
        }
        if entry.seq != self.head + 1 {
            self.entries.clear();
            self.bytes = 0;
        }
        self.head = entry.seq;
        self.bytes += entry.size();
        self.entries.push_back(entry);
        while self.entries.len() > self.facts_max || self.bytes > self.bytes_max {
            let Some(old) = self.entries.pop_front() else { break };
            self.bytes -= old.size();
        }
    }

    /// At most `max` matching facts after `position`; none when the ring no longer reaches back so
    /// far. A position above the head (another node was further) finds nothing yet.
    pub fn read(&self, position: i64, filter: &Filter, max: usize) -> Option<Found> {
        let len = i64::try_from(self.entries.len()).unwrap_or(i64::MAX);
        let skip = position - (self.head - len);
        let skip = usize::try_from(skip).ok()?;
        let mut found = Found { entries: Vec::new(), looked_to: position };
        for entry in self.entries.iter().skip(skip).take(SCAN_MAX) {
            if filter.matches(&entry.attributes, entry.reverting) {
                found.entries.push(entry.clone());
            }
            found.looked_to = entry.seq;
            if found.entries.len() >= max {
                break;
            }
        }
        Some(found)
    }
}

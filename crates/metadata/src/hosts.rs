//! How the hosts of documents stand: how much each is asked at once, and which ones rest. A host
//! that failed several times in a row is left alone for a while, longer each time; then one
//! document is tried.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Failures in a row after which a host rests.
const FAILURES: u32 = 5;
const REST: Duration = Duration::from_secs(30);
const REST_MAX: Duration = Duration::from_secs(1_800);
/// Hosts that are remembered. Of more, those go that nothing is known against.
const HOSTS_MAX: usize = 10_000;

/// Cheap to clone; the clones share what is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts(Arc<Mutex<HashMap<String, Standing>>>);

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    under_way: usize,
    failures: u32,
    rests: u32,
    resting_until: Option<Instant>,
}

/// A place at a host, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    hosts: Hosts,
    host: String,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(standing) = self.hosts.book().get_mut(&self.host) {
            standing.under_way = standing.under_way.saturating_sub(1);
        }
    }
}

impl Hosts {
    /// How many more documents it may be asked for now, of `most` at once.
    pub(crate) fn free(&self, host: &str, most: usize) -> usize {
        let Some(standing) = self.book().get(host).copied() else { return most };
        match standing.resting_until {
            Some(until) if until > Instant::now() => 0,
            // One tells whether it is back.
            Some(_) => 1_usize.saturating_sub(standing.under_way),
            None => most.saturating_sub(standing.under_way),
        }
    }

    pub(crate) fn rests(&self, host: &str) -> bool {
        self.free(host, 1) == 0 && self.book().get(host).is_some_and(|s| s.resting_until.is_some())
    }

    pub(crate) fn enter(&self, host: &str) -> Permit {
        let mut book = self.book();
        if book.len() >= HOSTS_MAX {
            book.retain(|_, s| s.under_way > 0 || s.resting_until.is_some());
        }
        if book.len() >= HOSTS_MAX {
            // All rest or are at work: those that rest are learnt of again.
            book.retain(|_, s| s.under_way > 0);
        }
        book.entry(host.to_owned()).or_default().under_way += 1;
        Permit { hosts: self.clone(), host: host.to_owned() }
    }

    /// How a document of it ended.
    pub(crate) fn note(&self, host: &str, failed: bool) {
        let mut book = self.book();
        let Some(standing) = book.get_mut(host) else { return };
        if !failed {
            (standing.failures, standing.rests, standing.resting_until) = (0, 0, None);
            return;
        }
        standing.failures += 1;
        let probed = standing.resting_until.is_some_and(|until| until <= Instant::now());
        if probed || (standing.failures >= FAILURES && standing.resting_until.is_none()) {
            let rest = REST.saturating_mul(1 << standing.rests.min(10)).min(REST_MAX);
            standing.resting_until = Some(Instant::now() + rest);
            standing.rests += 1;
            tracing::info!(host, seconds = rest.as_secs(), "a host of metadata rests");
        }
    }

    /// How many rest.
    pub(crate) fn resting(&self) -> usize {
        let now = Instant::now();
        self.book().values().filter(|s| s.resting_until.is_some_and(|until| until > now)).count()
    }

    fn book(&self) -> MutexGuard<'_, HashMap<String, Standing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_gets_so_much_at_once_and_rests_after_failures() {
        let hosts = Hosts::default();
        let permits: Vec<Permit> = (0..3).map(|_| hosts.enter("a:443")).collect();
        assert_eq!((hosts.free("a:443", 4), hosts.free("b:443", 4)), (1, 4));
        drop(permits);
        assert_eq!(hosts.free("a:443", 4), 4);
        for _ in 0..4 {
            hosts.note("a:443", true);
        }
        assert!(!hosts.rests("a:443"));
        hosts.note("a:443", false);
        for _ in 0..5 {
            hosts.note("a:443", true);
        }
        assert!(hosts.rests("a:443") && hosts.resting() == 1);
        hosts.note("a:443", true);
        // The rest is over: one is let in, and its failure makes the next rest longer.
        hosts.book().get_mut("a:443").unwrap().resting_until = Some(Instant::now());
        assert_eq!(hosts.free("a:443", 4), 1);
        let probe = hosts.enter("a:443");
        assert_eq!(hosts.free("a:443", 4), 0);
        hosts.note("a:443", true);
        let until = hosts.book()["a:443"].resting_until.unwrap();
        assert!(until > Instant::now() + REST);
        drop(probe);
        hosts.note("a:443", false);
        assert_eq!(hosts.free("a:443", 4), 4);
    }

    #[test]
    fn no_more_hosts_are_remembered_than_fit() {
        let hosts = Hosts::default();
        for n in 0..HOSTS_MAX * 2 {
            let host = format!("{n}:443");
            drop(hosts.enter(&host));
            (0..5).for_each(|_| hosts.note(&host, true));
        }
        assert!(hosts.book().len() <= HOSTS_MAX);
    }
}

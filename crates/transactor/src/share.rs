//! How work is divided: wallets between workers, jobs between lanes. Pure, and the loads that one
//! process knows of.

use alloy_primitives::Address;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The part of its window that a lane takes at least.
const BATCH_SHARE: usize = 2;

/// How many of `wallets` the worker at `place` of `workers` serves. All together serve each once.
pub(crate) fn quota(wallets: usize, workers: usize, place: usize) -> usize {
    let workers = workers.max(1);
    wallets / workers + usize::from(place < wallets % workers)
}

/// The fewest jobs worth dividing, for a lane that may have `window` in flight: a commit costs it
/// about the same for one job as for so many.
pub(crate) fn batch(window: usize) -> usize {
    (window / BATCH_SHARE).max(1)
}

/// How many of `waiting` jobs a lane takes that has `own` in flight, while the lanes beside it have
/// `others`: as many as bring it to the level that all would have, and at least a [`batch`], so
/// that a job never waits for a lane that does not move, and many lanes do not each commit a single
/// one.
pub(crate) fn share(own: usize, others: &[usize], waiting: usize, batch: usize) -> usize {
    let lanes = others.len() + 1;
    let total = others.iter().sum::<usize>() + own + waiting;
    total.div_ceil(lanes).saturating_sub(own).max(batch)
}

/// Jobs in flight on the lanes of this process that take work.
#[derive(Debug, Default)]
pub(crate) struct Loads(Mutex<HashMap<Address, (String, usize)>>);

impl Loads {
    pub fn set(&self, wallet: Address, role: &str, jobs: usize) {
        let mut loads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match loads.get_mut(&wallet) {
            Some((_, load)) => *load = jobs,
            None => drop(loads.insert(wallet, (role.to_owned(), jobs))),
        }
    }

    /// The lane takes no work for now, so others need not leave it any.
    pub fn remove(&self, wallet: Address) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&wallet);
    }

    /// Of the other lanes of a role.
    pub fn others(&self, wallet: Address, role: &str) -> Vec<usize> {
        let loads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loads
            .iter()
            .filter(|(address, (of, _))| **address != wallet && of == role)
            .map(|(_, (_, load))| *load)
            .collect()
    }
}

/// When the lanes of each role last looked for jobs, or will: so that idle lanes need not all look,
/// and jobs that come in fast are taken many at a time.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<HashMap<String, Look>>);

#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    found: Found,
    /// How many looks have found something.
    finds: u64,
}

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// All that waited.
    All,
    /// Some; the next lane may look at once.
    Some,
    /// Jobs wait that this lane may not take: all should look.
    NoneOfThese,
}

/// Whether a lane looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Now,
    After(Duration),
    /// Another lane looks soon.
    Not,
}

/// The shortest time between two looks, unless the first left something.
const LOOK_GAP: Duration = Duration::from_millis(25);

impl Looks {
    /// May a lane look that was told of a job?
    pub fn turn(&self, role: &str, now: Instant) -> Turn {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = looks.get_mut(role) else {
            looks.insert(role.to_owned(), Look { at: now, found: Found::All, finds: 0 });
            return Turn::Now;
        };
        if last.at > now {
            return Turn::Not;
        }
        let gap = if last.found == Found::Some { Duration::ZERO } else { LOOK_GAP };
        let next = last.at + gap;
        last.at = next.max(now);
        if next > now { Turn::After(next - now) } else { Turn::Now }
    }

    /// Has another lane looked so short a time ago, and left nothing?
    pub fn is_quiet(&self, role: &str, now: Instant, age_max: Duration) -> bool {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.get(role).is_some_and(|last| last.found == Found::All && now < last.at + age_max)
    }

    /// How many looks have found something, to be named in [`Looks::note`].
    pub fn finds(&self, role: &str) -> u64 {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.get(role).map_or(0, |last| last.finds)
    }

    /// A look has ended that began after so many `finds`.
    pub fn note(&self, role: &str, found: Found, finds: u64) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = looks.get_mut(role) else { return };
        match found {
            // What it saw may be what another one has taken meanwhile.
            Found::NoneOfThese if last.finds != finds => return,
            Found::NoneOfThese => {}
            Found::All | Found::Some => last.finds += 1,
        }
        last.found = found;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn looks_are_apart_unless_something_is_left() {
        let (looks, start) = (Looks::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        let tick = Duration::from_millis(100);
        assert!(!looks.is_quiet("a", start, tick), "nobody has looked yet");
        assert_eq!(looks.turn("a", start), Turn::Now);
        looks.note("a", Found::All, 0);
        assert_eq!(looks.turn("b", at(1)), Turn::Now, "another role");
        assert_eq!(looks.turn("a", at(10)), Turn::After(Duration::from_millis(15)));
        assert_eq!(looks.turn("a", at(20)), Turn::Not, "that one comes");
        looks.note("a", Found::Some, 0);
        assert!(!looks.is_quiet("a", at(26), tick), "something is left");
        assert_eq!(looks.turn("a", at(26)), Turn::Now, "something is left");
        looks.note("a", Found::All, 1);
        looks.note("a", Found::NoneOfThese, 2);
        assert!(looks.is_quiet("a", at(26), tick), "it was taken while this one looked");
        looks.note("a", Found::NoneOfThese, 3);
        assert!(!looks.is_quiet("a", at(26), tick), "something is left, for whoever may take it");
        assert_eq!(looks.turn("a", at(51)), Turn::Now);
        looks.note("a", Found::All, 3);
        assert!(looks.is_quiet("a", at(150), tick));
        assert!(!looks.is_quiet("a", at(151), tick));
        assert_eq!(looks.turn("a", at(151)), Turn::Now);
    }

    proptest! {
        #[test]
        fn each_wallet_has_one_worker(wallets in 0usize..300, workers in 1usize..40) {
            let quotas: Vec<usize> =
                (0..workers).map(|place| quota(wallets, workers, place)).collect();
            prop_assert_eq!(quotas.iter().sum::<usize>(), wallets);
            let (least, most) = (quotas.iter().min(), quotas.iter().max());
            prop_assert!(most.unwrap() - least.unwrap() <= 1);
        }

        #[test]
        fn a_burst_is_spread(
            mut loads in prop::collection::vec(0usize..40, 1..20), burst in 0usize..300,
            first in 0usize..20, window in 1usize..200,
        ) {
            let batch = batch(window);
            let (before, mut waiting, mut at) = (loads.clone(), burst, first % loads.len());
            // Lanes take in turn, as their bell wakes them.
            while waiting > 0 {
                let others: Vec<usize> = (0..loads.len())
                    .filter(|lane| *lane != at)
                    .map(|lane| loads[lane])
                    .collect();
                let taken = share(loads[at], &others, waiting, batch).min(waiting);
                prop_assert!(taken == waiting || taken >= batch);
                loads[at] += taken;
                waiting -= taken;
                at = (at + 1) % loads.len();
            }
            let level = (before.iter().sum::<usize>() + burst).div_ceil(loads.len());
            for (lane, load) in loads.iter().enumerate() {
                // A lane that is near the level or above takes a batch at each turn, and no more.
                let turns = burst.div_ceil(batch * loads.len());
                prop_assert!(*load <= level.max(before[lane] + batch * turns));
            }
        }
    }
}

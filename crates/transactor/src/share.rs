//! How work is divided: wallets between workers, jobs between lanes. Pure, and the loads that one
//! process knows of.

use alloy_primitives::Address;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The part of its window that a lane takes at least.
const BATCH_SHARE: usize = 8;

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

/// Roles for which nothing waited when they were last looked at, so that idle lanes need not all
/// look.
#[derive(Debug, Default)]
pub(crate) struct Quiet(Mutex<HashMap<String, Instant>>);

impl Quiet {
    pub fn note(&self, role: &str, waiting: usize) {
        let mut quiet = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (waiting, quiet.get_mut(role)) {
            (0, Some(seen)) => *seen = Instant::now(),
            (0, None) => drop(quiet.insert(role.to_owned(), Instant::now())),
            (_, _) => drop(quiet.remove(role)),
        }
    }

    /// Did nothing wait so short a time ago?
    pub fn is_quiet(&self, role: &str, age_max: Duration) -> bool {
        let quiet = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        quiet.get(role).is_some_and(|seen| seen.elapsed() < age_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

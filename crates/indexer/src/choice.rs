//! Which endpoint the index is read from. One step uses one endpoint, so that what is read is of
//! one node; between steps the best one is chosen, without those that failed lately.

use chain::Pool;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

const AVOID_MIN: Duration = Duration::from_secs(1);
const AVOID_MAX: Duration = Duration::from_secs(60);

/// The endpoint in use, and those to be avoided for a while: twice as long after each failure in a
/// row.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    place: usize,
    avoided: BTreeMap<usize, Avoided>,
    /// How often in a row nobody could confirm a reorg.
    pub doubts: u32,
}

#[derive(Debug)]
struct Avoided {
    until: Instant,
    pause: Duration,
}

impl Choice {
    pub fn place(&self) -> usize {
        self.place
    }

    /// Choose for the next step.
    pub fn pick(&mut self, pool: &Pool) {
        let now = Instant::now();
        let free = |place: &usize| self.avoided.get(place).is_none_or(|one| now >= one.until);
        let order = pool.order();
        let soonest = || {
            let states = pool.states();
            // None may be asked, or all failed lately: the one that waited longest.
            (0..pool.len())
                .filter(|place| states.get(*place).is_none_or(|state| !state.is_excluded()))
                .min_by_key(|place| self.avoided.get(place).map(|one| one.until))
        };
        let best = order.iter().copied().find(free);
        self.place = best.or_else(soonest).unwrap_or(self.place);
    }

    /// The endpoint in use failed.
    pub fn avoid(&mut self) {
        let before = self.avoided.get(&self.place).map_or(AVOID_MIN / 2, |one| one.pause);
        let pause = (before * 2).min(AVOID_MAX);
        self.avoided.insert(self.place, Avoided { until: Instant::now() + pause, pause });
    }

    /// A step with the endpoint in use went well.
    pub fn trust(&mut self) {
        self.avoided.remove(&self.place);
        self.doubts = 0;
    }
}

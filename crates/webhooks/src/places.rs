//! Whose turn it is to be asked: so that endpoints which hang delay nobody else. Pure but for the
//! clock that its caller has.
//!
//! - An endpoint begins with one attempt at a time; each success lets it have one more, up to a
//!   bound; a failure takes it back to one.
//! - One that failed last, or is slow now, has one attempt at a time, and all of these together
//!   have a share of the places. So however many hang, the others have theirs.

use crate::Options;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

#[derive(Debug)]
pub(crate) struct Places {
    in_flight_max: usize,
    endpoint_max: usize,
    troubled_max: usize,
    of: HashMap<Uuid, Standing>,
    under_way: usize,
    /// Of those at troubled endpoints.
    troubled: usize,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    under_way: usize,
    window: usize,
    failed: bool,
    /// Attempts under way that take long.
    slow: usize,
}

impl Default for Standing {
    fn default() -> Self {
        Self { under_way: 0, window: 1, failed: false, slow: 0 }
    }
}

impl Standing {
    fn is_troubled(self) -> bool {
        self.failed || self.slow > 0
    }
}

impl Places {
    pub fn new(options: &Options) -> Self {
        Self {
            in_flight_max: options.in_flight_max,
            endpoint_max: options.endpoint_in_flight_max.max(1),
            troubled_max: options.troubled_max,
            of: HashMap::new(),
            under_way: 0,
            troubled: 0,
        }
    }

    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// Places that are left for anybody.
    pub fn free(&self) -> usize {
        self.in_flight_max.saturating_sub(self.under_way)
    }

    /// How many more the endpoint may have now.
    pub fn room(&self, endpoint: Uuid) -> usize {
        let standing = self.of.get(&endpoint).copied().unwrap_or_default();
        let room = if standing.is_troubled() {
            let left = self.troubled_max.saturating_sub(self.troubled);
            1_usize.saturating_sub(standing.under_way).min(left)
        } else {
            standing.window.saturating_sub(standing.under_way)
        };
        room.min(self.free())
    }

    pub fn enter(&mut self, endpoint: Uuid) {
        self.change(endpoint, |standing| standing.under_way += 1);
        self.under_way += 1;
    }

    /// An attempt under way takes long.
    pub fn slow(&mut self, endpoint: Uuid) {
        self.change(endpoint, |standing| standing.slow += 1);
    }

    /// An attempt has ended; `slow` if it was told to be.
    pub fn leave(&mut self, endpoint: Uuid, slow: bool, well: bool) {
        let most = self.endpoint_max;
        self.change(endpoint, |standing| {
            standing.under_way = standing.under_way.saturating_sub(1);
            standing.slow = standing.slow.saturating_sub(usize::from(slow));
            standing.failed = !well;
            standing.window = if well { (standing.window + 1).min(most) } else { 1 };
        });
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Forget endpoints that are no more, unless something is under way there.
    pub fn keep(&mut self, known: &HashSet<Uuid>) {
        self.of.retain(|id, standing| standing.under_way > 0 || known.contains(id));
    }

    fn change(&mut self, endpoint: Uuid, change: impl FnOnce(&mut Standing)) {
        let standing = self.of.entry(endpoint).or_default();
        let counted = |s: &Standing| if s.is_troubled() { s.under_way } else { 0 };
        let before = counted(standing);
        change(standing);
        self.troubled = (self.troubled + counted(standing)).saturating_sub(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(in_flight_max: usize, troubled_max: usize) -> Places {
        Places::new(&Options {
            in_flight_max,
            troubled_max,
            endpoint_in_flight_max: 4,
            ..Options::default()
        })
    }

    fn id(n: usize) -> Uuid {
        Uuid::from_u128(n as u128 + 1)
    }

    #[test]
    fn an_endpoint_earns_its_places_and_loses_them() {
        let mut places = places(100, 50);
        let one = id(1);
        assert_eq!(places.room(one), 1);
        for expected in [2, 3, 4, 4] {
            places.enter(one);
            places.leave(one, false, true);
            assert_eq!(places.room(one), expected);
        }
        places.enter(one);
        assert_eq!(places.room(one), 3);
        places.slow(one);
        assert_eq!(places.room(one), 0, "who is slow gets no more");
        places.leave(one, true, true);
        assert_eq!(places.room(one), 4);
        places.enter(one);
        places.leave(one, false, false);
        assert_eq!(places.room(one), 1);
        assert_eq!((places.under_way, places.troubled), (0, 0));
    }

    /// Any number may hang: the others find places.
    #[test]
    fn those_who_hang_leave_places_to_the_others() {
        let mut places = places(40, 20);
        // All are new, and the first thirty hang.
        (0..30).for_each(|n| places.enter(id(n)));
        assert_eq!((places.free(), places.room(id(99))), (10, 1));
        (0..30).for_each(|n| places.slow(id(n)));
        (0..30).for_each(|n| places.leave(id(n), true, false));
        for n in 0..30 {
            if places.room(id(n)) > 0 {
                places.enter(id(n));
            }
        }
        assert_eq!((places.under_way, places.troubled), (20, 20), "a share and no more");
        assert_eq!(places.room(id(29)), 0);
        for n in 100..120 {
            assert_eq!(places.room(id(n)), 1);
            places.enter(id(n));
        }
        assert_eq!(places.free(), 0);
        (100..120).for_each(|n| places.leave(id(n), false, true));
        (0..20).for_each(|n| places.leave(id(n), false, true));
        assert_eq!((places.under_way, places.troubled), (0, 0));
        places.keep(&HashSet::from([id(5)]));
        assert_eq!(places.of.len(), 1);
    }
}

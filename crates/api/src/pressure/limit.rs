//! The rule: how many requests of a route may be under way.
//!
//! The time of a request that waits for nobody is that of the quickest of late among few. When even
//! the quickest of a moment took much longer, requests stand in a queue that does not go away by
//! itself: the least wait of an interval tells a standing queue from a burst (Nichols and Jacobson,
//! *Controlling Queue Delay*, 2012). Then the limit is cut to the part of what was under way that
//! would have waited less (Little's law); while it is reached without such a queue, it grows again.

use std::time::{Duration, Instant};

/// A moment: so long, and so many answers. Bursts are over sooner.
const INTERVAL: Duration = Duration::from_secs(1);
const ANSWERS_MIN: u32 = 8;
/// How far back the quickest of late is looked for, twice this at most; further, while none are
/// few.
const FLOOR_SPAN: Duration = Duration::from_secs(30);
/// Few: the limit is never lower, so that it is always possible to learn how quick these are.
const LIMIT_MIN: usize = 16;

#[derive(Debug)]
pub(super) struct RouteLimit {
    most: usize,
    /// Longer than the quickest of late by this and by as much again as that: a standing queue.
    delay: Duration,
    limit: usize,
    under_way: usize,
    moment: Moment,
    floor: Floor,
}

#[derive(Debug)]
struct Moment {
    began_at: Instant,
    answers: u32,
    quickest: Duration,
    /// Most under way.
    busiest: usize,
    was_full: bool,
}

/// The quickest among few, of this span and of the one before.
#[derive(Debug)]
struct Floor {
    began_at: Instant,
    this: Option<Duration>,
    before: Option<Duration>,
}

impl RouteLimit {
    pub(super) fn new(most: usize, delay: Duration, now: Instant) -> Self {
        let floor = Floor { began_at: now, this: None, before: None };
        Self { most, delay, limit: most, under_way: 0, moment: Moment::new(now), floor }
    }

    pub(super) fn has_room(&mut self) -> bool {
        let has_room = self.under_way < self.limit;
        self.moment.was_full |= !has_room;
        has_room
    }

    pub(super) fn enter(&mut self) {
        self.under_way += 1;
        self.moment.busiest = self.moment.busiest.max(self.under_way);
    }

    pub(super) fn leave(&mut self) {
        self.under_way -= 1;
    }

    /// One was answered, and took so long.
    pub(super) fn note(&mut self, now: Instant, took: Duration) {
        if self.under_way <= LIMIT_MIN {
            self.floor.note(now, took);
        }
        let moment = &mut self.moment;
        moment.answers += 1;
        moment.quickest = moment.quickest.min(took);
        if moment.answers < ANSWERS_MIN || now.duration_since(moment.began_at) < INTERVAL {
            return;
        }
        let floor = self.floor.quickest();
        let bearable = floor + floor.max(self.delay);
        if moment.quickest > bearable {
            let part = bearable.div_duration_f64(moment.quickest).clamp(0.5, 0.9);
            let limit = self.limit.min(moment.busiest) as f64 * part;
            self.limit = (limit as usize).max(LIMIT_MIN).min(self.most);
        } else if moment.was_full || moment.busiest >= self.limit {
            self.limit = (self.limit + (self.limit / 16).max(1)).min(self.most);
        }
        self.moment = Moment::new(now);
        self.moment.busiest = self.under_way;
    }

    #[cfg(test)]
    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }
}

impl Moment {
    fn new(now: Instant) -> Self {
        Self { began_at: now, answers: 0, quickest: Duration::MAX, busiest: 0, was_full: false }
    }
}

impl Floor {
    fn note(&mut self, now: Instant, took: Duration) {
        if now.duration_since(self.began_at) >= FLOOR_SPAN {
            *self = Self { began_at: now, this: None, before: self.this };
        }
        self.this = Some(self.this.map_or(took, |this| this.min(took)));
    }

    fn quickest(&self) -> Duration {
        self.this.into_iter().chain(self.before).min().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    const DELAY: Duration = Duration::from_millis(200);

    /// A route whose requests are worked on one by one, for `work` each.
    struct Route {
        limit: RouteLimit,
        now: Instant,
        work: Duration,
        queue: VecDeque<Instant>,
        /// Times of those answered, in order.
        took: Vec<Duration>,
        refused: usize,
    }

    impl Route {
        fn new(work: Duration) -> Self {
            let now = Instant::now();
            let limit = RouteLimit::new(1_024, DELAY, now);
            Self { limit, now, work, queue: VecDeque::new(), took: Vec::new(), refused: 0 }
        }

        /// For `span`, a request comes every `pause`.
        fn offer(&mut self, span: Duration, pause: Duration) {
            let end = self.now + span;
            let mut next = self.now;
            while self.now < end {
                while next <= self.now {
                    if self.limit.has_room() {
                        self.limit.enter();
                        self.queue.push_back(next);
                    } else {
                        self.refused += 1;
                    }
                    next += pause;
                }
                match self.queue.pop_front() {
                    Some(since) => {
                        self.now += self.work;
                        let took = self.now - since;
                        self.limit.note(self.now, took);
                        self.limit.leave();
                        self.took.push(took);
                    }
                    None => self.now = next,
                }
            }
        }

        fn last(&self, count: usize) -> &[Duration] {
            &self.took[self.took.len() - count..]
        }
    }

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn twice_what_a_route_bears_is_answered_soon_or_refused() {
        let mut route = Route::new(5 * MS);
        route.offer(Duration::from_secs(10), 20 * MS);
        assert_eq!(route.refused, 0, "half of it is nothing");
        assert_eq!(route.took.iter().max(), Some(&(5 * MS)));
        route.took.clear();
        route.offer(Duration::from_mins(5), 5 * MS / 2);
        let soon = route.last(10_000).iter().filter(|took| **took < 2 * DELAY).count();
        assert!(soon > 9_800, "{soon}: the limit has found its place, and stays there");
        assert!(route.took.len() > 59_000, "{}: all the time it was at work", route.took.len());
        let refused = route.refused;
        route.offer(Duration::from_mins(1), 20 * MS);
        assert_eq!(route.refused, refused, "what is over is over");
    }

    #[test]
    fn a_burst_is_no_overload() {
        let mut route = Route::new(MS);
        for _ in 0..100 {
            route.offer(Duration::from_secs(1), 10 * MS);
            // 600 at once: the last of them waits 600 ms, and then there is nothing.
            for _ in 0..600 {
                assert!(route.limit.has_room());
                route.limit.enter();
                route.queue.push_back(route.now);
            }
        }
        assert_eq!(route.refused, 0);
        assert_eq!(route.limit.limit, 1_024);
    }

    /// `count` requests answered one a millisecond, all after `took`, while `under_way` are.
    fn answer(limit: &mut RouteLimit, now: &mut Instant, count: u32, took: Duration) {
        for step in 0..count {
            *now += MS;
            limit.note(*now, took + MS * (step % 300));
        }
    }

    #[test]
    fn a_route_that_is_slow_by_itself_is_let_be() {
        let mut now = Instant::now();
        let mut limit = RouteLimit::new(1_024, DELAY, now);
        limit.enter();
        answer(&mut limit, &mut now, 1, Duration::from_secs(2));
        (0..500).for_each(|_| limit.enter());
        // All wait 2 s for something outside, however many they are.
        answer(&mut limit, &mut now, 100_000, Duration::from_secs(2));
        assert_eq!(limit.limit, 1_024);
    }

    #[test]
    fn a_route_that_has_become_slow_is_learned_anew() {
        let mut now = Instant::now();
        let mut limit = RouteLimit::new(1_024, DELAY, now);
        (0..10).for_each(|_| limit.enter());
        answer(&mut limit, &mut now, 1_000, MS);
        (0..500).for_each(|_| limit.enter());
        answer(&mut limit, &mut now, 20_000, Duration::from_secs(1));
        assert_eq!(limit.limit, LIMIT_MIN, "it looks like a queue");
        while limit.under_way > LIMIT_MIN {
            limit.leave();
        }
        answer(&mut limit, &mut now, 70_000, Duration::from_secs(1));
        let learned = limit.limit;
        assert!(learned > LIMIT_MIN, "and is none");
        for _ in 0..200 {
            while limit.has_room() {
                limit.enter();
            }
            answer(&mut limit, &mut now, 2_000, Duration::from_secs(1));
        }
        assert_eq!(limit.limit, 1_024);
    }

    #[test]
    fn some_always_get_in() {
        let mut now = Instant::now();
        let mut limit = RouteLimit::new(1_024, DELAY, now);
        (0..1_024).for_each(|_| limit.enter());
        answer(&mut limit, &mut now, 100_000, Duration::from_secs(9));
        assert_eq!(limit.limit, LIMIT_MIN);
    }
}

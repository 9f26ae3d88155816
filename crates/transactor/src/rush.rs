//! Rushes: many jobs that come in at once, as when a sale opens. Callers wait for the answer, jobs
//! wait for a block; so while a rush begins, accepting goes first and lanes take nothing new. Their
//! patience lasts for half a block at most, and only comes back in quiet times; so however long a
//! rush lasts, what is accepted is sent.

use std::time::{Duration, Instant};

/// So many jobs within a [`TICK`] are a rush.
const JOBS: u32 = 32;
const TICK: Duration = Duration::from_millis(25);
/// It is on for so long after.
const STAYS: Duration = Duration::from_millis(50);
/// The longest patience.
pub(crate) const PATIENCE_MAX: Duration = Duration::from_secs(1);

/// What is known of the jobs of one chain and role that come in. Pure.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rush {
    tick: Option<Tick>,
    /// When jobs came in fast for the last time.
    fast: Option<Instant>,
    /// How long they had done so by then, less the quiet time before; never more than the longest
    /// patience.
    lasted: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Tick {
    began: Instant,
    jobs: u32,
}

impl Rush {
    /// A job has come in.
    pub fn note(&mut self, now: Instant) {
        let tick = match self.tick {
            Some(tick) if now < tick.began + TICK => Tick { jobs: tick.jobs + 1, ..tick },
            _ => Tick { began: now, jobs: 1 },
        };
        self.tick = Some(tick);
        if tick.jobs < JOBS {
            return;
        }
        let since = self.fast.map_or(Duration::ZERO, |at| now.duration_since(at));
        let on = since.min(STAYS);
        self.lasted = (self.lasted + on).min(PATIENCE_MAX).saturating_sub(since - on);
        self.fast = Some(now);
    }

    /// Do jobs come in fast?
    pub fn is_on(&self, now: Instant) -> bool {
        self.fast.is_some_and(|at| now.duration_since(at) < STAYS)
    }

    /// For how long a lane of this `patience` should leave alone what waits, before it asks again.
    pub fn pause(&self, now: Instant, patience: Duration) -> Option<Duration> {
        let since = now.duration_since(self.fast?);
        let left = patience.min(PATIENCE_MAX).saturating_sub(self.lasted + since);
        let on = STAYS.saturating_sub(since);
        let pause = left.min(on).min(TICK);
        (!pause.is_zero()).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Three jobs at each of these milliseconds.
    fn rush(start: Instant, times: impl IntoIterator<Item = u64>) -> Rush {
        let mut rush = Rush::default();
        for at in times {
            (0..3).for_each(|_| rush.note(start + Duration::from_millis(at)));
        }
        rush
    }

    #[test]
    fn a_rush_is_waited_for_until_it_ends() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let few = rush(start, (0..1000).step_by(6));
        assert_eq!(few.pause(at(996), SECOND), None, "500 in a second");
        let many = rush(start, 0..200);
        assert_eq!(many.pause(at(200), SECOND), Some(TICK));
        assert_eq!(many.pause(at(220), SECOND), Some(TICK));
        assert_eq!(many.pause(at(230), SECOND), Some(Duration::from_millis(19)), "then it is over");
        assert!(many.is_on(at(230)));
        assert_eq!(many.pause(at(250), SECOND), None, "it is over");
        assert!(!many.is_on(at(250)));
        assert_eq!(many.pause(at(200), Duration::from_millis(100)), None, "no more patience");
    }

    #[test]
    fn patience_ends_and_comes_back_in_quiet_times() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let long = rush(start, 0..5_000);
        assert_eq!(long.pause(at(5_000), SECOND), None);
        let soon = rush(start, (0..5_000).chain(5_100..5_400));
        assert_eq!(soon.pause(at(5_400), SECOND), None, "a tenth of a second was quiet");
        let later = rush(start, (0..5_000).chain(5_600..5_800));
        assert_eq!(later.pause(at(5_800), SECOND), Some(TICK));
        let again = rush(start, (0..5_000).chain(8_000..8_900));
        assert_eq!(again.pause(at(8_900), SECOND), Some(TICK), "another one");
    }

    proptest! {
        #[test]
        fn lanes_wait_no_longer_than_their_patience_and_what_was_quiet(
            gaps in prop::collection::vec((0u64..120, 1usize..60), 1..1_000),
            patience in 0u64..2_000,
        ) {
            let patience = Duration::from_millis(patience);
            let (mut rush, mut now) = (Rush::default(), Instant::now());
            let (mut waited, mut worked) = (Duration::ZERO, Duration::ZERO);
            for (gap, jobs) in gaps {
                let next = now + Duration::from_millis(gap);
                while now < next {
                    let step = match rush.pause(now, patience) {
                        Some(pause) => {
                            prop_assert!(!pause.is_zero() && pause <= TICK);
                            let step = pause.min(next - now);
                            waited += step;
                            step
                        }
                        None => {
                            let step = Duration::from_millis(1).min(next - now);
                            worked += step;
                            step
                        }
                    };
                    now += step;
                    prop_assert!(waited <= patience.min(PATIENCE_MAX) + worked);
                }
                (0..jobs).for_each(|_| rush.note(now));
            }
        }
    }
}

//! Kinds of jobs that keep failing are paused, and tried again one at a time.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The pause is doubled each time the probe fails too, up to this.
const PAUSE_LAST: Duration = Duration::from_secs(60);
/// A probe whose outcome is not known by then counts as lost, and another goes.
const PROBE_LOST: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
enum State {
    /// So many failures in a row.
    Closed(u32),
    Open {
        until: Instant,
        pause: Duration,
    },
    /// One job is out to see.
    Probing {
        since: Instant,
        pause: Duration,
    },
}

/// What an outcome did to its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Paused,
    Resumed,
    Nothing,
}

/// By kind. Each worker learns for itself, and a restart forgets: jobs wait, nothing is lost.
#[derive(Debug)]
pub(crate) struct Breakers {
    /// Failures in a row that pause a kind; 0: never.
    failures_max: u32,
    pause_first: Duration,
    kinds: Mutex<HashMap<String, State>>,
}

impl Breakers {
    pub fn new(failures_max: u32, pause_first: Duration) -> Self {
        Self { failures_max, pause_first, kinds: Mutex::default() }
    }

    /// Kinds of which no job is to be taken now.
    pub fn paused(&self, now: Instant) -> Vec<String> {
        let kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |state: &State| match state {
            State::Closed(_) => false,
            State::Open { until, .. } => now < *until,
            State::Probing { since, .. } => now < *since + PROBE_LOST,
        };
        kinds.iter().filter(|(_, state)| waits(state)).map(|(kind, _)| kind.clone()).collect()
    }

    /// May this job, which was claimed, go on? Of a kind whose pause is over only one may.
    pub fn admits(&self, kind: &str, now: Instant) -> bool {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        match kinds.get_mut(kind) {
            None | Some(State::Closed(_)) => true,
            Some(state) => {
                let (ready, pause) = match *state {
                    State::Open { until, pause } => (now >= until, pause),
                    State::Probing { since, pause } => (now >= since + PROBE_LOST, pause),
                    State::Closed(_) => (true, self.pause_first),
                };
                if ready {
                    *state = State::Probing { since: now, pause };
                }
                ready
            }
        }
    }

    pub fn succeeded(&self, kind: &str) -> Turn {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        match kinds.remove(kind) {
            Some(State::Open { .. } | State::Probing { .. }) => Turn::Resumed,
            Some(State::Closed(_)) | None => Turn::Nothing,
        }
    }

    pub fn failed(&self, kind: &str, now: Instant) -> Turn {
        if self.failures_max == 0 {
            return Turn::Nothing;
        }
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let before = kinds.get(kind).copied().unwrap_or(State::Closed(0));
        let (after, turn) = match before {
            State::Closed(count) if count + 1 < self.failures_max => {
                (State::Closed(count + 1), Turn::Nothing)
            }
            State::Closed(_) => {
                let pause = self.pause_first;
                (State::Open { until: now + pause, pause }, Turn::Paused)
            }
            State::Probing { pause, .. } => {
                let pause = (pause * 2).min(PAUSE_LAST);
                (State::Open { until: now + pause, pause }, Turn::Nothing)
            }
            // A straggler from before the pause.
            open @ State::Open { .. } => (open, Turn::Nothing),
        };
        kinds.insert(kind.to_owned(), after);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE_FIRST: Duration = Duration::from_secs(2);

    #[test]
    fn a_kind_that_keeps_failing_is_paused_and_probed() {
        let (breakers, mut now) = (Breakers::new(3, PAUSE_FIRST), Instant::now());
        assert_eq!(breakers.failed("a", now), Turn::Nothing);
        assert_eq!(breakers.failed("a", now), Turn::Nothing);
        assert_eq!(breakers.succeeded("a"), Turn::Nothing, "a success starts the count anew");
        assert_eq!(breakers.failed("a", now), Turn::Nothing);
        assert_eq!(breakers.failed("a", now), Turn::Nothing);
        assert_eq!(breakers.failed("a", now), Turn::Paused);
        assert_eq!(breakers.paused(now), ["a"]);
        assert!(breakers.admits("b", now) && !breakers.admits("a", now));
        now += PAUSE_FIRST;
        assert!(breakers.paused(now).is_empty());
        assert!(breakers.admits("a", now), "one probe");
        assert!(!breakers.admits("a", now), "and only one");
        assert_eq!(breakers.paused(now), ["a"]);
        assert_eq!(breakers.failed("a", now), Turn::Nothing);
        assert!(!breakers.admits("a", now + PAUSE_FIRST), "the pause is longer now");
        now += PAUSE_FIRST * 2;
        assert!(breakers.admits("a", now));
        assert_eq!(breakers.succeeded("a"), Turn::Resumed);
        assert!(breakers.admits("a", now) && breakers.admits("a", now));
    }

    #[test]
    fn a_lost_probe_is_followed_by_another_and_pauses_are_bounded() {
        let (breakers, mut now) = (Breakers::new(1, PAUSE_FIRST), Instant::now());
        breakers.failed("a", now);
        for _ in 0..10 {
            now += PAUSE_LAST;
            assert!(breakers.admits("a", now));
            breakers.failed("a", now);
        }
        now += PAUSE_LAST;
        assert!(breakers.admits("a", now));
        assert!(!breakers.admits("a", now));
        assert!(breakers.admits("a", now + PROBE_LOST));
        let off = Breakers::new(0, PAUSE_FIRST);
        assert!((0..100).all(|_| off.failed("a", now) == Turn::Nothing));
    }
}

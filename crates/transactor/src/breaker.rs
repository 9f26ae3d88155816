//! Jobs of one kind that keep failing are paused and tried again one at a time: those from the same
//! source (`db::transactions::sources`). Whoever asks for calls that fail stops nobody else.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The pause is doubled each time the probe fails too, up to this.
const PAUSE_LAST: Duration = Duration::from_secs(60);
/// A probe whose outcome is not known by then counts as lost, and another goes.
const PROBE_LOST: Duration = Duration::from_secs(60);
/// Circuits that are kept: whoever has many names must not fill our memory, nor our queries.
const CIRCUITS_MAX: usize = 1_000;
/// A pause that nobody probed for so long is forgotten when room is needed.
const FORGOTTEN: Duration = Duration::from_secs(600);

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

/// A kind of jobs from one source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Circuit {
    pub kind: String,
    pub source: String,
}

impl Circuit {
    pub fn new(kind: &str, source: &str) -> Self {
        Self { kind: kind.to_owned(), source: source.to_owned() }
    }
}

/// Each worker learns for itself, and a restart forgets: jobs wait, nothing is lost.
#[derive(Debug)]
pub(crate) struct Breakers {
    /// Failures in a row that open a circuit; 0: never.
    failures_max: u32,
    pause_first: Duration,
    circuits: Mutex<HashMap<Circuit, State>>,
}

impl Breakers {
    pub fn new(failures_max: u32, pause_first: Duration) -> Self {
        Self { failures_max, pause_first, circuits: Mutex::default() }
    }

    /// Nothing has failed lately: there is nothing to ask.
    pub fn is_quiet(&self) -> bool {
        self.lock().is_empty()
    }

    /// Of what no job is to be taken now.
    pub fn paused(&self, now: Instant) -> Vec<Circuit> {
        let waits = |state: &State| match state {
            State::Closed(_) => false,
            State::Open { until, .. } => now < *until,
            State::Probing { since, .. } => now < *since + PROBE_LOST,
        };
        self.lock().iter().filter(|(_, state)| waits(state)).map(|(of, _)| of.clone()).collect()
    }

    /// How many sources of this kind are paused or probed.
    pub fn count_open(&self, kind: &str) -> usize {
        let open = |state: &State| !matches!(state, State::Closed(_));
        self.lock().iter().filter(|(of, state)| of.kind == kind && open(state)).count()
    }

    /// May this job, which was claimed, go on? When the pause is over only one may.
    pub fn admits(&self, of: &Circuit, now: Instant) -> bool {
        match self.lock().get_mut(of) {
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

    pub fn succeeded(&self, of: &Circuit) -> Turn {
        match self.lock().remove(of) {
            Some(State::Open { .. } | State::Probing { .. }) => Turn::Resumed,
            Some(State::Closed(_)) | None => Turn::Nothing,
        }
    }

    pub fn failed(&self, of: &Circuit, now: Instant) -> Turn {
        if self.failures_max == 0 {
            return Turn::Nothing;
        }
        let mut circuits = self.lock();
        if !circuits.contains_key(of) && !make_room(&mut circuits, now) {
            return Turn::Nothing;
        }
        let before = circuits.get(of).copied().unwrap_or(State::Closed(0));
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
        circuits.insert(of.clone(), after);
        turn
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Circuit, State>> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Is there room for one more? Counts of failures give way, and pauses that are long over.
fn make_room(circuits: &mut HashMap<Circuit, State>, now: Instant) -> bool {
    if circuits.len() >= CIRCUITS_MAX {
        circuits.retain(|_, state| match state {
            State::Closed(_) => false,
            State::Open { until: at, .. } | State::Probing { since: at, .. } => {
                now < *at + FORGOTTEN
            }
        });
    }
    circuits.len() < CIRCUITS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE_FIRST: Duration = Duration::from_secs(2);

    fn of(kind: &str) -> Circuit {
        Circuit::new(kind, "somebody")
    }

    #[test]
    fn a_kind_that_keeps_failing_is_paused_and_probed() {
        let (breakers, mut now) = (Breakers::new(3, PAUSE_FIRST), Instant::now());
        assert_eq!(breakers.failed(&of("a"), now), Turn::Nothing);
        assert_eq!(breakers.failed(&of("a"), now), Turn::Nothing);
        assert_eq!(breakers.succeeded(&of("a")), Turn::Nothing, "a success starts the count anew");
        assert_eq!(breakers.failed(&of("a"), now), Turn::Nothing);
        assert_eq!(breakers.failed(&of("a"), now), Turn::Nothing);
        assert_eq!(breakers.failed(&of("a"), now), Turn::Paused);
        assert_eq!(breakers.paused(now), [of("a")]);
        assert!(breakers.admits(&of("b"), now) && !breakers.admits(&of("a"), now));
        now += PAUSE_FIRST;
        assert!(breakers.paused(now).is_empty());
        assert!(breakers.admits(&of("a"), now), "one probe");
        assert!(!breakers.admits(&of("a"), now), "and only one");
        assert_eq!(breakers.paused(now), [of("a")]);
        assert_eq!(breakers.failed(&of("a"), now), Turn::Nothing);
        assert!(!breakers.admits(&of("a"), now + PAUSE_FIRST), "the pause is longer now");
        now += PAUSE_FIRST * 2;
        assert!(breakers.admits(&of("a"), now));
        assert_eq!(breakers.succeeded(&of("a")), Turn::Resumed);
        assert!(breakers.admits(&of("a"), now) && breakers.admits(&of("a"), now));
    }

    #[test]
    fn a_lost_probe_is_followed_by_another_and_pauses_are_bounded() {
        let (breakers, mut now) = (Breakers::new(1, PAUSE_FIRST), Instant::now());
        breakers.failed(&of("a"), now);
        for _ in 0..10 {
            now += PAUSE_LAST;
            assert!(breakers.admits(&of("a"), now));
            breakers.failed(&of("a"), now);
        }
        now += PAUSE_LAST;
        assert!(breakers.admits(&of("a"), now));
        assert!(!breakers.admits(&of("a"), now));
        assert!(breakers.admits(&of("a"), now + PROBE_LOST));
        let off = Breakers::new(0, PAUSE_FIRST);
        assert!((0..100).all(|_| off.failed(&of("a"), now) == Turn::Nothing));
    }

    #[test]
    fn nobody_pays_for_the_failures_of_another_and_their_names_fill_nothing() {
        let (breakers, now) = (Breakers::new(2, PAUSE_FIRST), Instant::now());
        let thief = |number: usize| Circuit::new("sponsored_call", &format!("thief {number}"));
        for number in 0..3 * CIRCUITS_MAX {
            breakers.failed(&thief(number), now);
        }
        assert!(breakers.lock().len() <= CIRCUITS_MAX);
        assert!(breakers.paused(now).is_empty(), "one failure of each");
        for number in 0..3 * CIRCUITS_MAX {
            breakers.failed(&thief(number), now);
            breakers.failed(&thief(number), now);
        }
        assert_eq!(breakers.count_open("sponsored_call"), CIRCUITS_MAX);
        assert!(breakers.admits(&Circuit::new("sponsored_call", "honest"), now));
        let later = now + PAUSE_FIRST + FORGOTTEN;
        breakers.failed(&of("a"), later);
        assert_eq!(breakers.failed(&of("a"), later), Turn::Paused, "there is room again");
        assert_eq!(breakers.paused(later), [of("a")]);
    }
}

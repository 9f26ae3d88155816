//! How endpoints stand, as far as facts have told it. Pure.

use chain::State;
use std::time::{Duration, Instant};

/// What comes and goes is told when it has lasted so long.
const LASTING: Duration = Duration::from_secs(3);

/// Of each endpoint what was told last, and what is seen since when. None is nothing special.
#[derive(Debug, Default)]
pub(crate) struct Standings(Vec<Standing>);

#[derive(Clone, Copy, Debug)]
struct Standing {
    told: Option<State>,
    seen: Option<State>,
    since: Instant,
}

impl Standings {
    /// What is to be told now, by place.
    pub(crate) fn changes(
        &mut self,
        states: &[State],
        now: Instant,
    ) -> Vec<(usize, Option<State>)> {
        self.0.resize(states.len(), Standing { told: None, seen: None, since: now });
        let mut changes = Vec::new();
        for (place, (standing, state)) in self.0.iter_mut().zip(states).enumerate() {
            let special = matches!(state, State::Quarantined | State::WrongChain | State::Lagging);
            let seen = special.then_some(*state);
            if standing.seen != seen {
                (standing.seen, standing.since) = (seen, now);
            }
            let sure = state.is_excluded() || now.duration_since(standing.since) >= LASTING;
            if sure && standing.told != seen {
                standing.told = seen;
                changes.push((place, seen));
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_proven_is_told_at_once_and_the_rest_when_it_lasts() {
        use State::{Failing, Good, Lagging, Quarantined};
        let (start, mut standings) = (Instant::now(), Standings::default());
        let mut at = |seconds, states: &[State]| {
            standings.changes(states, start + Duration::from_secs(seconds))
        };
        assert_eq!(at(0, &[Good, Failing]), []);
        assert_eq!(at(1, &[Lagging, Quarantined]), [(1, Some(Quarantined))]);
        assert_eq!(at(3, &[Lagging, Quarantined]), []);
        assert_eq!(at(4, &[Lagging, Good]), [(0, Some(Lagging))]);
        assert_eq!(at(5, &[Good, Good]), []);
        assert_eq!(at(6, &[Lagging, Good]), []);
        assert_eq!(at(7, &[Lagging, Good]), [(1, None)]);
        assert_eq!(at(8, &[Good, Good]), []);
        assert_eq!(at(11, &[Good, Good]), [(0, None)]);
    }
}

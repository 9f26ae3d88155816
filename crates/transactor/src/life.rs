//! The life of a job as states and the changes between them. Pure.

use vocab::JobStatus;

/// A change of state that no job makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no job goes from {from} to {to}")]
pub struct Illegal {
    pub from: JobStatus,
    pub to: JobStatus,
}

/// To which states a job may go from `from`. All of its changes pass here.
#[must_use]
pub fn next_of(from: JobStatus) -> &'static [JobStatus] {
    use JobStatus as S;
    match from {
        // Failed: it reverts at the head. Nothing of it was ever sent.
        S::Queued => &[S::Reserved, S::Failed, S::Expired, S::Cancelled],
        // Back in the queue, or ended: nothing was signed at its nonce, or a stranger has used it.
        // Tentative: mined before its hand-over was recorded.
        S::Reserved => &[
            S::Submitted,
            S::Unknown,
            S::Tentative,
            S::Queued,
            S::Failed,
            S::Expired,
            S::Cancelled,
        ],
        S::Submitted => &[S::Tentative, S::Queued, S::Expired, S::Cancelled],
        S::Unknown => &[S::Submitted, S::Tentative, S::Queued, S::Expired, S::Cancelled],
        // Submitted: a reorg took its block. The last three: mined without effect, and final.
        S::Tentative => {
            &[S::Auditable, S::Final, S::Submitted, S::Failed, S::Expired, S::Cancelled]
        }
        S::Auditable => &[S::Final, S::Submitted, S::Failed, S::Expired, S::Cancelled],
        // A reorg deeper than the chain's promise, but within our headers.
        S::Final => &[S::Submitted],
        // Driven again, or given up, which lets those behind it go.
        S::Failed | S::Expired => &[S::Queued, S::Cancelled],
        S::Cancelled => &[],
    }
}

/// May a job go from one state to the other?
#[must_use]
pub fn may_become(from: JobStatus, to: JobStatus) -> bool {
    next_of(from).contains(&to)
}

/// The state of a job by the states that its facts tell, in order. None: there are no facts.
///
/// # Errors
/// [`Illegal`]: the first change that no job makes. A life begins in the queue.
pub fn fold(told: impl IntoIterator<Item = JobStatus>) -> Result<Option<JobStatus>, Illegal> {
    let mut now = None;
    for to in told {
        match now {
            None if to == JobStatus::Queued => {}
            Some(from) if may_become(from, to) => {}
            before => return Err(Illegal { from: before.unwrap_or(to), to }),
        }
        now = Some(to);
    }
    Ok(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends_that_stand_have_no_way_out_but_those_listed() {
        assert!(next_of(JobStatus::Cancelled).is_empty());
        assert_eq!(next_of(JobStatus::Final), [JobStatus::Submitted]);
        for from in JobStatus::ALL {
            assert!(!may_become(from, from), "{from} to itself is no change");
            // What was mined or handed over never waits in the queue again, but for a lost nonce.
            if from.is_mined() {
                assert!(!may_become(from, JobStatus::Queued), "{from}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_fold_takes_lawful_lives_only(
            steps in prop::collection::vec(0usize..8, 0..40),
            wrong in 0usize..40, stray in 0usize..10,
        ) {
            let mut life = vec![JobStatus::Queued];
            for step in steps {
                let next = next_of(life[life.len() - 1]);
                if next.is_empty() {
                    break;
                }
                life.push(next[step % next.len()]);
            }
            prop_assert_eq!(fold(life.clone()), Ok(life.last().copied()));
            let at = 1 + wrong % life.len();
            let stray = JobStatus::ALL[stray];
            if !may_become(life[at - 1], stray) {
                life.insert(at, stray);
                let found = fold(life.clone());
                prop_assert_eq!(found, Err(Illegal { from: life[at - 1], to: stray }));
            }
        }
    }
}

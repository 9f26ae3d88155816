//! How many lanes take jobs at the same time.

use tokio::sync::{Semaphore, SemaphorePermit};

/// So many: the others wait, so that the first ones' transactions leave for the next block instead
/// of all for the one after it. More than one, because the node that simulates may be far away.
const LANES_MAX: u32 = 4;

/// Lets lanes through in the order in which they come.
#[derive(Debug)]
pub(crate) struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(LANES_MAX as usize))
    }
}

impl Gate {
    /// A lane's turn; held from the claim until the nonces of its jobs are its own. While jobs
    /// still come in fast, one lane takes some at a time, since accepting goes first. None: never,
    /// as the gate is never closed.
    pub async fn enter(&self, rush: bool) -> Option<SemaphorePermit<'_>> {
        self.0.acquire_many(if rush { LANES_MAX } else { 1 }).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::pin::pin;

    #[test]
    fn four_are_let_in_at_once() {
        let gate = Gate::default();
        let mut inside: Vec<_> =
            (0..4).map(|_| gate.enter(false).now_or_never().expect("there is room")).collect();
        let mut next = pin!(gate.enter(false));
        assert!(next.as_mut().now_or_never().is_none(), "there is none");
        inside.pop();
        assert!(next.now_or_never().is_some());
    }

    #[test]
    fn one_is_let_in_during_a_rush() {
        let gate = Gate::default();
        let mut inside: Vec<_> =
            (0..2).map(|_| gate.enter(false).now_or_never().expect("there is room")).collect();
        let mut rushing = pin!(gate.enter(true));
        let mut behind = pin!(gate.enter(false));
        assert!(rushing.as_mut().now_or_never().is_none(), "others are inside");
        assert!(behind.as_mut().now_or_never().is_none(), "nobody overtakes it");
        inside.pop();
        assert!(rushing.as_mut().now_or_never().is_none(), "another one is inside");
        inside.pop();
        let turn = rushing.now_or_never().expect("it is alone");
        assert!(behind.as_mut().now_or_never().is_none());
        drop(turn);
        assert!(behind.now_or_never().is_some());
    }
}

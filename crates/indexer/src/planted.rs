//! Faults of our own, put in to show that tests would notice them. They exist only under the
//! feature `planted-faults`, which this crate's own tests enable and nothing else may (tidy and
//! the compiler see to it), and each run chooses one in its [`crate::IndexerOptions`].

use crate::follow::Session;

#[cfg(all(feature = "planted-faults", not(debug_assertions)))]
compile_error!("planted faults are for tests, never for an optimised build");

/// What is done wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The checkpoint is committed before the rows that it speaks of.
    CheckpointEarly,
}

impl Session {
    /// Is this to be done wrongly? Never outside of tests.
    #[cfg(feature = "planted-faults")]
    pub(crate) fn planted(&self, fault: Fault) -> bool {
        self.options.planted == Some(fault)
    }

    #[cfg(not(feature = "planted-faults"))]
    #[allow(clippy::unused_self)]
    pub(crate) const fn planted(&self, _: Fault) -> bool {
        false
    }
}
